// The product of activations and one of the model's matrices: the place where inputs are rounded or looked at.
import { tf } from '../../tensor/tf.ts';
import type { InputOf, Weights } from '../architecture/weights.ts';
import type { Quantization } from '../codec/quantization.ts';
import { roundTokens } from './int8-tokens.ts';

/** x [N, in] times matrix `name` [out, in] -> [N, out]. */
export function linear(weights: Pick<Weights, 'get' | 'input'>, name: string, x: tf.Tensor2D): tf.Tensor2D {
  return tf.matMul(inputOf(weights, name, x), weights.get(name) as tf.Tensor2D, false, true);
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
