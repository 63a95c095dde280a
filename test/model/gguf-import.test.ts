// Models in GGUF files: every architecture out and back, every type, what a file may say, and what is refused.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createGguf, type GgufEntry } from '../../formats/tensors/gguf.ts';
import { decodeGguf } from '../../formats/tensors/gguf-decode.ts';
import { encodeGguf } from '../../formats/tensors/gguf-encode.ts';
import type { GgufType } from '../../formats/tensors/gguf-types.ts';
import type { ModelConfig } from '../../model/architecture/model-config.ts';
import { architectureNamed, architectureNames } from '../../model/architecture/registry.ts';
import { tensorSpecs } from '../../model/architecture/tensors.ts';
import { openStored } from '../../model/checkpoint/checkpoint.ts';
import { settleTokenizer } from '../../model/checkpoint/tokenizer-files.ts';
import { writeGguf } from '../../model/export/gguf.ts';
import { modelEntries } from '../../model/export/gguf-entries.ts';
import { ggufName } from '../../model/export/gguf-tensors.ts';
import { openExportSource } from '../../model/export/source.ts';
import { ropeFactors, ropeOf } from '../../model/forward/rope.ts';
import { adapterIn } from '../../model/import/adapter-config.ts';
import { storedDtype } from '../../model/import/gguf-tensors.ts';
import { importHuggingFace } from '../../model/import/huggingface.ts';
import { readModelFolder } from '../../model/import/model-folder.ts';
import { shortest } from '../../model/import/shortest.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { damagedBytes, readsOrRefuses } from '../formats/mutate.ts';
import { architectureFixtures } from './architectures.ts';
import { expectClose, fixtures, scratch } from './fixtures.ts';
import { adapterFolder, folderFixture, importedLosses, loadedLosses } from './folders.ts';
import { tinyConfig } from './tiny.ts';

beforeAll(() => useBackend({ backend: 'cpu' }));

const tokenizer_json = readFileSync(join(architectureFixtures, 'tokenizer.json'), 'utf8');
const tokenizer = { tokenizer_json, tokenizer_config_json: null };

async function stored(path: string) {
  const checkpoint = await openStored(path);
  onTestFinished(() => checkpoint.close());
  return checkpoint;
}

/** A model of the fixtures as a checkpoint, as a GGUF file of `type`, and as the checkpoint that is made of that. */
async function outAndBack(name: string, type: GgufType) {
  const folder = await scratch();
  const [before, file, after] = ['a.arrow', 'model.gguf', 'b.arrow'].map((each) => join(folder, each)) as [
    string,
    string,
    string,
  ];
  await importHuggingFace(join(architectureFixtures, name), before);
  const source = await openExportSource(before, []);
  await writeGguf({ ...source, tokenizer }, file, { type, name });
  await source.close();
  const warnings: string[] = [];
  await importHuggingFace(file, after, { onWarning: (message) => warnings.push(message) });
  return { file, before: await stored(before), after: await stored(after), warnings };
}

/** What a GGUF file cannot say of these: llama.cpp has another name for them, or lets nothing slide. */
const lost: Readonly<Record<string, Partial<Record<keyof ModelConfig, unknown>>>> = {
  mistral: { model_type: 'llama', sliding_window: undefined, max_position_embeddings: 5 },
  'mistral-full': { model_type: 'llama' },
  'qwen2-upper': { sliding_window: undefined, layer_types: undefined },
  'qwen2-types': { sliding_window: undefined, layer_types: undefined },
  'rope-dynamic': { rope_scaling: null },
};
const writable = [
  ...['llama-bias', 'mistral', 'mistral-full', 'qwen2', 'qwen2-upper', 'qwen2-types', 'qwen3', 'smollm3'],
  ...['rope-linear', 'rope-dynamic', 'rope-yarn'],
];

