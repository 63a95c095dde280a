// The mathematics that a model and its methods are written in, for whatever computes them: TensorFlow.js now, an ONNX graph later.
//
// N rows of activations, D hidden, E experts of G channels; matrices of a model are [out, in].
import type { ExpertMatrices } from '../../tensor/experts.ts';

/** Operations on values `V` of one engine; a value is a matrix [rows, columns] unless it is said otherwise. */
export interface Operators<V> {
  /** a + b; a vector b [columns] is added to every row. */
  add(a: V, b: V): V;
  /** a * b element by element, of one shape. */
  mul(a: V, b: V): V;
  /** x times the number `by`, a value of shape []. */
  scale(x: V, by: V): V;
  /** a b, either of them transposed first. */
  matmul(a: V, b: V, transpose?: { readonly a?: boolean; readonly b?: boolean }): V;
  transpose(x: V): V;
  /** sum [n, out] and x [n, in] through the matrix [in, out] that has `diagonal` [min(in, out)] on its main diagonal and 0 elsewhere. */
  addDiagonal(sum: V, x: V, diagonal: V): V;
  /** The identity matrix of as many rows as x has. */
  identity(x: V): V;
  /** x / sqrt(mean(x^2) + eps) * weight over the last dimension, of any shape (arXiv 1910.07467). */
  rmsNorm(x: V, weight: V, eps: number): V;
  /** silu(gate) * up (arXiv 2002.05202). */
  swiglu(gate: V, up: V): V;
  /** 1 at the `active` largest of each row of `scores` [N, E], 0 elsewhere; of equal ones the first; without a slope. */
  chosenExperts(scores: V, active: number): V;
  /** hidden [N, E G]: the channels of each of E experts times its factor in `factors` [N, E]. */
  spreadFactors(hidden: V, factors: V): V;
  /** The sum over the chosen experts of down(silu(gate x) * up x): x [N, D] -> [N, D]; without a gradient. */
  throughExperts(x: V, chosen: V, experts: readonly ExpertMatrices<V>[]): V;
  /** x in float32, and back in what the engine computes in: for products whose rounding would show. */
  wide(x: V): V;
  narrow(x: V): V;
}

/** A stored matrix W [out, in] at work. */
export interface Product<V> {
  /** What the product sees of x [N, in]; x itself where activations are not rounded. */
  input(x: V): V;
  /** x [N, in] times W^T -> [N, out]; x as `input` gave it. */
  times(x: V): V;
  /** W itself [out, in], in the type that the engine computes in. */
  whole(): V;
}
