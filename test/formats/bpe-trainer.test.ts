// The BPE trainer against Hugging Face's trainer, and its tokenizer.json read back.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadTokenizer } from '../../formats/tokenizer/tokenizer.ts';
import { trainByteLevelBpe } from '../../stages/train-tokenizer/bpe-trainer.ts';

/** Written by test/fixtures/bpe/make.py with Hugging Face's Rust trainer; `made_by` records its version. */
interface Fixture {
  texts: string[];
  options: { vocab_size: number; special_tokens: string[]; added_tokens: string[] };
  vocab: string[];
  merges: [string, string][];
  encoded: { text: string; ids: number[] }[];
}

const fixture: Fixture = JSON.parse(
  readFileSync(new URL('../fixtures/bpe/hugging-face.json', import.meta.url), 'utf8'),
);
const trained = trainByteLevelBpe(fixture.texts, fixture.options);
const tokenizer = loadTokenizer(JSON.stringify(trained), 'trained');
const byId = (vocab: Record<string, number>) =>
  Object.keys(vocab).sort((a, b) => (vocab[a] as number) - (vocab[b] as number));
const decode = (ids: number[]) => tokenizer.decode(ids, { skipSpecialTokens: true });

describe('trainByteLevelBpe', () => {
  test('learns the vocabulary and the merges that the Rust trainer learns', () => {
    expect(byId(trained.model.vocab)).toEqual(fixture.vocab);
    expect(trained.model.merges).toEqual(fixture.merges);
  });

  test.each(fixture.encoded)('encodes $text as the Rust tokenizer does', ({ text, ids }) => {
    expect(tokenizer.encode(text)).toEqual(ids);
  });

  test('any text decodes to itself', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 60 });
    fc.assert(
      fc.property(text, (text) => {
        expect(decode(tokenizer.encode(text))).toBe(text);
      }),
    );
  });

  test('equal texts give equal bytes', () => {
    expect(JSON.stringify(trainByteLevelBpe(fixture.texts, fixture.options))).toBe(JSON.stringify(trained));
  });

  test('stops early when no pair occurs twice', () => {
    const json = trainByteLevelBpe(['ab ab'], { vocab_size: 1000, special_tokens: ['<s>'] });
    expect(json.model.merges).toEqual([['a', 'b']]);
  });

  test('a symbol that two merges make has one id', () => {
    const json = trainByteLevelBpe(['ab ab abc abc bc bc bc bc bc xbc xabc'], { vocab_size: 400, special_tokens: [] });
    expect(new Set(Object.values(json.model.vocab)).size).toBe(Object.keys(json.model.vocab).length);
  });

  test('given tokens are cut out of the texts before pairs are counted', () => {
    const json = trainByteLevelBpe(['<|user|><|user|><|user|>'], {
      vocab_size: 300,
      special_tokens: [],
      added_tokens: ['<|user|>'],
    });
    expect(json.model.merges).toEqual([]);
    expect(loadTokenizer(JSON.stringify(json), 'trained').encode('<|user|>')).toEqual([0]);
  });

  test('a vocabulary without room for the bytes is refused', () => {
    const train = () => trainByteLevelBpe([], { vocab_size: 256, special_tokens: ['<s>'] });
    expect(train).toThrow('vocab_size must be at least 257 (1 tokens and 256 bytes), got 256');
  });
});
