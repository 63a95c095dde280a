// One candidate transformation: what is special to it (methods A.3).
import type { tf } from '../../../tensor/tf.ts';
import type { Random } from '../../../util/random.ts';
import type { Projection } from '../../architecture/roles.ts';

/** What a candidate's own factors start from. */
export interface FactorStart {
  readonly projection: Projection;
  readonly d: number;
  readonly f: number;
  readonly rank: number;
  readonly random: Random;
  /** The reference's matrix, [out, in]; only for inits that read it. */
  weight(): tf.Tensor2D;
}

/** The parameters of one matrix by name. */
export type ParameterOf = (name: string) => tf.Tensor;

/** One candidate: alpha times a transformed Theta plus A B. What is special to it is the transformation; alpha and A B are common. */
export interface Candidate {
  /** Starting values of the candidate's own factors. */
  start(start: FactorStart): Record<string, Float32Array>;
  /**
   * x through the transformed Theta, without alpha and A B. gate and up: x [n, D] -> [n, F]; down: [n, F] -> [n, D];
   * `weight` is the reference's, [out, in].
   */
  carry(projection: Projection, x: tf.Tensor2D, weight: tf.Tensor2D, parameter: ParameterOf): tf.Tensor2D;
  /** The transformed Theta itself, without alpha and A B: `theta` [d, f] -> [d, f], by size as in the paper. */
  transform(theta: tf.Tensor2D, parameter: ParameterOf): tf.Tensor2D;
}
