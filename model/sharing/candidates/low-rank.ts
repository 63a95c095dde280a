// The part that all candidates have: a low-rank matrix A B beside the transformed reference, as in LoRA.
import { tf } from '../../../tensor/tf.ts';
import type { Random } from '../../../util/random.ts';
import type { Projection } from '../../architecture/roles.ts';
import type { NamedInit } from './forms.ts';

/** x through A [d, r] and B [r, f], or through their transpose for down: x [n, d] -> [n, f], down [n, f] -> [n, d]. */
export function throughLowRank(projection: Projection, x: tf.Tensor2D, a: tf.Tensor2D, b: tf.Tensor2D): tf.Tensor2D {
  if (projection === 'down') return tf.matMul(tf.matMul(x, b, false, true), a, false, true);
  return tf.matMul(tf.matMul(x, a), b);
}

/**
 * The start of A and B: one factor random and the other zero, so that A B = 0. The random one meets the input first, as in PEFT.
 * `random` fills both, as training leaves them: no start, but the size and the speed of trained parameters.
 */
export function startLowRank(
  projection: Projection,
  [d, f, rank]: readonly [d: number, f: number, rank: number],
  init: NamedInit,
  random: Random,
): { A: Float32Array; B: Float32Array } {
  // down is applied transposed: there B meets the input
  const [inner, outer] = projection === 'down' ? (['B', 'A'] as const) : (['A', 'B'] as const);
  const width = inner === 'A' ? d : f;
  const start = { A: new Float32Array(d * rank), B: new Float32Array(rank * f) };
  if (init === 'zero_input_side') fillUniform(start[outer], 1 / Math.sqrt(rank), random);
  else if (init === 'gaussian') fillNormal(start[inner], 1 / Math.sqrt(width), random);
  else fillUniform(start[inner], 1 / Math.sqrt(width), random);
  if (init === 'random') fillUniform(start[outer], 1 / Math.sqrt(width), random);
  return start;
}

/** Fills `values` with uniform numbers in [-bound, bound). */
export function fillUniform(values: Float32Array, bound: number, random: Random): void {
  for (let i = 0; i < values.length; i++) values[i] = (2 * random.uniform() - 1) * bound;
}

function fillNormal(values: Float32Array, deviation: number, random: Random): void {
  for (let i = 0; i < values.length; i++) values[i] = random.normal() * deviation;
}
