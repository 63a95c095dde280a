// What a layer of a model multiplies with: its own tensors, and, for its MLP, what the recovery says.
import type { tf } from '../../tensor/tf.ts';
import { isProjection } from '../architecture/roles.ts';
import { tensorName } from '../architecture/tensors.ts';
import { replacementAt } from '../sharing/recovery.ts';
import type { LayerWeights } from './block.ts';
import { linear } from './linear.ts';
import { replacedLinear } from './mlp.ts';
import type { Model } from './model.ts';

/** The weights of layer `layer` (from 1). */
export function layerWeights({ config, weights, recovery }: Model, layer: number): LayerWeights<tf.Tensor> {
  const replacement = replacementAt(recovery, layer);
  const own: LayerWeights<tf.Tensor>['linear'] = (role, x) =>
    linear(weights, tensorName(config, layer, role), x as tf.Tensor2D);
  const vector: LayerWeights<tf.Tensor>['vector'] = (role) => weights.get(tensorName(config, layer, role));
  if (!replacement) return { vector, linear: own, hasMlp: true };
  const { reference } = replacement;
  if (reference === null) return { vector, linear: own, hasMlp: false };
  const replaced = replacedLinear(weights, { ...replacement, reference }, recovery?.parameters);
  return { vector, linear: (role, x) => (isProjection(role) ? replaced(role, x) : own(role, x)), hasMlp: true };
}
