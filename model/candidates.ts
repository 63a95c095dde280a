// Candidate transformations by name: how a reference's matrix is turned into a target's.
import type { tf } from '../tensor/tf.ts';
import { UserError } from '../util/errors.ts';
import type { Random } from '../util/random.ts';
import { g0 } from './candidate-g0.ts';
import type { Projection } from './names.ts';

/** How recovery parameters start: `default` is uniform on the input side and zero on the other (PEFT's LoRA). */
export const inits = ['default', 'zero_input_side', 'gaussian'] as const;
export type Init = (typeof inits)[number];

/**
 * One candidate transformation g. Sizes follow the paper's by-size convention: d = D, f = F for all three projections,
 * so the matrix of `down` is taken as it is stored, [D, F], and applied transposed.
 */
export interface Candidate {
  readonly name: string;
  /** Shapes of the parameters of one matrix. */
  shapes(d: number, f: number, rank: number): Record<string, number[]>;
  /** Parameters of one matrix. */
  parameterCount(d: number, f: number, rank: number): number;
  /** Starting values of the parameters of one matrix. */
  init(
    projection: Projection,
    shapes: Record<string, number[]>,
    init: Init,
    random: Random,
  ): Record<string, Float32Array>;
  /** gate and up: x [N, D] -> [N, F]; down: [N, F] -> [N, D]; `weight` is the reference's, [out, in]. */
  apply(
    projection: Projection,
    x: tf.Tensor2D,
    weight: tf.Tensor2D,
    parameter: (name: string) => tf.Tensor,
  ): tf.Tensor2D;
}

const candidates: readonly Candidate[] = [g0];

/** Names of the candidates that can be used. */
export const candidateNames: readonly string[] = candidates.map(({ name }) => name);

/** The candidate called `name`; a UserError when there is none. */
export function candidateNamed(name: string): Candidate {
  const found = candidates.find((candidate) => candidate.name === name);
  if (!found)
    throw new UserError(
      `candidate '${name}' is not available, expected ${candidateNames.map((n) => `'${n}'`).join(' or ')}`,
    );
  return found;
}
