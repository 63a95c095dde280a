// A model in a GGUF file: its header read and settled as the small files of a model folder are.

import { ggufPart, openGgufModel } from '../../formats/tensors/gguf-parts.ts';
import type { GgufReader } from '../../formats/tensors/gguf-reader.ts';
import { UserError } from '../../util/errors.ts';
import type { ModelConfig } from '../architecture/model-config.ts';
import { ggufConfig } from './gguf-config.ts';
import { ggufTensors, storedDtype } from './gguf-tensors.ts';
import { ggufTokenizerFiles } from './gguf-tokenizer.ts';
import { settleFiles } from './settle-files.ts';
import type { FolderOptions, FolderSummary } from './summary.ts';

const dtypeNames = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' } as const;

/** Reads the header of the model whose first or only file is `path`; UserErrors for what lamina cannot run. */
export async function readGgufModel(
  path: string,
  { tokenizer: wanted = true }: FolderOptions = {},
): Promise<FolderSummary> {
  const reader = await openGgufModel(path);
  try {
    const warnings: string[] = [];
    const warn = (message: string) => void warnings.push(message);
    const { files, ...ends } = ggufTokenizerFiles(reader.metadata, `GGUF file '${path}'`, { wanted, warn });
    const parsed = await ggufConfig(reader, ends, warn);
    const { config, tokenizer } = settleFiles(parsed, files, path, warn);
    return {
      folder: path,
      config,
      dtype: dtypeOf(reader),
      tokenizer,
      adapter: undefined,
      warnings,
      openWeights: () => openWeights(path, config),
    };
  } finally {
    await reader.close();
  }
}

/** A local file's content is in cache keys, and that of other parts would not be. */
export function refusePart(path: string): void {
  const part = ggufPart(path);
  if (part === undefined || part.parts === 1) return;
  throw new UserError(
    `GGUF file '${path}': it is one of ${part.parts} parts, expected the folder that holds them and no other GGUF file, so that all of them are part of the cache key`,
  );
}

async function openWeights(path: string, config: ModelConfig) {
  return ggufTensors(await openGgufModel(path), config);
}

/** The widest type that a matrix becomes. */
function dtypeOf({ tensors }: GgufReader): string {
  const matrices = [...tensors.values()].filter(({ shape }) => shape.length > 1);
  const stored = matrices.map(({ type }) => storedDtype(type));
  return dtypeNames[stored.includes('F32') ? 'F32' : (stored[0] ?? 'F32')];
}
