// The gated MLP of a layer, the one seam through which layers share: its own weights, or its reference's with recovery.
import { swiglu } from '../tensor/ops.ts';
import type { tf } from '../tensor/tf.ts';
import type { Model } from './model.ts';
import { mlpName } from './names.ts';
import { projectionOf, type Recovery } from './recovery.ts';
import type { Weights } from './weights.ts';

/** x [N, D] -> down(silu(gate x) * up x) [N, D] of layer `layer` (from 1) as the model's sharing says. */
export function mlp(model: Model, layer: number, x: tf.Tensor2D): tf.Tensor2D {
  const reference = model.sharing?.references.get(layer) ?? layer;
  return sharedMlp(model.weights, reference, layer, x, model.sharing?.recovery);
}

/** The MLP of `reference` with the recovery parameters of `target`, if it has any: x [N, D] -> [N, D]. */
export function sharedMlp(
  weights: Pick<Weights, 'get'>,
  reference: number,
  target: number,
  x: tf.Tensor2D,
  recovery?: Recovery,
): tf.Tensor2D {
  const project = projectionOf(
    recovery,
    target,
    (projection) => weights.get(mlpName(reference, projection)) as tf.Tensor2D,
  );
  return project('down', swiglu(project('gate', x), project('up', x)));
}