describe('out and back', () => {
  it.each(writable)('%s: the same config, and equal bytes of every tensor', async (name) => {
    const { before, after } = await outAndBack(name, 'F32');
    const { max_position_embeddings } = after.config;
    // the tokenizer's own end tokens come with the file
    const ends = { bos_token_id: after.config.bos_token_id, eos_token_id: after.config.eos_token_id };
    const expected = {
      ...before.config,
      ...ends,
      ...lost[name],
      ...('sliding_window' in before.config && { max_position_embeddings }),
    };
    expect(JSON.parse(JSON.stringify(after.config))).toEqual(JSON.parse(JSON.stringify(expected)));
    expect([...after.tensors.keys()]).toEqual([...before.tensors.keys()]);
    for (const tensor of before.tensors.keys()) {
      expect(await after.readFloat32(tensor), tensor).toEqual(await before.readFloat32(tensor));
    }
  });

  it("YaRN's own factor is kept to the precision of float32", async () => {
    const { before, after } = await outAndBack('rope-yarn-factor', 'F32');
    const [own, made] = [ropeOf(before.config), ropeOf(after.config)];
    expect(made.frequencies).toEqual(own.frequencies);
    expect(made.scale).toBeCloseTo(own.scale, 6);
  });

  it("Llama 3's scaling is worked out of its factors", async () => {
    const { before, after } = await outAndBack('rope-llama3', 'F32');
    expect(after.config.rope_scaling?.rope_type).toBe('llama3');
    expectClose(ropeOf(after.config).frequencies, ropeOf(before.config).frequencies, 1e-6);
  });

  it.each(['F16', 'BF16', 'Q8_0', 'Q4_0'] as const)(
    '%s: floats in their type, quantised ones as their float32',
    async (type) => {
      const { before, after } = await outAndBack('qwen3', type);
      for (const { name, shape } of tensorSpecs(before.config)) {
        const written: GgufType =
          shape.length === 1 ? 'F32' : (shape.at(-1) as number) % 32 === 0 ? type : type.startsWith('Q') ? 'F16' : type;
        const expected = decodeGguf(written, encodeGguf(written, await before.readFloat32(name)));
        expect(after.tensors.get(name)?.dtype).toBe(storedDtype(written));
        expect(await after.readFloat32(name), name).toEqual(expected);
      }
    },
  );

  it('the same tokens', async () => {
    const { after } = await outAndBack('qwen3', 'F32');
    const made = settleTokenizer(after.tokenizer as { tokenizer_json: string; tokenizer_config_json: null }).tokenizer;
    const own = settleTokenizer(tokenizer).tokenizer;
    for (const text of ['a layer, and 123', "it's <s>x</s>", 'ÿ', ''])
      expect(made.encode(text)).toEqual(own.encode(text));
  });
});

describe("Llama 3's factors", () => {
  it.each([
    [{ factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192 }, 128, 500_000],
    [{ factor: 32, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192 }, 64, 500_000],
    [{ factor: 8, low_freq_factor: 2, high_freq_factor: 5, original_max_position_embeddings: 4096 }, 128, 1_000_000],
    [{ factor: 3, low_freq_factor: 1.5, high_freq_factor: 9, original_max_position_embeddings: 2048 }, 64, 10_000],
  ])('%j are found again, or another scaling of the same frequencies', async (scaling, head_dim, rope_theta) => {
    const rope = { head_dim, rope_theta, rope_scaling: { rope_type: 'llama3' as const, ...scaling } };
    const factors = ropeFactors(rope) as Float32Array;
    const { config } = await readModelFolder(
      await file(
        {
          'llama.attention.key_length': head_dim,
          'llama.attention.value_length': head_dim,
          'llama.rope.dimension_count': head_dim,
          'llama.rope.freq_base': rope_theta,
        },
        { factors },
      ),
    );
    expectClose(ropeOf(config).frequencies, ropeOf(rope).frequencies, 1e-6);
    if (scaling.original_max_position_embeddings === 8192) expect(config.rope_scaling).toEqual(rope.rope_scaling);
  });

  it('that are others are refused', async () => {
    const factors = new Float32Array(64).map((_, i) => 1 + (i % 3));
    const head = {
      'llama.attention.key_length': 128,
      'llama.attention.value_length': 128,
      'llama.rope.dimension_count': 128,
    };
    await expect(readModelFolder(await file(head, { factors }))).rejects.toThrow(
      "tensor 'rope_freqs.weight': its factors are not those of Llama 3's scaling",
    );
    await expect(readModelFolder(await file({}, { factors }))).rejects.toThrow(
      "tensor 'rope_freqs.weight': expected [",
    );
  });
});

