// Layers that are mixtures of a model's layers, as a checkpoint.
import { fromFloat32 } from '../../formats/tensors/dtype.ts';
import { UserError } from '../../util/errors.ts';
import { type ModelConfig, mlpWidth } from '../architecture/model-config.ts';
import { isMatrixRole, type LayerRole } from '../architecture/roles.ts';
import { tensorName, tensorSpecs } from '../architecture/tensors.ts';
import { arrangedConfig } from '../sharing/block-map.ts';
import type { LayerMix, LayerTerm } from '../sharing/layer-mix.ts';
import { type ModelCheckpoint, type StoredTensor, writeStored } from './checkpoint.ts';

/**
 * Writes to `path` the model whose layers are `layers` of `checkpoint`. What is one layer's is copied; sums are taken in float64 and stored in
 * the type of the base (float32 where that is none of the short ones). A UserError for a quantised model and for MLPs of unequal width in one sum.
 */
export async function writeMixed(
  checkpoint: ModelCheckpoint,
  layers: readonly LayerMix[],
  path: string,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<ModelConfig> {
  checkPlain(checkpoint);
  checkWidths(checkpoint.config, layers);
  const bases = layers.map(({ base }) => base);
  const config = arrangedConfig(checkpoint.config, bases);
  const tensors = new Map<string, StoredTensor>();
  for (const { name, role, layer } of tensorSpecs(config)) {
    if (layer === null) {
      tensors.set(name, checkpoint.tensors.get(name) as StoredTensor);
      continue;
    }
    const mix = layers[layer - 1] as LayerMix;
    const terms = isMatrixRole(role) ? mix.terms : (mix.vectors ?? [{ layer: mix.base, weight: 1 }]);
    tensors.set(name, summed(checkpoint, mix.base, role as LayerRole, terms));
  }
  await writeStored(path, config, tensors, checkpoint.tokenizer, onProgress);
  return config;
}

/** Throws a UserError for a quantised model, whose layers cannot be rearranged. */
function checkPlain({ quantization }: ModelCheckpoint): void {
  if (quantization === undefined) return;
  throw new UserError(
    `layers of a model that is not quantised can be merged or run again, got scheme '${quantization.scheme}': quantise afterwards`,
  );
}

/** Throws a UserError where a layer would get another's MLP of another width. */
function checkWidths(config: ModelConfig, layers: readonly LayerMix[]): void {
  for (const { base, terms } of layers) {
    const other = terms.find(({ layer }) => mlpWidth(config, layer) !== mlpWidth(config, base));
    if (other === undefined) continue;
    throw new UserError(
      `layer ${base} has an MLP of width ${mlpWidth(config, base)} and would take that of layer ${other.layer}, ${mlpWidth(config, other.layer)} wide, expected equal widths`,
    );
  }
}

function summed(checkpoint: ModelCheckpoint, base: number, role: LayerRole, terms: readonly LayerTerm[]): StoredTensor {
  const nameOf = (layer: number) => tensorName(checkpoint.config, layer, role);
  const [first] = terms;
  if (terms.length === 1 && first?.weight === 1) return checkpoint.tensors.get(nameOf(first.layer)) as StoredTensor;
  const { dtype: stored, shape } = checkpoint.tensors.get(nameOf(base)) as StoredTensor;
  const dtype = stored === 'F16' || stored === 'BF16' ? stored : 'F32';
  const bytes = async () => {
    const sum = new Float64Array(shape.reduce((a, b) => a * b, 1));
    for (const { layer, weight } of terms) {
      const values = await checkpoint.readFloat32(nameOf(layer));
      for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + weight * (values[i] as number);
    }
    return fromFloat32(dtype, Float32Array.from(sum));
  };
  return { dtype, shape, bytes };
}
