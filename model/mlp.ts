// The gated MLP of a layer, the one seam through which layers share: its own weights, another layer's, or none.
import { swiglu } from '../tensor/ops.ts';
import type { tf } from '../tensor/tf.ts';
import type { Model } from './model.ts';
import { mlpName, type Projection } from './names.ts';
import { projectionOf, type Recovery, replacementAt } from './recovery.ts';
import type { RunReplacement } from './replacement.ts';
import type { Weights } from './weights.ts';

/** x [N, D] -> [N, D] of layer `layer` (from 1) as the model's recovery says; null where the MLP is pruned. */
export function mlp({ weights, recovery }: Model, layer: number, x: tf.Tensor2D): tf.Tensor2D | null {
  const replacement = replacementAt(recovery, layer);
  if (!replacement) return originalMlp(weights, layer, x);
  const { reference } = replacement;
  return reference === null ? null : replacedMlp(weights, { ...replacement, reference }, x, recovery?.parameters);
}

/** The layer's MLP as it was trained, down(silu(gate x) * up x): x [N, D] -> [N, D]. */
export function originalMlp(weights: Pick<Weights, 'get'>, layer: number, x: tf.Tensor2D): tf.Tensor2D {
  return gated(projectionOf(mlpWeights(weights, layer)), x);
}

/** The MLP of a replacement's reference with the recovery parameters of its target: x [N, D] -> [N, D]. */
export function replacedMlp(
  weights: Pick<Weights, 'get'>,
  replacement: RunReplacement,
  x: tf.Tensor2D,
  parameters?: Recovery['parameters'],
): tf.Tensor2D {
  return gated(projectionOf(mlpWeights(weights, replacement.reference), replacement, parameters), x);
}

/** The three matrices of a layer's MLP, [out, in]. */
export function mlpWeights(weights: Pick<Weights, 'get'>, layer: number): (projection: Projection) => tf.Tensor2D {
  return (projection) => weights.get(mlpName(layer, projection)) as tf.Tensor2D;
}

function gated(project: ReturnType<typeof projectionOf>, x: tf.Tensor2D): tf.Tensor2D {
  return project('down', swiglu(project('gate', x), project('up', x)));
}