const base = tinyConfig({ vocab_size: 64, hidden_size: 32, intermediate_size: 64 });

/** A file of a small Llama whose weights are zeros, with some keys changed or (undefined) left out. */
async function file(
  change: Record<string, unknown>,
  {
    config = base,
    factors,
    more = {},
  }: { config?: ModelConfig; factors?: Float32Array; more?: Record<string, number[]> } = {},
): Promise<string> {
  const entries = modelEntries(config, { type: 'F32', name: 'x' });
  const kept = entries.filter(([key]) => !(key in change));
  const added = Object.entries(change).flatMap(([key, value]): GgufEntry[] => {
    if (value === undefined) return [];
    if (typeof value === 'string') return [[key, 'string', value]];
    if (typeof value === 'boolean') return [[key, 'bool', value]];
    if (Array.isArray(value)) return [[key, 'int32s', value]];
    return [Number.isInteger(value) ? [key, 'uint32', value as number] : [key, 'float32', value as number]];
  });
  const shapes = Object.fromEntries(tensorSpecs(config).map((spec) => [ggufName(spec), spec.shape]));
  const extra = factors === undefined ? {} : { 'rope_freqs.weight': [factors.length] };
  const tensors = Object.entries({ ...shapes, ...extra, ...more });
  const path = join(await scratch(), 'model.gguf');
  const writer = await createGguf(
    path,
    [...kept, ...added],
    tensors.map(([name, shape]) => ({ name, type: 'F32', shape })),
  );
  for (const [name, shape] of tensors) {
    const values =
      name === 'rope_freqs.weight' ? (factors as Float32Array) : new Float32Array(shape.reduce((a, b) => a * b, 1));
    await writer.write(name, encodeGguf('F32', values));
  }
  await writer.close();
  return path;
}

it('a file of a Llama gives the losses of PEFT with an adapter, and as it is loaded without a checkpoint its own', async () => {
  const { ids, cases } = folderFixture<{ losses: number[] }>('adapters.json');
  const [before, path] = [join(await scratch(), 'a.arrow'), join(await scratch(), 'model.gguf')];
  await importHuggingFace(join(fixtures, 'mha'), before);
  const source = await openExportSource(before, []);
  await writeGguf({ ...source, tokenizer }, path, { type: 'F32', name: 'mha' });
  await source.close();
  const adapter = await adapterIn(adapterFolder('all'));
  const { losses } = await importedLosses(path, ids, { adapter });
  expectClose(losses, cases.all?.losses ?? [], 1e-4, 'losses');
  expect(await loadedLosses(path, ids)).toEqual(await loadedLosses(join(fixtures, 'mha'), ids));
});

