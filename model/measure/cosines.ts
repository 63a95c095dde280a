// Cosines of vectors.
import { tf } from '../../tensor/tf.ts';

/** Row by row, [N, D] twice -> [N]; 0 for rows of zeros. */
export function cosinesOf(a: tf.Tensor2D, b: tf.Tensor2D): tf.Tensor1D {
  const dot = (p: tf.Tensor, q: tf.Tensor) => tf.sum(tf.mul(p, q), 1);
  return tf.div(dot(a, b), tf.maximum(tf.sqrt(tf.mul(dot(a, a), dot(b, b))), 1e-16)) as tf.Tensor1D;
}
