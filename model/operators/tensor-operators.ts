// The operators on TensorFlow.js, with gradients.
import { rmsNorm, swiglu } from '../../tensor/ops.ts';
import { tf } from '../../tensor/tf.ts';
import type { Operators } from './operators.ts';

/** Values are tensors; what they hold lives as long as the `tf.tidy` around them. */
export const tensorOperators: Operators<tf.Tensor> = {
  add: (a, b) => tf.add(a, b),
  mul: (a, b) => tf.mul(a, b),
  scale: (x, by) => tf.mul(x, by),
  matmul: (a, b, { a: turnA = false, b: turnB = false } = {}) => tf.matMul(a, b, turnA, turnB),
  transpose: (x) => tf.transpose(x),
  rmsNorm,
  swiglu,
  wide: (x) => x,
  narrow: (x) => x,
};
