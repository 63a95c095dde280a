// Models from strangers: folders, compact folders and checkpoints that are damaged with intent read, or end in one sentence.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { createCheckpoint, openCheckpoint } from '../../formats/tensors/checkpoint.ts';
import { fromFloat32 } from '../../formats/tensors/dtype.ts';
import { parseStrictJson } from '../../formats/text/strict-json.ts';
import { parseConfig } from '../../model/architecture/config.ts';
import { embeddingName, tensorShapes } from '../../model/architecture/tensors.ts';
import { loadModel, openStored, writeModel, writeModelFile } from '../../model/checkpoint/checkpoint.ts';
import { writeParts } from '../../model/checkpoint/quantized-tensors.ts';
import { writeRandomModel } from '../../model/checkpoint/random-model.ts';
import { readRecovery, writeRecoveryTensors } from '../../model/checkpoint/recovery-file.ts';
import { quantizePlain } from '../../model/codec/plain.ts';
import { quantizationJson, quantizationKey } from '../../model/codec/quantization.ts';
import type { Codec } from '../../model/codec/quantize-codec.ts';
import { writeCompact } from '../../model/export/compact.ts';
import { openExportSource } from '../../model/export/source.ts';
import { textFilesIn } from '../../model/export/texts.ts';
import { importCompact } from '../../model/import/compact.ts';
import { openFolderTensors } from '../../model/import/folder-tensors.ts';
import { importHuggingFace } from '../../model/import/huggingface.ts';
import { readModelFolder } from '../../model/import/model-folder.ts';
import { recoveryShapes } from '../../model/sharing/recovery-shapes.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { damagedJson, makePipe, readsOrRefuses } from '../formats/mutate.ts';
import { fixtures, scratch } from './fixtures.ts';
import { normals, tinyConfig, tinyWeights } from './tiny.ts';

beforeAll(() => useBackend({ backend: 'cpu' }));

const noTokenizer = { tokenizer_json: null, tokenizer_config_json: null };
const config = tinyConfig();
const replacements = [{ target: 2, reference: 1, candidate: 'g0', rank: 2 }];

async function tinyModel(folder: string): Promise<string> {
  const path = join(folder, 'tiny.arrow');
  const weights = tinyWeights(config);
  await writeModel(path, config, weights, noTokenizer, 'BF16');
  weights.dispose();
  return path;
}

async function tinyRecovery(folder: string, bits: 32 | 4): Promise<string> {
  const path = join(folder, `recovery-${bits}.arrow`);
  const tensors = [...recoveryShapes(config, replacements)].map(([name, shape]) => {
    const size = shape.reduce((a, b) => a * b, 1);
    return { name, shape, read: async () => normals(size, name) };
  });
  await writeRecoveryTensors(path, replacements, tensors, bits);
  return path;
}

/** One matrix in 4 bits, one in NF4, one that is not stored. */
async function tinyQuantized(folder: string): Promise<string> {
  const path = join(folder, 'quantized.arrow');
  const shapes = tensorShapes(config);
  const [first, second, third] = [...shapes.keys()].filter((name) => name.includes('_proj')) as [
    string,
    string,
    string,
  ];
  const integer = { type: 'integer', bits: 4, symmetric: false, group_size: 4, order: 'even_low' } as const;
  const codecs = new Map<string, Codec>([
    [first, integer],
    [second, { type: 'nf4', block_size: 16, nested: true } as const],
  ]);
  const said = quantizationJson({ scheme: 'mixed', activations: null, codecs, absent: new Set([third]) });
  await writeModelFile(
    path,
    { config, tokenizer: noTokenizer, metadata: { [quantizationKey]: said } },
    async (writer) => {
      for (const [name, shape] of shapes) {
        const values = normals(
          shape.reduce((a, b) => a * b, 1),
          name,
        );
        const codec = codecs.get(name);
        if (codec) await writeParts(writer, name, codec, shape, quantizePlain(name, codec, shape, values));
        else if (name !== third) await writer.write(name, 'F32', shape, fromFloat32('F32', values));
      }
      return { [embeddingName]: 'lm_head.weight' };
    },
  );
  return path;
}

async function readLlama(path: string): Promise<void> {
  const checkpoint = await openStored(path);
  try {
    for (const [name, { shape, bytes }] of checkpoint.tensors) {
      expect((await checkpoint.readFloat32(name)).length).toBe(shape.reduce((a, b) => a * b, 1));
      await bytes();
    }
  } finally {
    await checkpoint.close();
  }
}

