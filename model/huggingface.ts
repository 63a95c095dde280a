// Hugging Face model folders: config.json, safetensors and tokenizer.json, read into a checkpoint and written from one.
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Dtype, fromFloat32 } from '../formats/dtype.ts';
import { createSafetensors } from '../formats/safetensors.ts';
import { openSafetensorsFolder } from '../formats/safetensors-folder.ts';
import { parseStrictJson } from '../formats/strict-json.ts';
import type { TensorReader } from '../formats/tensor-reader.ts';
import { tf } from '../tensor/tf.ts';
import { hasCode, UserError } from '../util/errors.ts';
import { checkTensors } from './check-tensors.ts';
import { openLlama, type StoredTensor, type TokenizerFiles, writeLlama } from './checkpoint.ts';
import { type LlamaConfig, llamaConfigJson, mlpWidth, parseLlamaConfig } from './config.ts';
import { headName, tensorShapes } from './names.ts';
import { createWeights, type Weights } from './weights.ts';

const largestConfig = 2 ** 20;
const largestTokenizer = 2 ** 28;
const dtypeNames = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' } as const;

/** What is known of a model folder before its weights are read. */
export interface FolderSummary {
  readonly config: LlamaConfig;
  readonly tokenizer: TokenizerFiles;
}

/** Reads config.json and the tokenizer's files of `folder`; UserErrors for what lamina cannot run. */
export async function readHuggingFaceFolder(folder: string): Promise<FolderSummary> {
  const path = join(folder, 'config.json');
  const text = await readSmallFile(path, largestConfig);
  if (text === null)
    throw new UserError(`model folder '${folder}' has no config.json, expected a folder in Hugging Face's layout`);
  return {
    config: parseLlamaConfig(parseStrictJson(text, path, 16), path),
    tokenizer: {
      tokenizer_json: await readSmallFile(join(folder, 'tokenizer.json'), largestTokenizer),
      tokenizer_config_json: await readSmallFile(join(folder, 'tokenizer_config.json'), largestTokenizer),
    },
  };
}

/** Copies the model in `folder` into the checkpoint `outPath`, tensor by tensor, each in the type it is stored in. */
export async function importHuggingFace(
  folder: string,
  outPath: string,
  options: { readonly onProgress?: (done: number, total: number) => void } = {},
): Promise<LlamaConfig> {
  const { config, tokenizer } = await readHuggingFaceFolder(folder);
  const reader = await openSafetensorsFolder(folder);
  try {
    const tensors = tensorsOf(reader, config);
    checkTensors(config, tensors, folder);
    await writeLlama(outPath, config, tensors, tokenizer, options.onProgress);
  } finally {
    await reader.close();
  }
  return config;
}

/** Reads the model in `folder` whole, as float32 tensors; the caller disposes the weights. */
export async function loadHuggingFace(
  folder: string,
): Promise<{ config: LlamaConfig; weights: Weights; tokenizer: TokenizerFiles }> {
  const { config, tokenizer } = await readHuggingFaceFolder(folder);
  const reader = await openSafetensorsFolder(folder);
  const tensors = new Map<string, tf.Tensor>();
  try {
    const stored = tensorsOf(reader, config);
    checkTensors(config, stored, folder);
    for (const [name, { shape }] of stored) {
      tensors.set(name, tf.tensor(await reader.readFloat32(name), [...shape], 'float32'));
    }
  } finally {
    await reader.close();
  }
  return { config, weights: createWeights(config, tensors), tokenizer };
}

/**
 * Writes the checkpoint `path` as a model folder that transformers loads; every tensor rounded to `dtype`. transformers knows
 * one MLP width for all layers: channels that were removed come back as zeros, which changes no output. Returns the layers
 * (from 1) where that was so.
 */
export async function exportHuggingFace(
  path: string,
  folder: string,
  dtype: 'F32' | 'F16' | 'BF16',
): Promise<{ padded: number[] }> {
  const checkpoint = await openLlama(path);
  try {
    await mkdir(folder, { recursive: true });
    const { config, tokenizer } = checkpoint;
    const full = fullWidth(config);
    await writeFile(
      join(folder, 'config.json'),
      `${JSON.stringify(llamaConfigJson(full, dtypeNames[dtype]), null, 2)}\n`,
    );
    const entries = [...tensorShapes(full)].map(([name, shape]) => ({ name, dtype: dtype as Dtype, shape }));
    const writer = await createSafetensors(join(folder, 'model.safetensors'), entries, { format: 'pt' });
    for (const { name, shape } of entries) {
      const stored = checkpoint.tensors.get(name)?.shape ?? shape;
      await writer.write(name, fromFloat32(dtype, padded(await checkpoint.readFloat32(name), stored, shape)));
    }
    await writer.close();
    await writeTokenizer(folder, tokenizer);
    return { padded: narrowLayers(config, full.intermediate_size) };
  } finally {
    await checkpoint.close();
  }
}

/** The config with one width for every layer, that of the widest MLP. */
function fullWidth({ intermediate_sizes, ...config }: LlamaConfig): LlamaConfig {
  return intermediate_sizes ? { ...config, intermediate_size: Math.max(...intermediate_sizes) } : config;
}

function narrowLayers(config: LlamaConfig, width: number): number[] {
  const layers = Array.from({ length: config.num_hidden_layers }, (_, i) => i + 1);
  return layers.filter((layer) => mlpWidth(config, layer) < width);
}

/** A matrix with zeros to the right and below, up to `to`; as it is when it has that shape. */
function padded(values: Float32Array, from: readonly number[], to: readonly number[]): Float32Array {
  if (from.join() === to.join()) return values;
  const [height = 0, width = 0] = from;
  const [rows = 0, columns = 0] = to;
  const wide = new Float32Array(rows * columns);
  for (let row = 0; row < height; row++) wide.set(values.subarray(row * width, (row + 1) * width), row * columns);
  return wide;
}

async function writeTokenizer(folder: string, tokenizer: TokenizerFiles): Promise<void> {
  const { tokenizer_json, tokenizer_config_json } = tokenizer;
  if (tokenizer_json !== null) await writeFile(join(folder, 'tokenizer.json'), tokenizer_json);
  if (tokenizer_config_json !== null) await writeFile(join(folder, 'tokenizer_config.json'), tokenizer_config_json);
}

/** Old exports carry the RoPE frequencies as a buffer, and tied ones sometimes a copy of the embedding as head: both are ignored. */
function tensorsOf(reader: TensorReader, config: LlamaConfig): Map<string, StoredTensor> {
  const tensors = new Map<string, StoredTensor>();
  for (const [name, { dtype, shape }] of reader.tensors) {
    if (name.endsWith('.rotary_emb.inv_freq') || (config.tie_word_embeddings && name === headName)) continue;
    tensors.set(name, { dtype, shape, bytes: () => reader.readBytes(name) });
  }
  return tensors;
}

async function readSmallFile(path: string, largest: number): Promise<string | null> {
  try {
    const { size } = await stat(path);
    if (size > largest) throw new UserError(`'${path}' must be at most ${largest} bytes, got ${size}`);
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null;
    throw error;
  }
}
