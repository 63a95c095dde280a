// Template, masking and truncation against an independent re-implementation of open-instruct's with Hugging Face's tokenizer.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadTokenizer } from '../../formats/tokenizer/tokenizer.ts';
import { encodeExample } from '../../model/forward/chat.ts';
import { fixture, fixtures } from './fixtures.ts';

interface ChatFixture {
  lengths: { max_length: number; cases: { record: object; ids: number[]; labels: number[] }[] }[];
}

const tokenizer = loadTokenizer(readFileSync(join(fixtures, 'tokenizer.json'), 'utf8'), 'tokenizer.json');
const { lengths } = fixture<ChatFixture>('chat.json');

describe.each(lengths)('records cut to $max_length tokens', ({ max_length, cases }) => {
  it.each(cases)('case %# has the ids and labels of open-instruct', ({ record, ids, labels }) => {
    const example = encodeExample(record, tokenizer, { max_length });
    if (labels.every((label) => label === -100)) {
      expect(example).toBeNull();
    } else {
      expect([...(example?.ids ?? [])]).toEqual(ids);
      expect([...(example?.labels ?? [])]).toEqual(labels);
    }
  });
});

describe('records', () => {
  it('the fixture has a record whose answer is cut away', () => {
    expect(lengths.flatMap(({ cases }) => cases).some(({ labels }) => labels.every((label) => label === -100))).toBe(
      true,
    );
  });

  it('plain text is BOS, text, EOS, and every token counts', () => {
    const example = encodeExample({ text: 'Where does Alice live?' }, tokenizer, { max_length: 100 });
    expect(example?.ids[0]).toBe(tokenizer.bosId);
    expect(example?.ids.at(-1)).toBe(tokenizer.eosId);
    expect(example?.labels).toEqual(example?.ids);
  });

  it.each([
    [
      { question: 'x' },
      "data.jsonl, record 3: expected 'messages', 'prompt' with 'completion', or 'text', got the fields question",
    ],
    [
      { messages: [{ role: 'robot', content: 'x' }] },
      "data.jsonl, record 3: message 1: 'role' must be 'system', 'user', 'assistant', 'tool', got \"robot\"",
    ],
    [{ messages: [{ role: 'user', content: 5 }] }, "data.jsonl, record 3: message 1: 'content' must be a text, got 5"],
    ['text', "data.jsonl, record 3: expected 'messages', 'prompt' with 'completion', or 'text', got \"text\""],
  ])('%j is refused with its place', (record, message) => {
    expect(() => encodeExample(record, tokenizer, { max_length: 10 }, 'data.jsonl, record 3')).toThrow(message);
  });
});
