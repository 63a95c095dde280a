// Candidate transformations by their sizes: names, shapes, counts, starts. Planning reads this: no numeric library here.
import { UserError } from '../../../util/errors.ts';

/** How recovery parameters start; `default` is each candidate's own default, the first of its list. */
export const inits = ['default', 'uniform', 'zero_input_side', 'gaussian', 'random', 'svd'] as const;
export type Init = (typeof inits)[number];
export type NamedInit = Exclude<Init, 'default'>;

/**
 * The form of a candidate. Sizes follow the paper's by-size convention: d = D, f = F for all three projections, so the matrix of
 * `down` is taken as it is stored, [D, F], and applied transposed.
 */
interface CandidateForm {
  readonly inits: readonly [NamedInit, ...NamedInit[]];
  /** Shapes of the factors of one matrix, beside alpha, A and B. */
  factors(d: number, f: number, rank: number): Record<string, number[]>;
}

const ofLowRank = ['uniform', 'zero_input_side', 'gaussian', 'random'] as const;
const right = (_d: number, f: number, rank: number) => ({ C: [rank, f], D: [rank, f] });
const left = (d: number, _f: number, rank: number) => ({ E: [d, rank], F: [d, rank] });

const forms: Readonly<Record<string, CandidateForm>> = {
  g0: { inits: ofLowRank, factors: () => ({}) },
  g1: { inits: ['svd'], factors: right },
  g2: { inits: ['svd'], factors: left },
  g3: { inits: ofLowRank, factors: (d, f, rank) => ({ U: [d, rank], V: [rank, f] }) },
  g1_plus: { inits: ofLowRank, factors: right },
  g2_plus: { inits: ofLowRank, factors: left },
};

/** Names of the candidates, as the paper's equations 3 to 6 number them, and our variants. */
export const candidateNames: readonly string[] = Object.keys(forms);

/** Shapes of the parameters of one matrix: alpha, A [d, r], B [r, f] and the candidate's own factors. */
export function matrixShapes(candidate: string, d: number, f: number, rank: number): Record<string, number[]> {
  return { alpha: [], A: [d, rank], B: [rank, f], ...formOf(candidate).factors(d, f, rank) };
}

/** Parameters of one matrix; rank 0 has none. */
export function matrixParameters(candidate: string, d: number, f: number, rank: number): number {
  return rank === 0 ? 0 : count(matrixShapes(candidate, d, f, rank));
}

/** The rank at which `candidate` has as many parameters as g0 at `rank0`, to the nearest (methods A.3, Table 5); at least 1. */
export function matchedRank(candidate: string, rank0: number, d: number, f: number): number {
  const perRank = (name: string) => count(matrixShapes(name, d, f, 1)) - count(matrixShapes(name, d, f, 0));
  return rank0 === 0 ? 0 : Math.max(1, Math.round((rank0 * perRank('g0')) / perRank(candidate)));
}

/** The start that `init` means for `candidate`; a UserError when it does not have it. */
export function initOf(candidate: string, init: Init): NamedInit {
  const { inits: available } = formOf(candidate);
  if (init === 'default') return available[0];
  if (available.includes(init)) return init;
  throw new UserError(
    `candidate '${candidate}' has no init '${init}', expected ${['default', ...available].map((name) => `'${name}'`).join(' or ')}`,
  );
}

/** Throws a UserError unless there is a candidate called `name`. */
export function checkCandidate(name: string): void {
  formOf(name);
}

function formOf(name: string): CandidateForm {
  const form = Object.hasOwn(forms, name) ? forms[name] : undefined;
  if (form) return form;
  const expected = candidateNames.map((known) => `'${known}'`).join(' or ');
  throw new UserError(`candidate '${name}' is not available, expected ${expected}`);
}

function count(shapes: Record<string, number[]>): number {
  return Object.values(shapes).reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0);
}
