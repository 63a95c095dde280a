// Candidate transformations at work: how a reference's matrix is turned into a target's (methods A.3, paper equations 3 to 6).
import { tf } from '../../../tensor/tf.ts';
import type { Projection } from '../../architecture/roles.ts';
import type { Candidate, FactorStart, ParameterOf } from './candidate.ts';
import { checkCandidate, type NamedInit } from './forms.ts';
import { g0 } from './g0.ts';
import { g1, g1Plus } from './g1.ts';
import { g2, g2Plus } from './g2.ts';
import { g3 } from './g3.ts';
import { startLowRank, throughLowRank } from './low-rank.ts';

const candidates: Readonly<Record<string, Candidate>> = { g0, g1, g2, g3, g1_plus: g1Plus, g2_plus: g2Plus };

/** Starting values of all parameters of one matrix. */
export function startMatrix(candidate: string, init: NamedInit, start: FactorStart): Record<string, Float32Array> {
  const { projection, d, f, rank, random } = start;
  const lowRank = startLowRank(projection, [d, f, rank], init, random);
  return { alpha: Float32Array.of(1), ...lowRank, ...candidateNamed(candidate).start(start) };
}

/**
 * One projection of a target: x [n, in] -> [n, out]; `shared` is what the reference's product sees of x. alpha multiplies on
 * the side of size d, the narrow one: its gradient then needs no array of size f.
 */
export function applyMatrix(
  candidate: string,
  projection: Projection,
  x: tf.Tensor2D,
  weight: tf.Tensor2D,
  parameter: ParameterOf,
  shared = x,
): tf.Tensor2D {
  const alpha = parameter('alpha');
  const { carry } = candidateNamed(candidate);
  const carried =
    projection === 'down'
      ? tf.mul<tf.Tensor2D>(carry(projection, shared, weight, parameter), alpha)
      : carry(projection, tf.mul<tf.Tensor2D>(shared, alpha), weight, parameter);
  const [a, b] = [parameter('A') as tf.Tensor2D, parameter('B') as tf.Tensor2D];
  return tf.add(carried, throughLowRank(projection, x, a, b));
}

/** The target's whole matrix alpha T(Theta) + A B as one, [out, in] like the reference's `weight`; the caller frees it. */
export function expandMatrix(
  candidate: string,
  projection: Projection,
  weight: tf.Tensor2D,
  parameter: ParameterOf,
): tf.Tensor2D {
  return tf.tidy(() => {
    const bySize = (matrix: tf.Tensor2D) => (projection === 'down' ? matrix : tf.transpose(matrix));
    const transformed = candidateNamed(candidate).transform(bySize(weight), parameter);
    const lowRank = tf.matMul(parameter('A') as tf.Tensor2D, parameter('B') as tf.Tensor2D);
    return bySize(tf.add(tf.mul<tf.Tensor2D>(transformed, parameter('alpha')), lowRank));
  });
}

function candidateNamed(name: string): Candidate {
  checkCandidate(name);
  return candidates[name] as Candidate;
}
