// The gated MLP of a layer by itself, the one seam through which layers share: its own weights, or another layer's.
import type { tf } from '../../tensor/tf.ts';
import type { Projection } from '../architecture/roles.ts';
import { tensorName } from '../architecture/tensors.ts';
import type { Weights } from '../architecture/weights.ts';
import { tensorOperators } from '../operators/tensor-operators.ts';
import { projectionOf, type Recovery } from '../sharing/recovery.ts';
import type { RunReplacement } from '../sharing/replacement.ts';
import { gatedMlp, type LayerWeights } from './block.ts';
import { inputOf, linear } from './linear.ts';

/** The layer's MLP as it was trained, down(silu(gate x) * up x): x [N, D] -> [N, D]. */
export function originalMlp(weights: MlpWeights, layer: number, x: tf.Tensor2D): tf.Tensor2D {
  return throughMlp((role, x) => linear(weights, tensorName(weights.config, layer, role), x as tf.Tensor2D), x);
}

/** The MLP of a replacement's reference with the recovery parameters of its target: x [N, D] -> [N, D]. */
export function replacedMlp(
  weights: MlpWeights,
  replacement: RunReplacement,
  x: tf.Tensor2D,
  parameters?: Recovery['parameters'],
): tf.Tensor2D {
  const replaced = replacedLinear(weights, replacement, parameters);
  return throughMlp((role, x) => replaced(role as Projection, x), x);
}

/** One projection of that MLP: x [N, in] -> [N, out]. */
export function replacedLinear(
  weights: MlpWeights,
  replacement: RunReplacement,
  parameters?: Recovery['parameters'],
): (projection: Projection, x: tf.Tensor) => tf.Tensor {
  const { reference } = replacement;
  const input = (projection: Projection, x: tf.Tensor2D) =>
    inputOf(weights, tensorName(weights.config, reference, projection), x);
  const project = projectionOf(mlpWeights(weights, reference), replacement, parameters, input);
  return (projection, x) => project(projection, x as tf.Tensor2D);
}

/** The three matrices of a layer's MLP, [out, in]. */
export function mlpWeights(
  weights: Pick<Weights, 'config' | 'get'>,
  layer: number,
): (projection: Projection) => tf.Tensor2D {
  return (projection) => weights.get(tensorName(weights.config, layer, projection)) as tf.Tensor2D;
}

type MlpWeights = Pick<Weights, 'config' | 'get' | 'input'>;

function throughMlp(linear: LayerWeights<tf.Tensor>['linear'], x: tf.Tensor2D): tf.Tensor2D {
  return gatedMlp<tf.Tensor>(tensorOperators, linear, x) as tf.Tensor2D;
}
