// g3: alpha (U V) * Theta + A B, the reference matrix times a low-rank one element by element (paper, equation 6).
//
// It has no factorised form: (U V) * Theta is made anew in every pass, d f r multiplications. It saves storage, not time.
import { tf } from '../../../tensor/tf.ts';
import type { Candidate } from './candidate.ts';
import { fillUniform } from './low-rank.ts';

/** U V starts as the matrix of ones: U's first column and V's first row are ones, V's other rows zero, U's other columns random. */
export const g3: Candidate = {
  start({ d, f, rank, random }) {
    const U = new Float32Array(d * rank);
    fillUniform(U, 1 / Math.sqrt(d), random);
    for (let row = 0; row < d; row++) U[row * rank] = 1;
    return { U, V: new Float32Array(rank * f).fill(1, 0, f) };
  },
  carry(projection, x, weight, parameter) {
    const [u, v] = [parameter('U') as tf.Tensor2D, parameter('V') as tf.Tensor2D];
    // weight is Theta^T for gate and up, Theta for down
    const scale = projection === 'down' ? tf.matMul(u, v) : tf.matMul(v, u, true, true);
    return tf.matMul(x, tf.mul<tf.Tensor2D>(weight, scale), false, true);
  },
  transform: (theta, parameter) =>
    tf.mul<tf.Tensor2D>(theta, tf.matMul(parameter('U') as tf.Tensor2D, parameter('V') as tf.Tensor2D)),
};
