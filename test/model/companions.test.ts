// The small files of a model folder: read, kept in the checkpoint, written again by every export, and what generation makes of them.
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { GgufEntry } from '../../formats/tensors/gguf.ts';
import { loadModel, openStored } from '../../model/checkpoint/checkpoint.ts';
import {
  chatTemplates,
  isCompanion,
  parseGenerationConfig,
  readCompanions,
} from '../../model/checkpoint/companions.ts';
import { ggufTokenizer } from '../../model/export/gguf-tokenizer.ts';
import { exportHuggingFace } from '../../model/export/huggingface.ts';
import { createModel } from '../../model/forward/model.ts';
import { endTokens, generate } from '../../model/generate/generate.ts';
import { importHuggingFace } from '../../model/import/huggingface.ts';
import { readModelFolder } from '../../model/import/model-folder.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { UserError } from '../../util/errors.ts';
import { fixtures, scratch } from './fixtures.ts';
import { copyOf, folderFixture } from './folders.ts';
import { tinyConfig } from './tiny.ts';

interface Templates {
  config: Record<string, unknown>;
  files: Record<string, string>;
  templates: Record<string, string>;
}

interface Ends {
  change: Record<string, unknown>;
  generation: object | null;
  eos: number | number[] | null;
  made: [first: number, ids: number[]][];
}

const templates = folderFixture<Templates>('templates.json').cases;
const ends = folderFixture<Ends>('ends.json').cases;
const tokenizer_json = readFileSync(join(fixtures, 'tokenizer.json'), 'utf8');

beforeAll(() => useBackend({ backend: 'cpu' }));

/** A copy of a model folder with these files beside it; objects are written as JSON. */
async function folderWith(files: Record<string, unknown>, change: Record<string, unknown> = {}): Promise<string> {
  const folder = await copyOf('mha', { vocab_size: 64, ...change });
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return folder;
}

describe('chat templates', () => {
  it.each(Object.entries(templates))('%s: those that transformers has', async (_name, { config, files, templates }) => {
    const folder = await folderWith(files);
    expect(Object.fromEntries(chatTemplates(config, await readCompanions(folder)))).toEqual(templates);
  });

  it('of another shape are refused', async () => {
    expect(() => chatTemplates({ chat_template: [{ name: 'x' }] })).toThrow(
      new UserError(
        "tokenizer_config.json: 'chat_template' must be a text or a list of objects with 'name' and 'template', got [{\"name\":\"x\"}]",
      ),
    );
    const folder = await folderWith({ 'additional_chat_templates/a b.jinja': 'x' });
    await expect(readCompanions(folder)).rejects.toThrow(
      `'${join(folder, 'additional_chat_templates')}': expected at most 64 templates named by letters, digits, - and _, got "additional_chat_templates/a b.jinja"`,
    );
  });
});

const companions = {
  'special_tokens_map.json': '{"eos_token": "</s>"}',
  'added_tokens.json': '{ "<tool>":320}\n',
  'generation_config.json': '{"eos_token_id": [2, 7]}',
  'chat_template.jinja': "{{ 'é' }}",
};

describe('what travels with the weights', () => {
  it('goes through a checkpoint into an exported folder as it was', async () => {
    const folder = await folderWith({
      'tokenizer.json': tokenizer_json,
      'tokenizer_config.json': '{ }',
      ...companions,
    });
    const checkpoint = join(await scratch(), 'model.arrow');
    await importHuggingFace(folder, checkpoint);
    const again = join(await scratch(), 'again.arrow');
    await importHuggingFace(folder, again);
    expect(readFileSync(again)).toEqual(readFileSync(checkpoint));
    const opened = await openStored(checkpoint);
    const { 'settled_tokens.json': settled = '{}', ...kept } = opened.tokenizer.companions ?? {};
    expect(kept).toEqual(companions);
    expect(JSON.parse(settled)).toMatchObject({
      eos: '</s>',
      addedTokens: [{}, {}, {}, { id: 320, content: '<tool>' }],
    });
    expect(opened.config.eos_token_id).toEqual([2, 7]);
    await opened.close();
    const to = await scratch();
    await exportHuggingFace(checkpoint, to, 'F32');
    for (const name of [...Object.keys(companions), 'tokenizer.json', 'tokenizer_config.json']) {
      expect(readFileSync(join(to, name), 'utf8'), name).toBe(readFileSync(join(folder, name), 'utf8'));
    }
    expect(existsSync(join(to, 'settled_tokens.json'))).toBe(false);
  });

  it('makes another checkpoint where texts become other tokens, and the same where they do not', async () => {
    const bytes = async (config: object) => {
      const files = { 'tokenizer.json': tokenizer_json, 'tokenizer_config.json': config };
      const path = join(await scratch(), 'model.arrow');
      await importHuggingFace(await folderWith(files), path);
      const { tokenizer, close } = await openStored(path);
      await close();
      return tokenizer.companions ?? {};
    };
    expect(await bytes({ eos_token: '</s>' })).toEqual({});
    const decoder = { added_tokens_decoder: { 5: { content: '#', special: true } } };
    expect(Object.keys(await bytes(decoder))).toEqual(['settled_tokens.json']);
  });

  it('with named templates in a folder has them all in tokenizer_config.json, by their names', async () => {
    const { files, templates: expected } = templates.files as Templates;
    const folder = await folderWith({
      'tokenizer.json': tokenizer_json,
      'tokenizer_config.json': '{"pad_token":"<s>"}',
      ...files,
    });
    const checkpoint = join(await scratch(), 'model.arrow');
    await importHuggingFace(folder, checkpoint);
    const to = await scratch();
    await exportHuggingFace(checkpoint, to, 'F32');
    const config = JSON.parse(readFileSync(join(to, 'tokenizer_config.json'), 'utf8'));
    expect(config.pad_token).toBe('<s>');
    expect(Object.fromEntries(chatTemplates(config, await readCompanions(to)))).toEqual(expected);
    expect(existsSync(join(to, 'chat_template.jinja'))).toBe(false); // transformers would take it alone
  });

  it('is of few names, so that no checkpoint writes where it wants', () => {
    const names = ['chat_template.jinja', 'additional_chat_templates/tool_use.jinja'];
    expect(names.every(isCompanion)).toBe(true);
    const strange = [
      '../x',
      'additional_chat_templates/../../x.jinja',
      '/etc/passwd',
      'additional_chat_templates/.jinja',
      'a',
    ];
    expect(strange.some(isCompanion)).toBe(false);
  });
});

