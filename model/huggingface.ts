// Hugging Face model folders: config.json, safetensors and tokenizer.json, read into a checkpoint.
import { join } from 'node:path';
import { openSafetensorsFolder } from '../formats/safetensors-folder.ts';
import { parseStrictJson } from '../formats/strict-json.ts';
import type { TensorReader } from '../formats/tensor-reader.ts';
import { readTextIfThere } from '../formats/text.ts';
import { tf } from '../tensor/tf.ts';
import { UserError } from '../util/errors.ts';
import { checkTensors } from './check-tensors.ts';
import { type StoredTensor, type TokenizerFiles, writeLlama } from './checkpoint.ts';
import { type LlamaConfig, parseLlamaConfig } from './config.ts';
import { headName } from './names.ts';
import { createWeights, type Weights } from './weights.ts';

const largestConfig = 2 ** 20;
const largestTokenizer = 2 ** 28;

/** What is known of a model folder before its weights are read. */
export interface FolderSummary {
  readonly config: LlamaConfig;
  readonly tokenizer: TokenizerFiles;
}

/** Reads config.json and the tokenizer's files of `folder`; UserErrors for what lamina cannot run. */
export async function readHuggingFaceFolder(folder: string): Promise<FolderSummary> {
  const path = join(folder, 'config.json');
  const text = await readTextIfThere(path, 'configuration', largestConfig);
  if (text === undefined)
    throw new UserError(`model folder '${folder}' has no config.json, expected a folder in Hugging Face's layout`);
  const tokenizerFile = async (name: string) =>
    (await readTextIfThere(join(folder, name), 'tokenizer', largestTokenizer)) ?? null;
  return {
    config: parseLlamaConfig(parseStrictJson(text, path, 16), path),
    tokenizer: {
      tokenizer_json: await tokenizerFile('tokenizer.json'),
      tokenizer_config_json: await tokenizerFile('tokenizer_config.json'),
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

/** Old exports carry the RoPE frequencies as a buffer, and tied ones sometimes a copy of the embedding as head: both are ignored. */
function tensorsOf(reader: TensorReader, config: LlamaConfig): Map<string, StoredTensor> {
  const tensors = new Map<string, StoredTensor>();
  for (const [name, { dtype, shape }] of reader.tensors) {
    if (name.endsWith('.rotary_emb.inv_freq') || (config.tie_word_embeddings && name === headName)) continue;
    tensors.set(name, { dtype, shape, bytes: () => reader.readBytes(name) });
  }
  return tensors;
}
