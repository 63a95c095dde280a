// Tokenizers of GGUF files and of SentencePiece: the tokens that Python makes of hard texts (test/fixtures/gguf/make_tokenizers.py).
import { copyFileSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GgufValue } from '../../formats/tensors/gguf-header.ts';
import { sentencePieceModelJson } from '../../formats/tokenizer/sentencepiece-model.ts';
import { loadTokenizer, type Tokenizer } from '../../formats/tokenizer/tokenizer.ts';
import type { TokenizerFiles } from '../../model/checkpoint/checkpoint.ts';
import { settleTokenizer } from '../../model/checkpoint/tokenizer-files.ts';
import { pretokenizerNamed, pretokenizerOf } from '../../model/export/gguf-pretokenizer.ts';
import { ggufTokenizerFiles } from '../../model/import/gguf-tokenizer.ts';
import { readModelFolder } from '../../model/import/model-folder.ts';
import { damagedBytes, readsOrRefuses } from '../formats/mutate.ts';
import { fixtures, scratch } from './fixtures.ts';

interface Case {
  readonly model: 'gpt2' | 'llama';
  readonly pre: string;
  readonly own: number[][];
  readonly transformers: number[][];
}

const folder = new URL('../fixtures/gguf/', import.meta.url);
const { texts, keys, cases } = JSON.parse(
  gunzipSync(readFileSync(new URL('tokenizers.json.gz', folder))).toString(),
) as {
  texts: string[];
  keys: Record<'gpt2' | 'llama', Record<string, GgufValue>>;
  cases: Record<string, Case>;
};
const byteLevel = Object.entries(cases).filter(([, { model }]) => model === 'gpt2');
const spiece = readFileSync(new URL('spiece.model', folder));

const prefixed = (values: Record<string, GgufValue>) =>
  new Map(Object.entries(values).map(([key, value]) => [`tokenizer.ggml.${key}`, value]));

function filesOf(model: 'gpt2' | 'llama', more: Record<string, GgufValue> = {}) {
  const warnings: string[] = [];
  const metadata = prefixed({ model, ...keys[model], ...more });
  const found = ggufTokenizerFiles(metadata, "GGUF file 'a.gguf'", {
    wanted: true,
    warn: (message) => void warnings.push(message),
  });
  return { ...found, warnings };
}

function tokenizerOf(files: TokenizerFiles) {
  return settleTokenizer(files as TokenizerFiles & { tokenizer_json: string }).tokenizer;
}

/** The first text of which something else is made. */
function difference({ encode }: Tokenizer, expected: readonly number[][]) {
  const at = texts.findIndex((text, i) => encode(text).join() !== expected[i]?.join());
  return at < 0 ? 'none' : { text: texts[at], found: encode(texts[at] as string), expected: expected[at] };
}

describe('byte-level BPE', () => {
  it.each(byteLevel)('%s: the tokens of the pipeline that its models have', (pre, { own }) => {
    const { files } = filesOf('gpt2', { pre });
    expect(difference(tokenizerOf(files), own)).toBe('none');
  });

  it.each(byteLevel)(
    '%s: what transformers makes of a GGUF file, where it knows the name',
    (pre, { own, transformers }) => {
      const others = transformers.filter((ids, i) => ids.join() !== own[i]?.join()).length;
      // it splits by GPT-2's pattern for names that it does not know
      expect(others > 0).toBe(pre === 'smollm' || pre === 'default');
    },
  );

  it('names what llama.cpp does by the name that is written for it', () => {
    for (const name of ['llama-bpe', 'qwen2', 'gpt-2', 'smollm']) {
      expect(pretokenizerOf(pretokenizerNamed(name)?.step)).toEqual({ name, exact: true });
    }
  });

  it('says what ends and begins a text, and puts it there where the file says so', () => {
    const { files, bos, ends } = filesOf('gpt2', {
      pre: 'qwen2',
      bos_token_id: 1,
      eot_token_id: 0,
      add_bos_token: true,
    });
    expect({ bos, ends }).toEqual({ bos: 1, ends: [2, 0] });
    expect(tokenizerOf(files).encode('layer')[0]).toBe(1);
    expect(tokenizerOf(files).eosId).toBe(2);
    expect(JSON.parse(files.companions?.['generation_config.json'] ?? '')).toEqual({
      bos_token_id: 1,
      eos_token_id: [2, 0],
      pad_token_id: 0,
    });
    expect(filesOf('gpt2', { pre: 'llama-bpe', bos_token_id: 1 }).files.tokenizer_json).toContain('TemplateProcessing');
    expect(filesOf('gpt2', { pre: 'qwen2', bos_token_id: 1 }).files.tokenizer_json).not.toContain('TemplateProcessing');
  });

  it('leaves out rows without a token, and keeps tokens of a user whole', () => {
    const { files } = filesOf('gpt2', { pre: 'gpt-2' });
    const count = (keys.gpt2.tokens as string[]).length;
    expect(files.tokenizer_json).not.toContain('[PAD');
    expect(tokenizerOf(files).vocabSize).toBe(count - 3);
    expect(tokenizerOf(files).encode('a<tool>b')).toContain(count - 4);
  });

  it('warns of a file that names no pre-tokenizer, and refuses one that lamina does not have', () => {
    expect(filesOf('gpt2').warnings.join()).toContain("llama.cpp's default is taken");
    expect(filesOf('gpt2', { pre: 'smollm' }).warnings).toEqual([]);
    expect(() => filesOf('gpt2', { pre: 'kimi-k2' })).toThrow(
      /'tokenizer.ggml.pre' must be one that lamina reads \(llama-bpe, .*\), got "kimi-k2"; take the folder/,
    );
  });
});

