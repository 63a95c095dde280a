// Results go between their markers and touch nothing else.
import { expect, it } from 'vitest';
import { replaceBetween } from '../../bench/readme.ts';

const page = 'before\n<!-- results: engine -->\n\nold\n\n<!-- end: engine -->\nafter\n';

it('results replace what stands between their markers, and doing it twice changes nothing', () => {
  const once = replaceBetween(page, 'engine', 'new');
  expect(once).toBe('before\n<!-- results: engine -->\n\nnew\n\n<!-- end: engine -->\nafter\n');
  expect(replaceBetween(once, 'engine', 'new')).toBe(once);
});

it('a page without the markers is refused', () => {
  expect(() => replaceBetween(page, 'runner', 'new')).toThrow("'<!-- results: runner -->'");
});
