// g0: alpha * Theta + A B, a scaled reference matrix plus a low-rank one (paper, equation 3).
import { tf } from '../tensor/tf.ts';
import type { Random } from '../util/random.ts';
import type { Candidate } from './candidates.ts';

/**
 * A [d, r], B [r, f], alpha a scalar. alpha multiplies on the side of size d: that is the narrow side of each projection,
 * and its gradient needs no array of size f.
 */
export const g0: Candidate = {
  name: 'g0',
  shapes: (d, f, rank) => ({ alpha: [], A: [d, rank], B: [rank, f] }),
  parameterCount: (d, f, rank) => 1 + rank * (d + f),
  init(projection, shapes, init, random) {
    // the factor that meets the input first is A for gate and up, B for down, which is applied transposed
    const [inner, outer] = projection === 'down' ? (['B', 'A'] as const) : (['A', 'B'] as const);
    const [d = 0, rank = 0] = shapes.A ?? [];
    const f = shapes.B?.[1] ?? 0;
    const zeros = { alpha: Float32Array.of(1), A: new Float32Array(d * rank), B: new Float32Array(rank * f) };
    if (init === 'zero_input_side') fillUniform(zeros[outer], 1 / Math.sqrt(rank), random);
    else if (init === 'gaussian') fillNormal(zeros[inner], 1 / Math.sqrt(inner === 'A' ? d : f), random);
    else fillUniform(zeros[inner], 1 / Math.sqrt(inner === 'A' ? d : f), random);
    return zeros;
  },
  apply(projection, x, weight, parameter) {
    const [alpha, a, b] = [parameter('alpha'), parameter('A') as tf.Tensor2D, parameter('B') as tf.Tensor2D];
    if (projection === 'down') {
      const shared = tf.mul<tf.Tensor2D>(tf.matMul(x, weight, false, true), alpha);
      return tf.add(shared, tf.matMul(tf.matMul(x, b, false, true), a, false, true));
    }
    const shared = tf.matMul(tf.mul<tf.Tensor2D>(x, alpha), weight, false, true);
    return tf.add(shared, tf.matMul(tf.matMul(x, a), b));
  },
};

// One factor is random and the other zero, so that A B = 0 and training starts exactly at Direct Sharing.

function fillUniform(values: Float32Array, bound: number, random: Random): void {
  for (let i = 0; i < values.length; i++) values[i] = (2 * random.uniform() - 1) * bound;
}

function fillNormal(values: Float32Array, deviation: number, random: Random): void {
  for (let i = 0; i < values.length; i++) values[i] = random.normal() * deviation;
}
