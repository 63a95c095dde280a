// Tokenizers against Hugging Face's own (fixtures/make.py records its versions), and files that are not tokenizers.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadTokenizer } from '../../formats/tokenizer.ts';
import { UserError } from '../../util/errors.ts';
import { expected, fixture } from './files.ts';

describe.each(Object.entries(expected().tokenizers))('the %s tokenizer', (name, { vocab_size, cases }) => {
  const tokenizer = loadTokenizer(readFileSync(fixture(`${name}.json`), 'utf8'), `${name}.json`);

  test.each(cases)('gives the ids of Python for $text', ({ text, ids, plain_ids }) => {
    expect(tokenizer.encode(text)).toEqual(ids);
    expect(tokenizer.encode(text, { addSpecialTokens: false })).toEqual(plain_ids);
  });

  test.each(cases)('gives the text of Python for the ids of $text', ({ ids, decoded, decoded_plain }) => {
    expect(tokenizer.decode(ids)).toBe(decoded);
    expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe(decoded_plain);
  });

  test('has as many tokens as Python says', () => {
    expect(tokenizer.vocabSize).toBe(vocab_size);
  });
});

/** A tokenizer.json of three tokens, changed by `change`. */
function tiny(change: Record<string, unknown> = {}, model: Record<string, unknown> = {}): string {
  const vocab = { a: 0, b: 1, ab: 2 };
  return JSON.stringify({ model: { type: 'BPE', vocab, merges: ['a b'], ...model }, ...change });
}

const added = (id: number, content: string) => ({ id, content, special: true });

describe('the tokens that begin and end a text', () => {
  test('are found by their usual names', () => {
    const llama3 = loadTokenizer(readFileSync(fixture('byte-level.json'), 'utf8'), 'x');
    expect([llama3.bosId, llama3.eosId]).toEqual([0, 1]);
    const llama2 = loadTokenizer(readFileSync(fixture('byte-fallback.json'), 'utf8'), 'x');
    expect([llama2.bosId, llama2.eosId]).toEqual([1, 2]);
    const none = loadTokenizer(tiny(), 'x');
    expect([none.bosId, none.eosId]).toEqual([undefined, undefined]);
  });

  test('are those of tokenizer_config.json where it is given, as text or as an object', () => {
    const json = tiny({ added_tokens: [added(3, '<s>'), added(4, '<end>')] });
    const tokenizer = loadTokenizer(json, 'x', { bos_token: { content: '<end>' }, eos_token: '<s>' });
    expect([tokenizer.bosId, tokenizer.eosId, tokenizer.vocabSize]).toEqual([4, 3, 5]);
  });

  test('must be in the vocabulary', () => {
    const sentence = "tokenizer 'x': the configuration's eos_token '<e>' is not in the vocabulary";
    expect(() => loadTokenizer(tiny(), 'x', { eos_token: '<e>' })).toThrow(new UserError(sentence));
  });
});

describe('a tokenizer', () => {
  test('accepts merges as pairs and as texts', () => {
    expect(loadTokenizer(tiny(), 'x').encode('ab')).toEqual([2]);
    expect(loadTokenizer(tiny({}, { merges: [['a', 'b']] }), 'x').encode('aab')).toEqual([0, 2]);
  });

  test('without an unknown token leaves out what it does not know, as the Python library does', () => {
    expect(loadTokenizer(tiny(), 'x').encode('acb')).toEqual([0, 1]);
  });

  test('decodes no ids to no text', () => {
    expect(loadTokenizer(tiny(), 'x').decode([])).toBe('');
  });

  test('keeps the spaces before punctuation when it decodes', () => {
    const vocab = { a: 0, ' ': 1, '.': 2 };
    const json = tiny({ decoder: { type: 'Fuse' } }, { vocab, merges: [] });
    expect(loadTokenizer(json, 'x').decode([0, 1, 2])).toBe('a .');
  });
});

describe('a file that is no usable tokenizer', () => {
  test.each<[string, string, string]>([
    ['not JSON', '', 'expected JSON, got nothing'],
    [
      'no model',
      '{}',
      "expected a tokenizer.json with a 'model' (a tokenizer.model of SentencePiece must be converted first)",
    ],
    ['no vocabulary', tiny({}, { vocab: 3 }), "expected 'model.vocab' to map tokens to ids"],
    ['an empty vocabulary', tiny({}, { vocab: {} }), 'the vocabulary is empty'],
    ['a huge id', tiny({}, { vocab: { a: 2 ** 31 } }), 'expected token ids of 0 to 16777215, got 2147483648'],
    ['a fractional id', tiny({}, { vocab: { a: 0.5 } }), 'expected token ids of 0 to 16777215, got 0.5'],
    [
      'an id that is text',
      tiny({ added_tokens: [{ id: '1', content: 'x' }] }),
      'expected token ids of 0 to 16777215, got "1"',
    ],
    ['bad merges', tiny({}, { merges: [['a']] }), "expected 'merges' to be a list of pairs"],
    ['bad added tokens', tiny({ added_tokens: [3] }), "expected 'added_tokens' to be a list of tokens"],
    ['a token twice', '{"model":{"vocab":{"a":0,"a":1}}}', "the key 'a' appears twice in one object"],
    ['deep nesting', `{"model":${'['.repeat(99)}`, 'expected JSON of at most 32 levels, got more'],
    [
      'an unknown decoder',
      tiny({ decoder: { type: 'Magic' } }),
      'the tokenizer cannot be used: Unknown Decoder type: Magic',
    ],
  ])('%s', (_, json, sentence) => {
    expect(() => loadTokenizer(json, 'x')).toThrow(new UserError(`tokenizer 'x': ${sentence}`));
  });

  test('a text it has no token for', () => {
    const wordPiece = tiny({}, { type: 'WordPiece' });
    const sentence = "tokenizer 'x': no token for a part of the text, and no unknown token to stand for it";
    expect(() => loadTokenizer(wordPiece, 'x').encode('abc')).toThrow(new UserError(sentence));
  });
});
