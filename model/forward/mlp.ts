// The gated MLP of a layer, the one seam through which layers share: its own weights, another layer's, or none.
import { swiglu } from '../../tensor/ops.ts';
import type { tf } from '../../tensor/tf.ts';
import { mlpName, type Projection } from '../architecture/names.ts';
import type { Weights } from '../architecture/weights.ts';
import { projectionOf, type Recovery, replacementAt } from '../sharing/recovery.ts';
import type { RunReplacement } from '../sharing/replacement.ts';
import { inputOf, linear } from './linear.ts';
import type { Model } from './model.ts';

/** x [N, D] -> [N, D] of layer `layer` (from 1) as the model's recovery says; null where the MLP is pruned. */
export function mlp({ weights, recovery }: Model, layer: number, x: tf.Tensor2D): tf.Tensor2D | null {
  const replacement = replacementAt(recovery, layer);
  if (!replacement) return originalMlp(weights, layer, x);
  const { reference } = replacement;
  return reference === null ? null : replacedMlp(weights, { ...replacement, reference }, x, recovery?.parameters);
}

/** The layer's MLP as it was trained, down(silu(gate x) * up x): x [N, D] -> [N, D]. */
export function originalMlp(weights: MlpWeights, layer: number, x: tf.Tensor2D): tf.Tensor2D {
  return gated((projection, x) => linear(weights, mlpName(layer, projection), x), x);
}

/** The MLP of a replacement's reference with the recovery parameters of its target: x [N, D] -> [N, D]. */
export function replacedMlp(
  weights: MlpWeights,
  replacement: RunReplacement,
  x: tf.Tensor2D,
  parameters?: Recovery['parameters'],
): tf.Tensor2D {
  const { reference } = replacement;
  const input = (projection: Projection, x: tf.Tensor2D) => inputOf(weights, mlpName(reference, projection), x);
  return gated(projectionOf(mlpWeights(weights, reference), replacement, parameters, input), x);
}

/** The three matrices of a layer's MLP, [out, in]. */
export function mlpWeights(weights: Pick<Weights, 'get'>, layer: number): (projection: Projection) => tf.Tensor2D {
  return (projection) => weights.get(mlpName(layer, projection)) as tf.Tensor2D;
}

type MlpWeights = Pick<Weights, 'get' | 'input'>;

function gated(project: ReturnType<typeof projectionOf>, x: tf.Tensor2D): tf.Tensor2D {
  return project('down', swiglu(project('gate', x), project('up', x)));
}
