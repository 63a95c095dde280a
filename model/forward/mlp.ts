// The gated MLP of a layer by itself: its own, or another layer's.
import type { tf } from '../../tensor/tf.ts';
import type { MatrixRole } from '../architecture/roles.ts';
import { tensorName } from '../architecture/tensors.ts';
import { tensorOperators } from '../operators/tensor-operators.ts';
import { type Recovery, throughMatrix } from '../sharing/recovery.ts';
import type { RunReplacement } from '../sharing/replacement.ts';
import { gatedMlp } from './block.ts';
import { linear } from './linear.ts';
import { type MatrixWeights, storedProduct } from './project.ts';

/** The layer's MLP as it was trained, down(silu(gate x) * up x): x [N, D] -> [N, D]. */
export function originalMlp(weights: MatrixWeights, layer: number, x: tf.Tensor2D): tf.Tensor2D {
  return throughMlp((role, x) => linear(weights, tensorName(weights.config, layer, role), x), x);
}

/** The MLP of a replacement's reference with the recovery parameters of its target: x [N, D] -> [N, D]. */
export function replacedMlp(
  weights: MatrixWeights,
  replacement: RunReplacement,
  x: tf.Tensor2D,
  parameters?: Recovery['parameters'],
): tf.Tensor2D {
  return throughMlp(recovered(weights, replacement, parameters), x);
}

/** x through one matrix. */
type Through = (role: MatrixRole, x: tf.Tensor2D) => tf.Tensor2D;

/** The matrices of a replacement one by one. */
export function recovered(
  weights: MatrixWeights,
  replacement: RunReplacement,
  parameters?: Recovery['parameters'],
): Through {
  return (role, x) =>
    throughMatrix(replacement, role, x, storedProduct(weights, replacement.reference, role), parameters);
}

function throughMlp(through: Through, x: tf.Tensor2D): tf.Tensor2D {
  return gatedMlp<tf.Tensor>(tensorOperators, (role, x) => through(role, x as tf.Tensor2D), x) as tf.Tensor2D;
}