describe('SentencePiece', () => {
  const special = /<s>|<\/s>|<unk>/;

  it("in a GGUF file: the tokens of Llama 2's own tokenizer.json", () => {
    const { files } = filesOf('llama');
    const { own, transformers } = cases.llama as Case;
    expect(difference(tokenizerOf(files), own)).toBe('none');
    // transformers puts no space before a text that begins with one, nor behind a special token
    const others = texts.filter((_, i) => own[i]?.join() !== transformers[i]?.join());
    expect(others.every((text) => special.test(text) || /^[ ▁]/.test(text))).toBe(true);
    expect(others.length).toBeLessThan(texts.length / 10);
  });

  it('in a tokenizer.model: the tokens of sentencepiece itself, which knows no special tokens in a text', () => {
    const { json, bos, eos, unk } = sentencePieceModelJson(spiece, 'tokenizer.model');
    expect([bos, eos, unk]).toEqual(['<s>', '</s>', '<unk>']);
    const tokenizer = loadTokenizer(json, 'tokenizer.model', { bos_token: bos, eos_token: eos });
    const plain = texts.flatMap((text, i) => (special.test(text) ? [] : [[text, cases.spiece?.own[i]] as const]));
    expect(plain.length).toBeGreaterThan(350);
    for (const [text, ids] of plain) expect({ text, ids: tokenizer.encode(text) }).toEqual({ text, ids });
    // spaces are marked in it, so that a mark of the text's own comes back as one
    for (const [text, ids] of plain) {
      const decoded = tokenizer.decode(ids as number[], { skipSpecialTokens: true });
      expect(decoded).toBe(text.toWellFormed().replaceAll('▁', ' '));
    }
  });

  it('in a tokenizer.model and in a GGUF file are the same', () => {
    const { json } = sentencePieceModelJson(spiece, 'tokenizer.model');
    const { files } = filesOf('llama');
    expect(JSON.parse(files.tokenizer_json as string)).toEqual(JSON.parse(json));
  });

  it('is what a model folder without tokenizer.json is read with', async () => {
    const copy = join(await scratch(), 'm');
    cpSync(join(fixtures, 'mha'), copy, { recursive: true });
    for (const name of ['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json']) {
      rmSync(join(copy, name), { force: true });
    }
    copyFileSync(new URL('spiece.model', folder), join(copy, 'tokenizer.model'));
    const { tokenizer } = await readModelFolder(copy);
    expect(tokenizerOf(tokenizer).encode('layer')[0]).toBe(1);
    expect(JSON.parse(tokenizer.tokenizer_config_json as string)).toEqual({
      bos_token: '<s>',
      eos_token: '</s>',
      unk_token: '<unk>',
    });
    writeFileSync(join(copy, 'tokenizer_config.json'), '{"add_bos_token": false, "add_eos_token": true}');
    const ids = tokenizerOf((await readModelFolder(copy)).tokenizer).encode('layer');
    expect([ids[0] === 1, ids.at(-1)]).toEqual([false, 2]);
  });

  it.each([
    ['', 'expected a SentencePiece model; take'],
    ['IQ== 0\nIg== 1\n', "expected a SentencePiece model, got tiktoken's list of tokens; take"],
    ['{"model": {}}', 'expected a SentencePiece model'],
  ])('refuses a tokenizer.model of %j', (content, why) => {
    expect(() => sentencePieceModelJson(Buffer.from(content), 'tokenizer.model')).toThrow(why);
  });

  it('refuses Unigram, whose model follows from more than scores of merges', () => {
    const bytes = Buffer.from(spiece);
    const at = bytes.lastIndexOf(Buffer.from([0x18, 0x02])); // model_type: BPE
    bytes[at + 1] = 1;
    expect(() => sentencePieceModelJson(bytes, 'tokenizer.model')).toThrow(
      'expected a SentencePiece model of BPE, got Unigram; convert it with transformers',
    );
  });
});

it('a damaged tokenizer.model is read or refused by name', async () => {
  await fc.assert(
    fc.asyncProperty(damagedBytes(spiece), (bytes) =>
      readsOrRefuses('spiece.model', () => {
        const { json, bos, eos } = sentencePieceModelJson(bytes, 'spiece.model');
        loadTokenizer(json, 'spiece.model', { bos_token: bos, eos_token: eos }).encode('a layer, and 12');
      }),
    ),
    { numRuns: 200, seed: 20261130 },
  );
});

describe('a tokenizer that cannot be', () => {
  it.each<[string, Record<string, GgufValue>, string]>([
    ['tokens that are no list', { tokens: 7 }, "'tokenizer.ggml.tokens' must be a list of 1 to 16777216 texts, got 7"],
    ['no tokens', { tokens: [] }, 'got one of 0'],
    [
      'a token twice',
      { tokens: ['a', 'b', 'a'], token_type: [1, 1, 1] },
      'the token "a" stands twice, with the ids 0 and 2',
    ],
    ['other counts', { token_type: [1] }, "'tokenizer.ggml.token_type' must be a list of"],
    ['an end beyond', { eos_token_id: 1e6 }, "'tokenizer.ggml.eos_token_id' is 1000000, expected one of"],
    ['a merge of one', { merges: ['ab'] }, 'expected two tokens with a space between, got "ab"'],
    ['another model', { model: 't5' }, "'tokenizer.ggml.model' must be one that lamina reads"],
  ])('%s: one sentence', (_name, change, why) => {
    expect(() => filesOf('gpt2', { pre: 'gpt-2', eos_token_id: 0, padding_token_id: 0, ...change })).toThrow(why);
  });

  it('and none at all is no mistake here: the stage says it', () => {
    const found = ggufTokenizerFiles(new Map(), 'a.gguf', { wanted: true, warn: () => {} });
    expect(found.files.tokenizer_json).toBeNull();
  });
});
