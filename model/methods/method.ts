// A method: what stands at one matrix of a layer, and the parameters that this takes. `candidate` in specs and files.
//
// Sizes follow the paper's by-size convention: d is the side of a matrix at the residual stream, f the other one. The matrices that write
// into the stream (`down`, `o`) are stored as [d, f] and applied transposed; the others are stored as [f, d].
import type { Random } from '../../util/random.ts';
import type { MatrixRole } from '../architecture/roles.ts';
import type { Operators, Product } from '../operators/operators.ts';

/** How parameters start; `default` is each method's own default, the first of its list. */
export const inits = ['default', 'uniform', 'zero_input_side', 'gaussian', 'random', 'svd'] as const;
export type Init = (typeof inits)[number];
export type NamedInit = Exclude<Init, 'default'>;

export interface MatrixSize {
  readonly d: number;
  readonly f: number;
  readonly rank: number;
}

/** What the parameters of one matrix start from. */
export interface MatrixStart extends MatrixSize {
  readonly init: NamedInit;
  readonly isTransposed: boolean;
  readonly random: Random;
  /** The leading singular vectors of Theta [d, f], the largest first: left [d, r], right [r, f]; only inits called `svd` ask. */
  leading(side: 'left' | 'right'): Float32Array;
}

/** What the mathematics of a method is written in. */
export type MatrixOperators<V> = Pick<
  Operators<V>,
  'add' | 'mul' | 'matmul' | 'addDiagonal' | 'identity' | 'wide' | 'narrow'
>;

/** The parameters of one matrix of one layer, by name. */
export interface MatrixParameters<V> {
  get(name: string): V;
  /** x times the scalar `name`; an engine may leave out what multiplies by one. */
  scaled(x: V, name: string): V;
}

/** A matrix at work. */
export interface MatrixAt<V> {
  readonly operators: MatrixOperators<V>;
  /** True for `down` and `o`, to which x comes with f columns. */
  readonly isTransposed: boolean;
  readonly product: Product<V>;
  readonly parameters: MatrixParameters<V>;
}

/** Multiply-adds beside those of the stored matrix (below 0 where it is not multiplied with): for each row of x, and once in each pass. */
export interface MatrixCost {
  readonly row: number;
  readonly pass: number;
}

export interface Method {
  readonly name: string;
  /** What it makes of the reference's matrix Theta. */
  readonly formula: string;
  /** Where it comes from: paper and equation. */
  readonly reference: string;
  /** The matrices that it may stand at. */
  readonly roles: readonly MatrixRole[];
  readonly inits: readonly [NamedInit, ...NamedInit[]];
  /** True where the parameters are the whole matrix: Theta is neither read nor stored. */
  readonly standsAlone?: true;
  /**
   * Names of the parameters that all targets of one reference have in common: one tensor for the group, trained by all of them. The
   * others are each target's own.
   */
  grouped?(role: MatrixRole): readonly string[];
  /** The parameters of one matrix with their shapes, in the order of files. */
  shapes(size: MatrixSize): Record<string, number[]>;
  start(start: MatrixStart): Record<string, Float32Array>;
  /** x [n, in] -> [n, out]. */
  apply<V>(matrix: MatrixAt<V>, x: V): V;
  /** The whole matrix as one, by size: `theta` [d, f] -> [d, f]. */
  whole<V>(operators: MatrixOperators<V>, theta: V, parameters: MatrixParameters<V>): V;
  cost(size: MatrixSize): MatrixCost;
}
