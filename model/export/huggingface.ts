// A Hugging Face folder with an MLP of its own for every layer, which transformers loads as any model of its architecture.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writing } from '../../formats/files/writing.ts';
import { encodeFloats, tensorBytes } from '../../formats/tensors/dtype.ts';
import { createSafetensors } from '../../formats/tensors/safetensors.ts';
import { folderConfigJson } from '../architecture/config.ts';
import type { ModelConfig } from '../architecture/model-config.ts';
import { tensorShapes } from '../architecture/tensors.ts';
import { type ExportSizes, exportSizes } from './sizes.ts';
import { type ExportSource, openExportSource } from './source.ts';
import { type TextFiles, textFilesIn, writeTexts } from './texts.ts';

/** Types of weights in safetensors files. */
export type FloatType = 'F32' | 'F16' | 'BF16';

/** Where the files of a model folder go. */
export interface ModelFiles extends TextFiles {
  readonly config: string;
  readonly weights: string;
}

export type OnProgress = (done: number, total: number) => void;

/** Their names in config.json. */
export const dtypeNames = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' } as const;

/** Writes the whole model, every tensor rounded to `dtype`; with `base` without the low-rank part of its recovery. */
export async function writeHuggingFace(
  source: ExportSource,
  files: ModelFiles,
  dtype: FloatType,
  { base = false, onProgress = () => {} }: { base?: boolean; onProgress?: OnProgress } = {},
): Promise<ExportSizes> {
  const { config, tokenizer } = source;
  await writeConfig(files.config, config, dtype);
  await writeTexts(files, tokenizer);
  const entries = [...tensorShapes(config)].map(([name, shape]) => ({ name, dtype, shape }));
  await writing(await createSafetensors(files.weights, entries, { format: 'pt' }), async (writer) => {
    for (const [i, { name }] of entries.entries()) {
      const values = await (base ? source.readBase(name) : source.read(name));
      await writer.write(name, encodeFloats(name, dtype, values));
      onProgress(i + 1, entries.length);
    }
  });
  return exportSizes(source, (shape) => tensorBytes(dtype, shape) as number);
}

/** The checkpoint `path` as a model folder, rounded to `dtype`; returns the layers (from 1) that were padded with zeros. */
export async function exportHuggingFace(
  path: string,
  folder: string,
  dtype: FloatType,
): Promise<{ padded: readonly number[] }> {
  await mkdir(folder, { recursive: true });
  const source = await openExportSource(path);
  const files = {
    config: join(folder, 'config.json'),
    weights: join(folder, 'model.safetensors'),
    ...textFilesIn(folder),
  };
  try {
    await writeHuggingFace(source, files, dtype);
    return { padded: source.padded };
  } finally {
    await source.close();
  }
}

/** Writes config.json. */
export async function writeConfig(path: string, config: ModelConfig, dtype: FloatType): Promise<void> {
  await writeFile(path, `${JSON.stringify(folderConfigJson(config, dtypeNames[dtype]), null, 2)}\n`);
}
