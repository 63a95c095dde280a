// The product of activations and one of the model's matrices: the place where inputs are rounded or looked at.
import type { tf } from '../../tensor/tf.ts';
import type { InputOf, Weights } from '../architecture/weights.ts';
import type { Quantization } from '../codec/quantization.ts';
import type { Product } from '../operators/operators.ts';
import { tensorProduct } from '../sharing/tensor-matrix.ts';
import { roundTokens } from './int8-tokens.ts';

/** What a product with a matrix needs of its model. */
export type ProductWeights = Pick<Weights, 'get' | 'input' | 'times'>;

/** x [N, in] times matrix `name` [out, in] -> [N, out]. */
export function linear(weights: ProductWeights, name: string, x: tf.Tensor2D): tf.Tensor2D {
  const product = productOf(weights, name);
  return product.times(product.input(x)) as tf.Tensor2D;
}

/** Matrix `name` at work. */
export function productOf(weights: ProductWeights, name: string): Product<tf.Tensor> {
  const input = (x: tf.Tensor) => inputOf(weights, name, x as tf.Tensor2D);
  return tensorProduct(() => weights.get(name) as tf.Tensor2D, input, weights.times);
}

/** What the product with matrix `name` sees of x [N, in]. */
export function inputOf({ input }: Pick<Weights, 'input'>, name: string, x: tf.Tensor2D): tf.Tensor2D {
  return input === undefined ? x : input(name, x);
}

/** The inputs of quantised matrices rounded to int8 where the quantisation says so. */
export function roundingOf(quantization: Quantization | undefined): InputOf | undefined {
  if (quantization?.activations !== 'int8') return undefined;
  return (name, x) => (quantization.codecs.has(name) ? roundTokens(x) : x);
}
