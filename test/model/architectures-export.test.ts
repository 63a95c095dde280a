// Every architecture out and back: as a folder for transformers, with shared layers as a compact one, and for llama.cpp.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { parseConfig } from '../../model/architecture/config.ts';
import { loadModel, openStored } from '../../model/checkpoint/checkpoint.ts';
import { readRecovery, writeRecovery } from '../../model/checkpoint/recovery-file.ts';
import { writeCompact } from '../../model/export/compact.ts';
import { writeGguf } from '../../model/export/gguf.ts';
import { writeHuggingFace } from '../../model/export/huggingface.ts';
import { openExportSource } from '../../model/export/source.ts';
import { textFilesIn } from '../../model/export/texts.ts';
import { forward } from '../../model/forward/forward.ts';
import { createModel } from '../../model/forward/model.ts';
import { importCompact } from '../../model/import/compact.ts';
import { importHuggingFace } from '../../model/import/huggingface.ts';
import { createRecovery, disposeRecovery } from '../../model/sharing/recovery.ts';
import { replacementsOf } from '../../model/sharing/replacement.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { tf } from '../../tensor/tf.ts';
import {
  architectureCase,
  architectureCases,
  architectureFixtures,
  caseNames,
  relativeError,
} from './architectures.ts';
import { scratch, unpack } from './fixtures.ts';
import { readGguf } from './gguf-reader.ts';

beforeAll(() => useBackend({ backend: 'cpu' }));

async function imported(name: string): Promise<string> {
  const path = join(await scratch(), `${name}.arrow`);
  await importHuggingFace(join(architectureFixtures, name), path);
  return path;
}

async function sourceOf(model: string, recovery: readonly string[] = []) {
  const source = await openExportSource(model, recovery);
  onTestFinished(() => source.close());
  return source;
}

const filesIn = (folder: string) => ({
  config: join(folder, 'config.json'),
  weights: join(folder, 'model.safetensors'),
  ...textFilesIn(folder),
});

async function logitsOf(path: string, ids: number[][], recoveryPath?: string): Promise<Float32Array> {
  const { config, weights } = await loadModel(path);
  const recovery = recoveryPath === undefined ? undefined : await readRecovery([recoveryPath], config);
  const model = createModel(weights, recovery);
  const logits = forward(model, tf.tensor2d(ids, undefined, 'int32'));
  const values = (await logits.data()).slice() as Float32Array;
  logits.dispose();
  model.disposeFrames();
  weights.dispose();
  if (recovery) disposeRecovery(recovery);
  return values;
}

/** The first layer stands in for the second, with recovery parameters of rank 2. */
async function sharedAt(path: string): Promise<string> {
  const { config, close } = await openStored(path);
  await close();
  const replacements = replacementsOf([{ reference: 1, targets: [2] }], 'g0', 2);
  const recovery = createRecovery(config, replacements, { init: 'random', seed: 3 });
  const file = join(await scratch(), 'recovery.arrow');
  await writeRecovery(file, recovery);
  disposeRecovery(recovery);
  return file;
}

describe('a folder for transformers', () => {
  it.each(caseNames)('%s is exported and loaded again without a word and without a difference', async (name) => {
    const path = await imported(name);
    const folder = join(await scratch(), 'out');
    await mkdir(folder);
    await writeHuggingFace(await sourceOf(path), filesIn(folder), 'BF16');
    const again = join(await scratch(), 'again.arrow');
    const warnings: string[] = [];
    const config = await importHuggingFace(folder, again, { onWarning: (message) => void warnings.push(message) });
    expect(warnings).toEqual([]);
    const { config: before, close } = await openStored(path);
    await close();
    expect(config).toEqual(before);
    const { ids, logits } = architectureCase(name);
    expect(await logitsOf(again, ids)).toEqual(await logitsOf(path, ids));
    expect(relativeError(await logitsOf(again, ids), unpack(logits))).toBeLessThan(1e-4);
  });

  it.each(caseNames)('%s says its RoPE in both forms, which mean the same', async (name) => {
    const folder = join(await scratch(), 'out');
    await mkdir(folder);
    await writeHuggingFace(await sourceOf(await imported(name)), filesIn(folder), 'F32');
    const json = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as Record<string, unknown>;
    const { rope_parameters, rope_theta: _theta, rope_scaling: _scaling, ...newer } = json;
    const { rope_parameters: _, ...older } = json;
    expect(parseConfig(older, 'older')).toEqual(parseConfig({ ...newer, rope_parameters }, 'newer'));
  });
});

it.each(architectureCases)('%s with shared layers goes through a compact folder', async (name) => {
  const path = await imported(name);
  const recovery = await sharedAt(path);
  const folder = join(await scratch(), 'out');
  await mkdir(folder);
  const files = { ...filesIn(folder), weights: join(folder, 'shared.safetensors'), map: join(folder, 'sharp.json') };
  await writeCompact(await sourceOf(path, [recovery]), files, 'F32');
  const again = { model: join(folder, 'model.arrow'), recovery: join(folder, 'recovery.arrow') };
  await importCompact(folder, again);
  const { ids } = architectureCase(name);
  expect(await logitsOf(again.model, ids, again.recovery)).toEqual(await logitsOf(path, ids, recovery));
});

describe('GGUF', () => {
  const expected = JSON.parse(readFileSync(join(architectureFixtures, 'gguf', 'expected.json'), 'utf8')) as {
    models: Record<string, { entries: Record<string, unknown>; tensors: Record<string, string> }>;
  };
  const tokenizer = readFileSync(join(architectureFixtures, 'tokenizer.json'), 'utf8');

  async function written(name: string): Promise<{ path: string; warnings: readonly string[] }> {
    const source = await sourceOf(await imported(name));
    const path = join(await scratch(), 'model.gguf');
    const files = { tokenizer_json: tokenizer, tokenizer_config_json: null };
    const { warnings } = await writeGguf({ ...source, tokenizer: files }, path, { type: 'F32', name: 'x' });
    return { path, warnings };
  }

  it.each(Object.entries(expected.models))(
    "%s has the names, the keys and the numbers of gguf's own tables",
    async (name, { entries, tensors: digests }) => {
      const file = readGguf(await readFile((await written(name)).path));
      const found = [...file.tensors].map(([tensor, bytes]) => {
        return [tensor, createHash('sha256').update(bytes).digest('hex')] as const;
      });
      expect(Object.fromEntries(found)).toEqual(digests);
      const keys = [...file.entries].filter(([key]) => !key.startsWith('tokenizer.') && !key.startsWith('general.'));
      const said = Object.fromEntries([...keys, ['general.architecture', file.entries.get('general.architecture')]]);
      expect(said).toEqual(entries);
    },
  );

  it('names the window as its context, and says so', async () => {
    const { warnings } = await written('mistral');
    expect(warnings.at(-1)).toBe(
      "llama.cpp attends to all tokens where this model's layers slide, so the GGUF file names the window as its context: 5 tokens instead of 64",
    );
  });

  it.each([
    [
      'smollm3-sliding',
      "format: gguf cannot hold this SmolLM3: llama.cpp's smollm3 has no biases; take format: huggingface or format: onnx",
    ],
    [
      'qwen3-bias',
      "format: gguf cannot hold this Qwen3: llama.cpp's qwen3 has no biases; take format: huggingface or format: onnx",
    ],
    [
      'rope-yarn-said',
      "format: gguf cannot hold this Llama: llama.cpp knows no YaRN with 'truncate' false; take format: huggingface or format: onnx",
    ],
  ])('refuses %s by name', async (name, message) => {
    await expect(written(name)).rejects.toThrow(message);
  });
});
