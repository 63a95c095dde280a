// g1: alpha Theta C^T D + A B, the reference matrix times a low-rank one on the right (paper, equation 4); and our variant
// g1_plus, alpha Theta (I + C^T D) + A B, which can start at Direct Sharing where g1 cannot.
import { tf } from '../../../tensor/tf.ts';
import type { Projection } from '../../architecture/roles.ts';
import type { Candidate, ParameterOf } from './candidate.ts';
import { fillUniform } from './low-rank.ts';
import { singularVectors } from './singular-vectors.ts';

/** C = D = the leading right singular vectors of Theta, so that Theta C^T D is its best approximation of this rank. */
export const g1: Candidate = {
  start({ projection, rank, weight }) {
    const rightVectors = singularVectors(weight(), projection === 'down' ? 'right' : 'left', rank); // [f, r]
    const transposed = tf.tidy(() => tf.transpose(rightVectors));
    const values = transposed.dataSync().slice() as Float32Array;
    tf.dispose([rightVectors, transposed]);
    return { C: values, D: values };
  },
  carry: (projection, x, weight, parameter) => carry(projection, x, weight, (y) => rightSide(projection, y, parameter)),
  transform: (theta, parameter) => rightSide('gate', theta, parameter),
};

/** C random and D zero, so that C^T D = 0. */
export const g1Plus: Candidate = {
  start({ f, rank, random }) {
    const start = { C: new Float32Array(rank * f), D: new Float32Array(rank * f) };
    fillUniform(start.C, 1 / Math.sqrt(f), random);
    return start;
  },
  carry: (projection, x, weight, parameter) =>
    carry(projection, x, weight, (y) => tf.add(y, rightSide(projection, y, parameter))),
  transform: (theta, parameter) => tf.add(theta, rightSide('gate', theta, parameter)),
};

/** gate and up: Theta first, then the factor on its right; down, which is transposed, the other way about. */
function carry(
  projection: Projection,
  x: tf.Tensor2D,
  weight: tf.Tensor2D,
  side: (y: tf.Tensor2D) => tf.Tensor2D,
): tf.Tensor2D {
  if (projection === 'down') return tf.matMul(side(x), weight, false, true);
  return side(tf.matMul(x, weight, false, true));
}

/** y C^T D, down: y D^T C; [n, f] -> [n, f]. */
function rightSide(projection: Projection, y: tf.Tensor2D, parameter: ParameterOf): tf.Tensor2D {
  const [first, second] = projection === 'down' ? (['D', 'C'] as const) : (['C', 'D'] as const);
  const inner = tf.matMul(y, parameter(first) as tf.Tensor2D, false, true);
  return tf.matMul(inner, parameter(second) as tf.Tensor2D);
}
