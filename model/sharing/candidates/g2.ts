// g2: alpha E F^T Theta + A B, the reference matrix times a low-rank one on the left (paper, equation 5); and our variant
// g2_plus, alpha (I + E F^T) Theta + A B, which can start at Direct Sharing where g2 cannot.
import { tf } from '../../../tensor/tf.ts';
import type { Projection } from '../../architecture/roles.ts';
import type { Candidate, ParameterOf } from './candidate.ts';
import { fillUniform } from './low-rank.ts';
import { singularVectors } from './singular-vectors.ts';

/** E = F = the leading left singular vectors of Theta, so that E F^T Theta is its best approximation of this rank. */
export const g2: Candidate = {
  start({ projection, rank, weight }) {
    const leftVectors = singularVectors(weight(), projection === 'down' ? 'left' : 'right', rank); // [d, r]
    const values = leftVectors.dataSync().slice() as Float32Array;
    leftVectors.dispose();
    return { E: values, F: values };
  },
  carry: (projection, x, weight, parameter) => carry(projection, x, weight, (y) => leftSide(projection, y, parameter)),
  transform: leftOf,
};

/** E random and F zero, so that E F^T = 0. */
export const g2Plus: Candidate = {
  start({ d, rank, random }) {
    const start = { E: new Float32Array(d * rank), F: new Float32Array(d * rank) };
    fillUniform(start.E, 1 / Math.sqrt(d), random);
    return start;
  },
  carry: (projection, x, weight, parameter) =>
    carry(projection, x, weight, (y) => tf.add(y, leftSide(projection, y, parameter))),
  transform: (theta, parameter) => tf.add(theta, leftOf(theta, parameter)),
};

/** gate and up: the factor on the left, then Theta; down, which is transposed, the other way about. */
function carry(
  projection: Projection,
  x: tf.Tensor2D,
  weight: tf.Tensor2D,
  side: (y: tf.Tensor2D) => tf.Tensor2D,
): tf.Tensor2D {
  if (projection === 'down') return side(tf.matMul(x, weight, false, true));
  return tf.matMul(side(x), weight, false, true);
}

/** E F^T theta; [d, f] -> [d, f]. */
function leftOf(theta: tf.Tensor2D, parameter: ParameterOf): tf.Tensor2D {
  return tf.matMul(parameter('E') as tf.Tensor2D, tf.matMul(parameter('F') as tf.Tensor2D, theta, true));
}

/** y E F^T, down: y F E^T; [n, d] -> [n, d]. */
function leftSide(projection: Projection, y: tf.Tensor2D, parameter: ParameterOf): tf.Tensor2D {
  const [first, second] = projection === 'down' ? (['F', 'E'] as const) : (['E', 'F'] as const);
  const inner = tf.matMul(y, parameter(first) as tf.Tensor2D);
  return tf.matMul(inner, parameter(second) as tf.Tensor2D, false, true);
}
