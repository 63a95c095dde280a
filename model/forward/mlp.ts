// The gated MLP of a layer by itself: its own, or another layer's.
import type { tf } from '../../tensor/tf.ts';
import type { MatrixRole } from '../architecture/roles.ts';
import { tensorName } from '../architecture/tensors.ts';
import { tensorOperators } from '../operators/tensor-operators.ts';
import { type RecoveryTensors, throughMatrix } from '../sharing/recovery.ts';
import type { RunReplacement } from '../sharing/replacement.ts';
import type { KnownProduct } from '../sharing/tensor-matrix.ts';
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
  parameters?: RecoveryTensors,
  known: KnownProducts = {},
): tf.Tensor2D {
  return throughMlp(recovered(weights, replacement, parameters, known), x);
}

/** x through one matrix. */
type Through = (role: MatrixRole, x: tf.Tensor2D) => tf.Tensor2D;

/** What the reference's matrices make of the very inputs that they will be given. */
export type KnownProducts = Partial<Record<MatrixRole, KnownProduct>>;

/** The matrices of a replacement one by one. */
export function recovered(
  weights: MatrixWeights,
  replacement: RunReplacement,
  parameters?: RecoveryTensors,
  known: KnownProducts = {},
): Through {
  return (role, x) => {
    const product = storedProduct(weights, replacement.reference, role);
    return throughMatrix(replacement, role, x, product, parameters, known[role]);
  };
}

function throughMlp(through: Through, x: tf.Tensor2D): tf.Tensor2D {
  return gatedMlp<tf.Tensor>(tensorOperators, (role, x) => through(role, x as tf.Tensor2D), x) as tf.Tensor2D;
}