/** The checkpoint at `from` again, with other text in the metadata entry `key`, or in the tensor of that name. */
async function rewritten(from: string, to: string, key: string, text: string): Promise<void> {
  const reader = await openCheckpoint(from);
  const metadata = { ...reader.metadata, ...(key in reader.metadata && { [key]: text }) };
  const writer = await createCheckpoint(to, metadata);
  for (const [name, { dtype, shape }] of reader.tensors) {
    const other = name === key ? new TextEncoder().encode(text) : undefined;
    await writer.write(name, dtype, other ? [other.byteLength] : shape, other ?? (await reader.readBytes(name)));
  }
  await writer.close();
  await reader.close();
}

describe('config.json', () => {
  it('of other JSON is read, or refused in a sentence with its name', async () => {
    const json = { ...JSON.parse(readFileSync(join(fixtures, 'gqa/config.json'), 'utf8')), rope_scaling: null };
    const scaling = { rope_type: 'llama3', factor: 8, low_freq_factor: 1, high_freq_factor: 4 };
    const full = { ...json, rope_scaling: { ...scaling, original_max_position_embeddings: 64 } };
    await fc.assert(
      fc.asyncProperty(damagedJson(full), (text) =>
        readsOrRefuses('config.json', () =>
          tensorShapes(parseConfig(parseStrictJson(text, 'config.json', 16), 'config.json')),
        ),
      ),
      { numRuns: 150 },
    );
  });

  it('of a model that no memory holds is refused before its weights are made up', async () => {
    const huge = tinyConfig({ hidden_size: 2 ** 20, vocab_size: 2 ** 24 });
    const path = join(await scratch(), 'huge.arrow');
    await expect(writeRandomModel(path, { config: huge, tokenizer: noTokenizer }, 1)).rejects.toThrow(
      "tensor 'model.embed_tokens.weight' must have at most 2147483648 numbers to be made up, got [16777216, 1048576]",
    );
  });
});

describe('the small files of a model folder', () => {
  const token = { content: '<a>', special: true, lstrip: false, rstrip: false, normalized: false, single_word: false };
  const files: Record<string, object> = {
    'config.json': {
      ...JSON.parse(readFileSync(join(fixtures, 'mha/config.json'), 'utf8')),
      rope_scaling: { rope_type: 'llama3', factor: 8, low_freq_factor: 1, high_freq_factor: 4, other: 1 },
      sliding_window: 4,
      layer_types: ['full_attention'],
      other: { a: [1] },
    },
    'generation_config.json': { eos_token_id: [1, 2], temperature: 0.5, do_sample: true, suppress_tokens: [1] },
    'tokenizer_config.json': {
      bos_token: '<s>',
      eos_token: token,
      added_tokens_decoder: { 0: token, 320: { content: '<b>' } },
      chat_template: [{ name: 'default', template: 'x' }],
      model_max_length: 9,
      add_bos_token: true,
      additional_special_tokens: ['<c>'],
    },
    'special_tokens_map.json': { eos_token: token, pad_token: '<s>' },
    'added_tokens.json': { '<d>': 320, '<e>': 321 },
  };

  it.each(Object.keys(files))('%s: of other JSON is read, or refused in a sentence with its name', async (name) => {
    const folder = await scratch();
    cpSync(join(fixtures, 'mha'), folder, { recursive: true });
    cpSync(join(fixtures, 'tokenizer.json'), join(folder, 'tokenizer.json'));
    for (const [file, json] of Object.entries(files)) writeFileSync(join(folder, file), JSON.stringify(json));
    await fc.assert(
      fc.asyncProperty(damagedJson(files[name]), async (text) => {
        writeFileSync(join(folder, name), text);
        await readsOrRefuses(name, async () => {
          const { warnings } = await readModelFolder(folder);
          expect(warnings.every((message) => !message.includes(folder))).toBe(true);
        });
      }),
      { numRuns: 100 },
    );
  });

  it('adapter_config.json of other JSON is attached, or refused in a sentence with its name', async () => {
    const folder = await scratch();
    cpSync(join(fixtures, 'mha'), folder, { recursive: true });
    cpSync(join(fixtures, '../folders/adapters/patterns'), folder, { recursive: true });
    const path = join(folder, 'adapter_config.json');
    const json = JSON.parse(readFileSync(path, 'utf8'));
    await fc.assert(
      fc.asyncProperty(damagedJson(json), async (text) => {
        writeFileSync(path, text);
        await readsOrRefuses('adapter', async () => {
          const { close } = await openFolderTensors(await readModelFolder(folder));
          await close();
        });
      }),
      { numRuns: 100 },
    );
  });
});

