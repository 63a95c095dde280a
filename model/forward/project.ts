// x through one matrix of a layer, whatever stands there: the one seam through which layers share and recover.
import type { tf } from '../../tensor/tf.ts';
import type { MatrixRole } from '../architecture/roles.ts';
import { tensorName } from '../architecture/tensors.ts';
import type { Weights } from '../architecture/weights.ts';
import type { Product } from '../operators/operators.ts';
import { type Recovery, replacementAt, throughMatrix } from '../sharing/recovery.ts';
import { linear, productOf } from './linear.ts';
import type { Model } from './model.ts';

/** The weights that a product needs. */
export type MatrixWeights = Pick<Weights, 'config' | 'get' | 'input' | 'times'>;

/** x [N, in] through matrix `role` of layer `layer` (from 1) as the model's recovery says -> [N, out]. */
export function project(
  { weights, recovery }: Pick<Model, 'weights' | 'recovery'>,
  layer: number,
  role: MatrixRole,
  x: tf.Tensor2D,
): tf.Tensor2D {
  const replacement = replacementAt(recovery, layer, role);
  if (replacement === undefined) return linear(weights, tensorName(weights.config, layer, role), x);
  const product = storedProduct(weights, replacement.reference as number, role);
  return throughMatrix(replacement, role, x, product, (recovery as Recovery).parameters);
}

/** The stored matrix `role` of layer `layer` at work. */
export function storedProduct(weights: MatrixWeights, layer: number, role: MatrixRole): Product<tf.Tensor> {
  return productOf(weights, tensorName(weights.config, layer, role));
}
