// The width of text: what is plain is counted without the tables of Unicode, and comes to the same.
import { describe, expect, it, vi } from 'vitest';
import { textWidth } from '../../report/numbers/text-width.ts';

const to = (from: number, end: number) => Array.from({ length: end - from + 1 }, (_, i) => from + i);
const plain = [
  ...to(0x20, 0x7e),
  ...to(0xa0, 0x2ff),
  ...to(0x2010, 0x2027),
  ...to(0x2190, 0x21ff),
  ...[0x2713, 0x2717],
].map((code) => String.fromCodePoint(code));

describe('the width of text', () => {
  it('makes no segmenter for what lamina itself prints', () => {
    const made = vi.spyOn(Intl, 'Segmenter');
    for (const text of ['\u2713 100 of 100 \u00b7 0:00', '3\u21924 T_next', 'r\u00e9sum\u00e9 1\u20132 \u2026'])
      expect(textWidth(text)).toBe([...text].length);
    expect(made).not.toHaveBeenCalled();
    made.mockRestore();
  });

  it('is that of the segments, character by character', () => {
    expect(textWidth('\u6587')).toBe(2);
    // beside a wide character the segments are counted
    const other = plain.filter((each) => textWidth(`${each}\u6587`) !== textWidth(each) + 2);
    expect(other).toEqual([]);
  });

  it('counts what joins with the character before it once', () => {
    expect(textWidth('e\u0301\u00b7')).toBe(2);
    expect(textWidth('\u00ad')).toBe(0);
  });
});
