// Hugging Face model folders: config.json, safetensors, tokenizer and the files beside them, read into a checkpoint.
import { toFloat32 } from '../../formats/tensors/dtype.ts';
import { tf } from '../../tensor/tf.ts';
import type { ModelConfig } from '../architecture/model-config.ts';
import { createWeights, type Weights } from '../architecture/weights.ts';
import { type TokenizerFiles, writeStored } from '../checkpoint/checkpoint.ts';
import type { AdapterFiles } from './adapter-config.ts';
import { openFolderTensors } from './folder-tensors.ts';
import { readModelFolder } from './model-folder.ts';
import type { FolderSummary } from './summary.ts';

export interface ImportOptions {
  /** An adapter to attach, beside none in the folder. */
  readonly adapter?: AdapterFiles | undefined;
  readonly onProgress?: (done: number, total: number) => void;
  /** Told what is seen and not honoured, each sentence once. */
  readonly onWarning?: (message: string) => void;
}

/** Copies the model in `folder` into the checkpoint `outPath`, tensor by tensor, each in the type it is stored in. */
export async function importHuggingFace(
  folder: string,
  outPath: string,
  options: ImportOptions = {},
): Promise<ModelConfig> {
  return importModel(await readModelFolder(folder), outPath, options);
}

/** The same of a folder whose small files have been read. */
export async function importModel(
  summary: FolderSummary,
  outPath: string,
  { adapter, onProgress, onWarning = () => {} }: ImportOptions = {},
): Promise<ModelConfig> {
  const { config, tensors, warnings, close } = await openFolderTensors(summary, adapter);
  try {
    for (const message of [...summary.warnings, ...warnings]) onWarning(message);
    await writeStored(outPath, config, tensors, summary.tokenizer, onProgress);
  } finally {
    await close();
  }
  return config;
}

/** Reads the model in `folder` whole, as float32 tensors; the caller disposes the weights. */
export async function loadHuggingFace(
  folder: string,
  { onWarning = () => {} }: Pick<ImportOptions, 'onWarning'> = {},
): Promise<{ config: ModelConfig; weights: Weights; tokenizer: TokenizerFiles }> {
  const summary = await readModelFolder(folder);
  const { config, tensors: stored, warnings, close } = await openFolderTensors(summary);
  const tensors = new Map<string, tf.Tensor>();
  try {
    for (const message of [...summary.warnings, ...warnings]) onWarning(message);
    for (const [name, { dtype, shape, bytes }] of stored) {
      tensors.set(name, tf.tensor(toFloat32(name, dtype, await bytes()), [...shape], 'float32'));
    }
  } finally {
    await close();
  }
  return { config, weights: createWeights(config, tensors), tokenizer: summary.tokenizer };
}