describe('a model folder', () => {
  const replaceBy: Record<string, (path: string) => void> = {
    'a folder': (path) => mkdirSync(path),
    'links in a circle': (path) => symlinkSync(path, path),
    'a pipe': makePipe,
    'an empty file': (path) => writeFileSync(path, ''),
    'other bytes': (path) => writeFileSync(path, Uint8Array.of(0xff, 0xfe, 0, 1, 2, 3, 4, 5, 6)),
    'another text': (path) => writeFileSync(path, '[]'),
    'deep nesting': (path) => writeFileSync(path, '['.repeat(100_000)),
  };

  it.each(Object.keys(replaceBy))('with %s in the place of any of its files', async (what) => {
    for (const name of ['gqa', 'mha']) {
      for (const file of readdirSync(join(fixtures, name))) {
        const folder = join(await scratch(), 'model');
        cpSync(join(fixtures, name), folder, { recursive: true });
        rmSync(join(folder, file));
        replaceBy[what]?.(join(folder, file));
        const read = importHuggingFace(folder, join(folder, 'out.arrow'));
        await expect(read).rejects.toMatchObject({ name: 'UserError', message: expect.stringContaining(folder) });
      }
    }
  });
});

describe('a compact folder', () => {
  it('with another sharp.json is read, or refused in a sentence with the folder', async () => {
    const folder = await scratch();
    const map = join(folder, 'sharp.json');
    const files = { config: join(folder, 'config.json'), weights: join(folder, 'shared.safetensors'), map };
    const source = await openExportSource(await tinyModel(folder), [await tinyRecovery(folder, 32)]);
    await writeCompact(source, { ...files, ...textFilesIn(folder) }, 'BF16');
    await source.close();
    const outputs = { model: join(folder, 'model.arrow'), recovery: join(folder, 'recovery.arrow') };
    const text = readFileSync(map, 'utf8');
    await fc.assert(
      fc.asyncProperty(damagedJson(JSON.parse(text)), async (other) => {
        writeFileSync(map, other);
        await readsOrRefuses(folder, () => importCompact(folder, outputs));
      }),
      { numRuns: 100 },
    );
  });
});

describe('a checkpoint', () => {
  it.each([
    ['config', tinyModel, readLlama],
    [quantizationKey, tinyQuantized, readLlama],
    ['aliases.json', tinyQuantized, readLlama],
    ['replacements', (folder: string) => tinyRecovery(folder, 32), readTheRecovery],
    [quantizationKey, (folder: string) => tinyRecovery(folder, 4), readTheRecovery],
  ])('with other %s is read, or refused in a sentence with its name', async (key, make, read) => {
    const folder = await scratch();
    const from = await make(folder);
    await read(from);
    const reader = await openCheckpoint(from);
    const text = reader.metadata[key] ?? new TextDecoder().decode(await reader.readBytes(key));
    await reader.close();
    const to = join(folder, 'other.arrow');
    await fc.assert(
      fc.asyncProperty(damagedJson(JSON.parse(text)), async (other) => {
        await rewritten(from, to, key, other);
        await readsOrRefuses(to, () => read(to));
      }),
      { numRuns: 60 },
    );
  });

  it('with shared layers is loaded with one tensor for each matrix that is stored, but a layer has its own', async () => {
    const path = join(await scratch(), 'shared.arrow');
    const weights = tinyWeights(config);
    const sources = new Map(
      [...tensorShapes(config).keys()].map((name) => [name, name.replace(/layers\.[13]\./, 'layers.0.')]),
    );
    const get = (name: string) => weights.get((sources.get(name) as string).replace('up_proj', 'gate_proj'));
    await writeModel(path, config, { get }, noTokenizer, 'F32');
    const loaded = await loadModel(path);
    const tensor = (layer: number, part: string) => loaded.weights.get(`model.layers.${layer}.mlp.${part}_proj.weight`);
    expect(tensor(1, 'gate')).toBe(tensor(0, 'gate'));
    expect(tensor(3, 'down')).toBe(tensor(1, 'down'));
    expect(tensor(2, 'gate')).not.toBe(tensor(1, 'gate'));
    expect(tensor(0, 'up')).not.toBe(tensor(0, 'gate')); // equal, but with gradients of their own
    for (const name of sources.keys()) expect(await loaded.weights.get(name).data()).toEqual(await get(name).data());
    loaded.weights.dispose();
    weights.dispose();
  });
});

async function readTheRecovery(path: string): Promise<void> {
  const { parameters } = await readRecovery([path], config);
  for (const variable of parameters.values()) variable.dispose();
}