describe('a GGUF file', () => {
  const config = tinyConfig({ vocab_size: 330, eos_token_id: [7, 2, 9], bos_token_id: 1 });
  const settings = (chat_template: unknown) =>
    JSON.stringify({ eos_token: '</s>', ...(chat_template ? { chat_template } : {}) });
  const named = [
    { name: 'default', template: "{{ 'a' }}" },
    { name: 'tool_use', template: "{{ 'b' }}" },
    { name: 'rag-2', template: "{{ 'c' }}" },
  ];

  it('has the keys that gguf writes for templates and end tokens', () => {
    const { keys } = JSON.parse(readFileSync(join(fixtures, '../folders/gguf.json'), 'utf8')) as { keys: object };
    const { entries, warnings } = ggufTokenizer({ tokenizer_json, tokenizer_config_json: settings(named) }, config);
    const found = entries.filter(([name]) => name.includes('chat_template') || /eo[stm]_token_id/.test(name));
    const sorted = found.map(([name, , value]) => [name, Array.isArray(value) ? [...value].sort() : value]);
    expect(Object.fromEntries(sorted)).toEqual(keys);
    expect(warnings).toEqual([]);
  });

  it('warns where it has no template, more end tokens than room, or fewer tokens than other files name', () => {
    const files = {
      tokenizer_json,
      tokenizer_config_json: settings(undefined),
      companions: { 'added_tokens.json': '{"<a>": 320, "<b>": 321}' },
    };
    const small = tinyConfig({ vocab_size: 321, eos_token_id: [2, 7, 9, 11, 13] });
    const { entries, warnings } = ggufTokenizer(files, small);
    expect(warnings).toEqual([
      'the model has no chat template, and so has the GGUF file: llama.cpp talks to it in a template of its own',
      'a GGUF file has room for 3 end tokens: 11, 13 left out',
      "1 added token is beyond the model's and left out of the GGUF file",
    ]);
    const [, , tokens] = entries.find(([name]) => name === 'tokenizer.ggml.tokens') as GgufEntry;
    expect((tokens as string[]).slice(319)).toEqual([(tokens as string[])[319], '<a>']);
  });
});

