// The gated MLP of a layer, down(silu(gate x) * up x): its own, another layer's, or none.
import { swiglu } from '../../tensor/ops.ts';
import type { tf } from '../../tensor/tf.ts';
import { matrixName } from '../architecture/names.ts';
import type { MatrixRole } from '../architecture/roles.ts';
import { type Recovery, replacementAt, throughMatrix } from '../sharing/recovery.ts';
import type { RunReplacement } from '../sharing/replacement.ts';
import { linear } from './linear.ts';
import type { Model } from './model.ts';
import { type MatrixWeights, project, storedProduct } from './project.ts';

/** x [N, D] -> [N, D] of layer `layer` (from 1) as the model's recovery says; null where the MLP is pruned. */
export function mlp(model: Model, layer: number, x: tf.Tensor2D): tf.Tensor2D | null {
  const isPruned = replacementAt(model.recovery, layer, 'gate')?.reference === null;
  return isPruned ? null : gated((role, x) => project(model, layer, role, x), x);
}

/** The layer's MLP as it was trained: x [N, D] -> [N, D]. */
export function originalMlp(weights: MatrixWeights, layer: number, x: tf.Tensor2D): tf.Tensor2D {
  return gated((role, x) => linear(weights, matrixName(layer, role), x), x);
}

/** The MLP of a replacement's reference with the recovery parameters of its target: x [N, D] -> [N, D]. */
export function replacedMlp(
  weights: MatrixWeights,
  replacement: RunReplacement,
  x: tf.Tensor2D,
  parameters?: Recovery['parameters'],
): tf.Tensor2D {
  return gated(recovered(weights, replacement, parameters), x);
}

/** The matrices of a replacement one by one. */
export function recovered(
  weights: MatrixWeights,
  replacement: RunReplacement,
  parameters?: Recovery['parameters'],
): (role: MatrixRole, x: tf.Tensor2D) => tf.Tensor2D {
  return (role, x) =>
    throughMatrix(replacement, role, x, storedProduct(weights, replacement.reference, role), parameters);
}

function gated(project: (role: MatrixRole, x: tf.Tensor2D) => tf.Tensor2D, x: tf.Tensor2D): tf.Tensor2D {
  return project('down', swiglu(project('gate', x), project('up', x)));
}
