// Whole decoder blocks in another arrangement: each layer of the new model is a copy of some layer of the old one.
import { fromFloat32 } from '../../formats/tensors/dtype.ts';
import { UserError } from '../../util/errors.ts';
import type { ModelConfig } from '../architecture/model-config.ts';
import { tensorShapes } from '../architecture/tensors.ts';
import { arrangedConfig, inSourceLayer } from '../sharing/block-map.ts';
import { type ModelCheckpoint, type StoredTensor, writeStored } from './checkpoint.ts';

/**
 * Writes to `path` the model of which layer i is layer `sources[i - 1]` of `checkpoint` (layers count from 1): attention, norms
 * and MLP. Equal tensors are stored once, so that a repeated block costs nothing. `trained` has float32 values that stand in for tensors of
 * `checkpoint`, by name. A UserError for a quantised model.
 */
export async function writeArranged(
  checkpoint: ModelCheckpoint,
  sources: readonly number[],
  path: string,
  onProgress: (done: number, total: number) => void = () => {},
  trained: ReadonlyMap<string, Float32Array> = new Map(),
): Promise<ModelConfig> {
  if (checkpoint.quantization !== undefined) {
    throw new UserError(
      `blocks of a model that is not quantised can be rearranged, got scheme '${checkpoint.quantization.scheme}': quantise afterwards`,
    );
  }
  const config = arrangedConfig(checkpoint.config, sources);
  const tensors = new Map<string, StoredTensor>();
  for (const [name, shape] of tensorShapes(config)) {
    const source = inSourceLayer(name, sources);
    const values = trained.get(source);
    const bytes = async () => fromFloat32('F32', values as Float32Array);
    tensors.set(name, values ? { dtype: 'F32', shape, bytes } : (checkpoint.tensors.get(source) as StoredTensor));
  }
  await writeStored(path, config, tensors, checkpoint.tokenizer, onProgress);
  return config;
}