describe('generation_config.json', () => {
  it.each(Object.entries(ends))(
    '%s: texts end where transformers ends them',
    async (name, { change, generation, made, eos }) => {
      const folder = await copyOf('deep', change);
      if (generation !== null) writeFileSync(join(folder, 'generation_config.json'), JSON.stringify(generation));
      const path = join(await scratch(), 'model.arrow');
      await importHuggingFace(folder, path);
      const { weights, config } = await loadModel(path);
      onTestFinished(() => weights.dispose());
      // a file without end tokens leaves those of config.json: transformers would go on for ever
      const expected = eos ?? (change.eos_token_id as number);
      expect(config.eos_token_id).toEqual(expected);
      const found = endTokens({ config }, {});
      const model = createModel(weights);
      const tokenizer = { encode: () => [], decode: (ids: readonly number[]) => ids.join(' ') };
      const requests = made.map(([first]) => ({ ids: [1, first], stop: [], max_tokens: 24 }));
      const texts = await generate(model, tokenizer, requests);
      model.disposeFrames();
      const ended = texts.map(({ finish }) => finish === 'end');
      const theirs = made.map(([, ids]) => found.some((end) => ids.includes(end)));
      expect(ended, name).toEqual(theirs);
      for (const [i, { ids }] of texts.entries()) {
        const [, all] = made[i] as Ends['made'][number];
        const stop = all.findIndex((id) => found.includes(id));
        expect(ids).toEqual(stop < 0 ? all : all.slice(0, stop));
      }
      expect(ended.some((each) => each)).toBe(true);
    },
  );

  it('says what would sample, and warns of what would change even the likeliest text', async () => {
    expect(
      parseGenerationConfig(
        '{"do_sample":true,"temperature":0.6,"top_p":0.9,"eos_token_id":[],"repetition_penalty":1.0}',
      ),
    ).toEqual({ ends: undefined, sampling: { do_sample: true, temperature: 0.6, top_p: 0.9 }, others: [] });
    const { warnings } = await readModelFolder(
      await folderWith({
        'generation_config.json': { repetition_penalty: 1.1, suppress_tokens: [5], num_beams: 1, top_k: 50 },
      }),
    );
    expect(warnings).toEqual([
      "generation_config.json: 'repetition_penalty' (1.1), 'suppress_tokens' ([5]) are not applied to what lamina generates",
    ]);
  });

  it('of another shape is refused', () => {
    expect(() => parseGenerationConfig('{"eos_token_id":"</s>"}')).toThrow(
      new UserError('generation_config.json: \'eos_token_id\' must be a token id or a list of token ids, got "</s>"'),
    );
    expect(() => parseGenerationConfig('[]')).toThrow(
      new UserError('generation_config.json: expected a JSON object, got []'),
    );
  });
});

describe('files that name one fact twice', () => {
  const warningsOf = async (files: Record<string, unknown>, change: Record<string, unknown> = {}) =>
    (
      await readModelFolder(
        await folderWith({ 'tokenizer.json': tokenizer_json, ...files }, { vocab_size: 320, ...change }),
      )
    ).warnings;

  it('and agree are silent', async () => {
    const tokenizer_config = { bos_token: '<s>', eos_token: '</s>', model_max_length: 64, add_bos_token: true };
    expect(
      await warningsOf({ 'tokenizer_config.json': tokenizer_config, 'generation_config.json': { eos_token_id: 2 } }),
    ).toEqual([]);
    expect(await warningsOf({ 'tokenizer_config.json': { model_max_length: 1e30 } })).toEqual([]);
  });

  it.each([
    [
      { 'generation_config.json': { eos_token_id: [7, 9] } },
      {},
      [
        'config.json has the end tokens 2, generation_config.json 7, 9: the latter are taken, as in transformers',
        "the tokenizer's end token is 2, the model's 7, 9: answers are trained to end with the first, and what is generated ends at any of them",
      ],
    ],
    [
      { 'tokenizer_config.json': { bos_token: '<unk>', eos_token: '</s>' } },
      {},
      ["the tokenizer's begin token is 0, the one of config.json 1: texts begin with what the tokenizer adds"],
    ],
    [
      { 'tokenizer_config.json': { add_bos_token: false, add_eos_token: true } },
      {},
      [
        "tokenizer_config.json: 'add_bos_token' is false, but tokenizer.json adds that token: the latter is taken, as in transformers",
        "tokenizer_config.json: 'add_eos_token' is true, but tokenizer.json does not add that token: the latter is taken, as in transformers",
      ],
    ],
    [
      { 'tokenizer_config.json': { model_max_length: 32 } },
      {},
      [
        "tokenizer_config.json has a 'model_max_length' of 32 tokens, config.json 'max_position_embeddings' of 64: the model's context is taken as 64",
      ],
    ],
    [
      {},
      { vocab_size: 300 },
      ['the tokenizer has 320 tokens, the model 300: a text with a token beyond these is refused'],
    ],
    [
      { 'tokenizer_config.json': { split_special_tokens: true, fast_tokenizer_files: ['tokenizer.4.json'] } },
      {},
      [
        'tokenizer_config.json names other tokenizer files (["tokenizer.4.json"]): tokenizer.json is read',
        "tokenizer_config.json: 'split_special_tokens' is true and not honoured: special tokens in a text are one token each",
      ],
    ],
  ])('%j with %j', async (files, change, expected) => {
    expect(await warningsOf(files, change)).toEqual(expected);
  });

  it('are looked at without tokenizer.json where it is left out', async () => {
    const folder = await folderWith({ 'tokenizer.json': 'no JSON', 'generation_config.json': { eos_token_id: 7 } });
    const { warnings, tokenizer } = await readModelFolder(folder, { tokenizer: false });
    expect(tokenizer.tokenizer_json).toBe(null);
    expect(warnings).toEqual([
      'config.json has the end tokens 2, generation_config.json 7: the latter are taken, as in transformers',
    ]);
    cpSync(join(fixtures, 'tokenizer.json'), join(folder, 'tokenizer.json'));
    await expect(readModelFolder(folder)).resolves.toMatchObject({ config: { eos_token_id: 7 } });
  });
});