describe('the keys of a file', () => {
  it.each<[Record<string, unknown>, string]>([
    [
      { 'general.architecture': 'gemma2' },
      "'general.architecture' must be one that lamina reads ('llama', 'qwen2', 'qwen3', 'smollm3'), got \"gemma2\" (a Gemma",
    ],
    [{ 'general.architecture': 'qwen2moe' }, 'got "qwen2moe" (a mixture of experts)'],
    [{ 'general.architecture': undefined }, "'general.architecture' must be one that lamina reads"],
    [{ 'general.type': 'adapter' }, 'expected a whole model, got the \'general.type\' "adapter"'],
    [{ 'llama.block_count': undefined }, "'llama.block_count' must be a whole number from 1 to 4096, got nothing"],
    [{ 'llama.block_count': 2 ** 31 }, "'llama.block_count' must be a whole number from 1 to 4096, got 2147483648"],
    [{ 'llama.expert_count': 8 }, "'llama.expert_count' is 8: it is a mixture of experts"],
    [{ 'llama.attention.causal': false }, "'llama.attention.causal' is false: tokens would see those after them"],
    [{ 'llama.rope.dimension_count': 2 }, "'llama.rope.dimension_count' must be the size of a head"],
    [{ 'llama.attention.head_count': [4, 2] }, "'llama.attention.head_count' must be a list of"],
    [
      { 'llama.rope.scaling.type': 'longrope' },
      "'llama.rope.scaling.type' must be 'none' or 'linear' or 'yarn', got 'longrope'",
    ],
    [{ 'llama.attention.layer_norm_rms_epsilon': undefined }, 'must be a number greater than 0, got nothing'],
  ])('%j: one sentence', async (change, why) => {
    await expect(readModelFolder(await file(change))).rejects.toThrow(why);
  });

  it('that are seen and not honoured are warned of', async () => {
    const { warnings, config } = await readModelFolder(
      await file({ 'llama.attention.sliding_window': 4, 'llama.odd': 3, 'llama.vocab_size': 60 }),
    );
    expect(warnings).toEqual([
      "the GGUF file has 'llama.attention.sliding_window': every token sees all before it, as in llama.cpp",
      'the GGUF file has keys that lamina does not know ("llama.odd": 3): where one of them changes what the model computes, its numbers are not those of this model',
      "the GGUF file has a 'llama.vocab_size' of 60, but embeddings of 64 tokens: the latter is taken",
    ]);
    expect(config.sliding_window).toBeUndefined();
  });

  it('say widths by layer', async () => {
    const layers = base.num_hidden_layers;
    const intermediate_sizes = Array.from({ length: layers }, (_, i) => 32 * (i + 1));
    const config: ModelConfig = { ...base, intermediate_size: 32 * layers, intermediate_sizes };
    const path = await file({ 'llama.feed_forward_length': intermediate_sizes }, { config });
    expect((await readModelFolder(path)).config.intermediate_sizes).toEqual(intermediate_sizes);
    await importHuggingFace(path, join(await scratch(), 'm.arrow'));
  });

  it('are settled with the tensors: a tensor too many, or of another shape', async () => {
    const out = join(await scratch(), 'm.arrow');
    const more = { 'blk.0.attn_qkv.weight': [4, 4] };
    await expect(importHuggingFace(await file({}, { more }), out)).rejects.toThrow(
      "tensor 'blk.0.attn_qkv.weight' is not part of the model",
    );
    await expect(importHuggingFace(await file({ 'llama.embedding_length': 64 }), out)).rejects.toThrow(
      'does not match its config',
    );
  });
});

describe('a folder', () => {
  it('of one GGUF file and nothing else of a model is that file', async () => {
    const path = await file({});
    const folder = await scratch();
    copyFileSync(path, join(folder, 'some.gguf'));
    expect((await readModelFolder(folder)).folder).toBe(join(folder, 'some.gguf'));
    copyFileSync(path, join(folder, 'other.gguf'));
    await expect(readModelFolder(folder)).rejects.toThrow(
      "its weights are in 'other.gguf' and 1 more, a GGUF file: give that file as 'path'",
    );
  });

  it('with a config.json is read by it', async () => {
    const folder = join(await scratch(), 'm');
    mkdirSync(folder);
    copyFileSync(await file({}), join(folder, 'some.gguf'));
    writeFileSync(join(folder, 'config.json'), '{"model_type": "mamba"}');
    await expect(readModelFolder(folder)).rejects.toThrow("'model_type' must be one that lamina reads");
  });
});

it('a damaged model is read or refused by name', async () => {
  const { file: sound } = await outAndBack('qwen3', 'Q8_0');
  const [path, out] = [join(await scratch(), 'damaged.gguf'), join(await scratch(), 'm.arrow')];
  // metadata and the list of tensors; damage to numbers is no damage to a file
  const [head, rest] = [readFileSync(sound).subarray(0, 6000), readFileSync(sound).subarray(6000)];
  await fc.assert(
    fc.asyncProperty(damagedBytes(head), async (bytes) => {
      writeFileSync(path, Buffer.concat([bytes, rest]));
      await readsOrRefuses('damaged.gguf', () => importHuggingFace(path, out));
    }),
    { numRuns: 150, seed: 20261130 },
  );
});

it('every architecture has a name in GGUF under which one is found', () => {
  for (const name of architectureNames) expect(architectureNamed(name, '').gguf.architecture).toMatch(/^\w+$/);
});

it.each([[1e-5], [0.1], [10000], [500_000], [1e-6], [0.8317766]])('%d is what its float32 was written as', (value) => {
  expect(shortest(Math.fround(value))).toBe(value);
});
