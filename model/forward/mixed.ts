// Layers of a model in another arrangement, run without making a model of them.
import { tf } from '../../tensor/tf.ts';
import { matrixRoles } from '../architecture/roles.ts';
import { tensorName } from '../architecture/tensors.ts';
import { isPlain, type LayerMix } from '../sharing/layer-mix.ts';
import { runBlock } from './forward.ts';
import type { Model } from './model.ts';
import type { Extent } from './pass-operators.ts';

/** `model` in which layer `mix.base` is that mix; whoever asked frees `tensors`. */
export interface MixedLayer {
  readonly model: Model;
  readonly layer: number;
  readonly tensors: readonly tf.Tensor[];
}

/** The layer that `mix` is: the model's own, or one of matrices that are summed up here. */
export function mixedLayer(model: Model, mix: LayerMix): MixedLayer {
  if (isPlain(mix)) return { model, layer: mix.base, tensors: [] };
  const { config, weights } = model;
  const summed = new Map<string, tf.Tensor>();
  for (const role of matrixRoles) {
    const term = ({ layer, weight }: LayerMix['terms'][number]) =>
      tf.mul(weights.get(tensorName(config, layer, role)), weight);
    summed.set(
      tensorName(config, mix.base, role),
      tf.tidy(() => tf.addN(mix.terms.map(term))),
    );
  }
  const own = { ...weights, get: (name: string) => summed.get(name) ?? weights.get(name) };
  return { model: { ...model, weights: own }, layer: mix.base, tensors: [...summed.values()] };
}

/** h [N, D] through one layer after the other; `h` is left alone, what comes back is new. */
export function throughLayers(layers: readonly MixedLayer[], h: tf.Tensor2D, extent: Extent): tf.Tensor2D {
  return tf.tidy(() => {
    let states = tf.clone(h);
    for (const { model, layer } of layers) {
      const before = states;
      states = tf.tidy(() => runBlock(model, layer, before, extent).h);
      before.dispose();
    }
    return states;
  });
}
