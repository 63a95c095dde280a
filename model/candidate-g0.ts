// g0: alpha * Theta + A B, a scaled reference matrix plus a low-rank one (paper, equation 3).
import { tf } from '../tensor/tf.ts';
import type { Random } from '../util/random.ts';
import type { Candidate, Init } from './candidates.ts';

/**
 * A [d, r], B [r, f], alpha a scalar. alpha multiplies on the side of size d: that is the narrow side of each projection,
 * and its gradient needs no array of size f.
 */
export const g0: Candidate = {
  name: 'g0',
  shapes: (d, f, rank) => ({ alpha: [], A: [d, rank], B: [rank, f] }),
  parameterCount: (d, f, rank) => 1 + rank * (d + f),
  init(projection, shapes, init, random) {
    // the side that the input meets first is A for gate and up, B for down, which is applied transposed
    const [inner, outer] = projection === 'down' ? ['B', 'A'] : ['A', 'B'];
    const width = (projection === 'down' ? shapes.B?.[1] : shapes.A?.[0]) as number;
    const sizes = { inner: size(shapes[inner as string]), outer: size(shapes[outer as string]) };
    const { first, second } = factors(init, sizes, width, random);
    return { alpha: Float32Array.of(1), [inner as string]: first, [outer as string]: second };
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

/** One factor random, the other zero, so that A B = 0 and training starts exactly at Direct Sharing. */
function factors(init: Init, sizes: { inner: number; outer: number }, width: number, random: Random) {
  const bound = 1 / Math.sqrt(width);
  const uniform = () => (2 * random.uniform() - 1) * bound;
  const normal = () => random.normal() * bound;
  const inputSide = Float32Array.from({ length: sizes.inner }, init === 'gaussian' ? normal : uniform);
  if (init !== 'zero_input_side') return { first: inputSide, second: new Float32Array(sizes.outer) };
  return { first: new Float32Array(sizes.inner), second: Float32Array.from({ length: sizes.outer }, uniform) };
}

function size(shape: number[] | undefined): number {
  return (shape ?? []).reduce((a, b) => a * b, 1);
}
