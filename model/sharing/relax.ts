// Relaxation: the low-rank term that brings a matrix nearest to another (relaxed recursive transformers, arXiv 2410.20672, section 3.2).
import { tf } from '../../tensor/tf.ts';
import type { Random } from '../../util/random.ts';
import { transposed } from '../../util/transposed.ts';
import { type MatrixRole, writesHidden } from '../architecture/roles.ts';
import { singularVectors } from './singular-vectors.ts';

/** A [d, r] and B [r, f] of method `lora`. */
export interface LowRank {
  readonly A: Float32Array;
  readonly B: Float32Array;
}

/**
 * The best A B of rank `rank` for `difference` [out, in] = U S V^T: V_r where the input comes in, U_r S_r where the output goes out.
 * Where the difference has no more rank, the first factor's columns are random and the second's zero, as LoRA starts: nothing
 * is added, and there is a gradient. `rank` is at most the smaller side.
 */
export function nearestLowRank(difference: tf.Tensor2D, role: MatrixRole, rank: number, random: Random): LowRank {
  const width = difference.shape[1];
  const right = singularVectors(difference, 'right', rank);
  const left = tf.tidy(() => tf.matMul<tf.Tensor2D>(difference, right));
  const [inner, outer] = [right.dataSync().slice(), left.dataSync().slice()] as [Float32Array, Float32Array];
  tf.dispose([right, left]);
  fillSpent(inner, outer, rank, 1 / Math.sqrt(width), random);
  const turned = (values: Float32Array) => transposed(values, rank);
  return writesHidden(role) ? { A: outer, B: turned(inner) } : { A: inner, B: turned(outer) };
}

/** A B and c [min(d, f)] of method `delta`. */
export interface Delta extends LowRank {
  readonly c: Float32Array;
}

/** How often the diagonal and the low-rank matrix are made of what the other one leaves. */
const deltaRounds = 4;

/**
 * A B of rank `rank` and a diagonal c near to `difference` [out, in]: the low-rank matrix is the best for what the diagonal leaves, the diagonal what the
 * low-rank matrix leaves of the main diagonal, in turns. No round makes it worse; the first starts with the best A B alone.
 */
export function nearestDelta(difference: tf.Tensor2D, role: MatrixRole, rank: number, random: Random): Delta {
  const values = difference.dataSync() as Float32Array;
  const [out, width] = difference.shape;
  const count = Math.min(out, width);
  let c = new Float32Array(count);
  let found = nearestLowRank(difference, role, rank, random);
  for (let round = 1; round <= deltaRounds; round++) {
    if (round > 1)
      found = nearestBeside(values, difference.shape, c, (rest) => nearestLowRank(rest, role, rank, random));
    const low = diagonalOf(found, rank, count);
    c = Float32Array.from({ length: count }, (_, i) => (values[i * width + i] as number) - (low[i] as number));
  }
  return { ...found, c };
}

/** What `find` makes of the matrix without the diagonal `c`. */
function nearestBeside(
  values: Float32Array,
  shape: [number, number],
  c: Float32Array,
  find: (rest: tf.Tensor2D) => LowRank,
): LowRank {
  const rest = values.slice();
  for (const [i, value] of c.entries()) rest[i * shape[1] + i] = (rest[i * shape[1] + i] as number) - value;
  const tensor = tf.tensor2d(rest, shape);
  const found = find(tensor);
  tensor.dispose();
  return found;
}

/** The main diagonal of A B, which is that of its transpose too. */
function diagonalOf({ A, B }: LowRank, rank: number, count: number): Float64Array {
  const width = B.length / rank;
  return Float64Array.from({ length: count }, (_, i) => {
    let sum = 0;
    for (let r = 0; r < rank; r++) sum += (A[i * rank + r] as number) * (B[r * width + i] as number);
    return sum;
  });
}

/** Columns of `inner` [in, r] that are no singular vectors become random, those of `outer` [out, r] zero. */
function fillSpent(inner: Float32Array, outer: Float32Array, rank: number, bound: number, random: Random): void {
  const rows = (values: Float32Array, column: number) =>
    Array.from({ length: values.length / rank }, (_, row) => row * rank + column);
  for (let column = 0; column < rank; column++) {
    const places = rows(inner, column);
    const norm = places.reduce((sum, at) => sum + (inner[at] as number) ** 2, 0);
    if (norm > 0.5) continue;
    for (const at of places) inner[at] = (2 * random.uniform() - 1) * bound;
    for (const at of rows(outer, column)) outer[at] = 0;
  }
}
