// Whole decoder blocks in another arrangement: each layer of the new model is a copy of some layer of the old one.
import { UserError } from '../util/errors.ts';
import { type LlamaCheckpoint, type StoredTensor, writeLlama } from './checkpoint.ts';
import { type LlamaConfig, mlpWidth } from './config.ts';
import { tensorShapes } from './names.ts';

/**
 * Writes to `path` the model of which layer i is layer `sources[i - 1]` of `checkpoint` (layers count from 1): attention, norms
 * and MLP. Equal tensors are stored once, so that a repeated block costs nothing. A UserError for a quantised model.
 */
export async function writeArranged(
  checkpoint: LlamaCheckpoint,
  sources: readonly number[],
  path: string,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<LlamaConfig> {
  if (checkpoint.quantization !== undefined) {
    throw new UserError(
      `blocks of a model that is not quantised can be rearranged, got scheme '${checkpoint.quantization.scheme}': quantise afterwards`,
    );
  }
  const config = arrangedConfig(checkpoint.config, sources);
  const tensors = new Map<string, StoredTensor>();
  for (const name of tensorShapes(config).keys()) {
    tensors.set(name, checkpoint.tensors.get(sourceName(name, sources)) as StoredTensor);
  }
  await writeLlama(path, config, tensors, checkpoint.tokenizer, onProgress);
  return config;
}

/** The config of the model whose layers are `sources` of a model of `config`. */
export function arrangedConfig(config: LlamaConfig, sources: readonly number[]): LlamaConfig {
  const { intermediate_sizes, ...rest } = config;
  const widths = intermediate_sizes && { intermediate_sizes: sources.map((layer) => mlpWidth(config, layer)) };
  return { ...rest, ...widths, num_hidden_layers: sources.length };
}

/** The tensor of the old model that becomes `name` of the new one; names count layers from 0. */
function sourceName(name: string, sources: readonly number[]): string {
  return name.replace(
    /^(model\.layers\.)(\d+)/,
    (_, start, layer) => `${start}${(sources[Number(layer)] as number) - 1}`,
  );
}
