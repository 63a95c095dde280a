// The low-rank matrix A B [d, f] beside a stored one, as in LoRA: its start, and x through it.
import type { Random } from '../../util/random.ts';
import type { MatrixAt, MatrixSize, MatrixStart } from './method.ts';

/** Shapes of A and B. */
export function lowRankShapes({ d, f, rank }: MatrixSize): { A: number[]; B: number[] } {
  return { A: [d, rank], B: [rank, f] };
}

/** x through A B, or through its transpose where the matrix is applied transposed: x [n, in] -> [n, out]. */
export function throughLowRank<V>({ operators, isTransposed, parameters }: Omit<MatrixAt<V>, 'product'>, x: V): V {
  const [a, b] = isTransposed ? (['B', 'A'] as const) : (['A', 'B'] as const);
  const inner = operators.matmul(x, parameters.get(a), { b: isTransposed });
  return operators.matmul(inner, parameters.get(b), { b: isTransposed });
}

/**
 * The start of A and B: one factor random and the other zero, so that A B = 0. The random one meets the input first, as in PEFT.
 * `random` fills both, as training leaves them: no start, but the size and the speed of trained parameters.
 */
export function startLowRank({ d, f, rank, init, isTransposed, random }: MatrixStart): {
  A: Float32Array;
  B: Float32Array;
} {
  const [inner, outer] = isTransposed ? (['B', 'A'] as const) : (['A', 'B'] as const);
  const width = isTransposed ? f : d;
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
