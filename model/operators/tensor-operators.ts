// The operators on TensorFlow.js, with gradients.
import { chosenExperts, spreadFactors, throughExperts } from '../../tensor/experts.ts';
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
  addDiagonal(sum, x, diagonal) {
    const [rows, out] = sum.shape as [number, number];
    const count = diagonal.shape[0] as number;
    const made = tf.mul(tf.slice(x, [0, 0], [rows, count]), diagonal);
    return tf.add(sum, count === out ? made : tf.concat([made, tf.zeros([rows, out - count])], 1));
  },
  identity: (x) => tf.eye(x.shape[0] as number),
  rmsNorm,
  swiglu,
  chosenExperts,
  spreadFactors,
  throughExperts,
  wide: (x) => x,
  narrow: (x) => x,
};
