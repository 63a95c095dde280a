// Tokenizers against Hugging Face's own (fixtures/make.py records its versions), and files that are not tokenizers.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadTokenizer } from '../../formats/tokenizer/tokenizer.ts';
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
const plain = (id: number, content: string) => ({ id, content, special: false });

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
    const without = loadTokenizer(json, 'x', { bos_token: null, eos_token: '<s>' });
    expect([without.bosId, without.eosId]).toEqual([undefined, 3]);
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

  test('without an unknown token leaves out what it does not know before it merges, as the Python library does', () => {
    expect(loadTokenizer(tiny(), 'x').encode('acb')).toEqual([2]);
  });

  test('of words has an unknown token where the file names one', () => {
    const words = tiny({}, { type: 'WordLevel', unk_token: 'b' });
    expect(loadTokenizer(words, 'x').encode('a')).toEqual([0]);
    expect(loadTokenizer(words, 'x').encode('never seen')).toEqual([1]);
  });

  test('cuts digits of all scripts apart', () => {
    const vocab = { '1': 0, ' ': 1, '½': 2, '1 ½': 3, ' ½': 4, '٣': 5, '٤': 6, '٣٤': 7, '1 ': 8 };
    const merges = [
      ['1', ' '],
      ['1 ', '½'],
      [' ', '½'],
      ['٣', '٤'],
    ];
    const json = (individual_digits: boolean) =>
      tiny({ pre_tokenizer: { type: 'Digits', individual_digits } }, { vocab, merges });
    expect(loadTokenizer(tiny({}, { vocab, merges }), 'x').encode('1 ½٣٤')).toEqual([3, 7]);
    expect(loadTokenizer(json(true), 'x').encode('1 ½٣٤')).toEqual([0, 1, 2, 5, 6]);
    expect(loadTokenizer(json(false), 'x').encode('1 ½٣٤')).toEqual([0, 1, 2, 7]);
  });

  test('takes the last of several added tokens of one text, and the white space that it wants', () => {
    const more = { ...added(3, '<x>'), lstrip: true, rstrip: false, normalized: false, single_word: false };
    const tokenizer = loadTokenizer(tiny({ added_tokens: [added(3, '<x>'), more] }), 'x');
    expect(tokenizer.encode('a  <x>b')).toEqual([0, 3, 1]);
    expect(tokenizer.decode([0, 3, 1], { skipSpecialTokens: true })).toBe('a b');
    expect(tokenizer.vocabSize).toBe(4);
  });

  test('says what its file asks for and is not done', () => {
    const truncation = { max_length: 128, strategy: 'LongestFirst', stride: 0, direction: 'Right' };
    const padding = { strategy: 'BatchLongest', direction: 'Right', pad_id: 0, pad_token: 'a' };
    const tokenizer = loadTokenizer(tiny({ truncation, padding }), 'x');
    expect(tokenizer.warnings).toEqual([
      "tokenizer.json: its truncation to 128 tokens is not applied, 'max_length' is",
      'tokenizer.json: its padding is not applied, texts are as long as they are',
    ]);
    expect(tokenizer.encode('ab'.repeat(200)).length).toBe(200);
    expect(loadTokenizer(tiny(), 'x').warnings).toEqual([]);
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
    ['another version', tiny({ version: '2.0' }), 'expected \'version\' to be "1.0", got "2.0"'],
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
      'an unknown post-processor',
      tiny({ post_processor: { type: 'Magic' } }),
      "post_processor: expected 'type' to be one of 'BertProcessing', 'ByteLevel', 'RobertaProcessing', 'Sequence', 'TemplateProcessing', got \"Magic\"",
    ],
    [
      'an unknown model',
      tiny({}, { type: 'Magic' }),
      "model: expected 'type' to be one of 'BPE', 'Unigram', 'WordLevel', 'WordPiece', got \"Magic\"",
    ],
    ['a step that is no object', tiny({ normalizer: [] }), 'normalizer: expected a JSON object, got []'],
    [
      'an option that is missing',
      tiny({ pre_tokenizer: { type: 'Digits' } }),
      "pre_tokenizer: expected 'individual_digits' to be true or false, got nothing",
    ],
    [
      'an option of another kind',
      tiny({ pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'Metaspace', replacement: 'xy' }] } }),
      'pre_tokenizer: expected \'replacement\' to be one character, got "xy"',
    ],
    [
      'two options that do not agree',
      tiny({ pre_tokenizer: { type: 'Metaspace', prepend_scheme: 'first', add_prefix_space: false } }),
      "pre_tokenizer: 'add_prefix_space' is false, but 'prepend_scheme' is 'first'; keep one of them",
    ],
    [
      'a split without a pattern',
      tiny({ pre_tokenizer: { type: 'Split', behavior: 'Isolated', invert: false } }),
      "pre_tokenizer: expected 'pattern' to be {String: text} or {Regex: text}",
    ],
    ['dropout', tiny({}, { dropout: 0.1 }), 'model: dropout 0.1 makes the tokens of a text random; set it to null'],
    [
      'a merge of what there is not',
      tiny({}, { merges: ['a c'] }),
      'model: the merge of "a" and "c" needs "c", which is not in the vocabulary',
    ],
    ['one id for two tokens', tiny({}, { vocab: { a: 0, b: 0, ab: 2 } }), 'the tokens "a" and "b" have one id, 0'],
    [
      'an added token that is elsewhere in the vocabulary',
      tiny({ added_tokens: [added(3, 'a')] }),
      'the added token "a" has the id 3, expected 0, its place in the vocabulary',
    ],
    [
      'an added token beyond the next free id',
      tiny({ added_tokens: [added(9, '<s>')] }),
      'the added token "<s>" has the id 9, expected 3, the next free one',
    ],
    [
      'added tokens that look alike',
      tiny({ added_tokens: [plain(3, 'Q'), plain(4, 'q')], normalizer: { type: 'Lowercase' } }),
      'the added tokens "Q" and "q" look alike when they are normalized',
    ],
    [
      'an added token of which nothing is left',
      tiny({ added_tokens: [plain(3, ' ')], normalizer: { type: 'Strip', strip_left: true, strip_right: true } }),
      'nothing is left of the added token " " when it is normalized',
    ],
    [
      'an added token with an option of another kind',
      tiny({ added_tokens: [{ ...added(3, '<s>'), lstrip: 1 }] }),
      'added token "<s>": expected \'lstrip\' to be true or false, got 1',
    ],
    [
      'a template with a token that it does not have',
      tiny({
        post_processor: { type: 'TemplateProcessing', single: [{ SpecialToken: { id: '<s>' } }], special_tokens: {} },
      }),
      "post_processor: expected 'special_tokens' to have the ids of '<s>'",
    ],
    [
      'a damaged table of replacements',
      tiny({ normalizer: { type: 'Precompiled', precompiled_charsmap: 'AAAA' } }),
      "normalizer: expected 'precompiled_charsmap' to be a table of SentencePiece in base64",
    ],
    [
      'an unknown token of a Unigram that is not there',
      tiny({}, { type: 'Unigram', vocab: [['a', -1]], unk_id: 1 }),
      "model: expected 'unk_id' to be a place in the vocabulary, got 1",
    ],
  ])('%s', (_, json, sentence) => {
    expect(() => loadTokenizer(json, 'x')).toThrow(new UserError(`tokenizer 'x': ${sentence}`));
  });

  test('a text it has no token for', () => {
    const wordPiece = tiny({}, { type: 'WordPiece' });
    const sentence = "tokenizer 'x': model: no token for a part of the text, and no unknown token to stand for it";
    const why = ' ("[UNK]" is not in the vocabulary)';
    expect(() => loadTokenizer(wordPiece, 'x').encode('abc')).toThrow(new UserError(sentence + why));
    const unigram = tiny({}, { type: 'Unigram', vocab: [['a', -1]] });
    expect(loadTokenizer(unigram, 'x').encode('aa')).toEqual([0, 0]);
    expect(() => loadTokenizer(unigram, 'x').encode('ab')).toThrow(new UserError(`${sentence} (there is no 'unk_id')`));
  });

  test('what grows beyond any string', () => {
    const bomb = { type: 'Replace', pattern: { String: 'a' }, content: 'a'.repeat(2 ** 20) };
    const json = tiny({ normalizer: { type: 'Sequence', normalizers: [bomb, bomb] } });
    const refusal = "tokenizer 'x': the tokenizer cannot be used: Invalid string length";
    expect(() => loadTokenizer(json, 'x').encode('a')).toThrow(new UserError(refusal));
  });
});
