// Relaxation: the low-rank term that brings a matrix nearest to another (relaxed recursive transformers, arXiv 2410.20672, section 3.2).
import { tf } from '../../tensor/tf.ts';
import type { Random } from '../../util/random.ts';
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
  const transposed = (values: Float32Array) => transpose(values, rank);
  return writesHidden(role) ? { A: outer, B: transposed(inner) } : { A: inner, B: transposed(outer) };
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

/** [n, columns] -> [columns, n]. */
function transpose(values: Float32Array, columns: number): Float32Array {
  const rows = values.length / columns;
  const result = new Float32Array(values.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) result[j * rows + i] = values[i * columns + j] as number;
  }
  return result;
}
