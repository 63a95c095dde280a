// One basis for the matrices of several layers, weighed by their inputs (Basis Sharing, arXiv 2410.03765, section 3.2). float64.
import { CholeskyDecomposition, EigenvalueDecomposition, Matrix } from 'ml-matrix';

/** Added to a matrix of second moments that is not positive definite, beside its least eigenvalue; the release's number. */
const least = 7e-6;

/** W_l^T = basis coefficients_l: basis [in, k], coefficients [k, out] of each layer, row-major. */
export interface SharedBasis {
  readonly basis: Float32Array;
  readonly coefficients: readonly Float32Array[];
}

/**
 * The basis of `size` vectors for matrices `weights` [out, in] of one shape, with which the outputs on inputs of second moments `moments`
 * [in, in] differ least: S = chol(moments)^T, S [W_1^T ... W_g^T] = U Sigma V^T, basis S^-1 U_k Sigma_k, coefficients V_k^T.
 */
export function sharedBasis(weights: readonly Float32Array[], moments: Float64Array, size: number): SharedBasis {
  const width = Math.sqrt(moments.length);
  const output = (weights[0] as Float32Array).length / width;
  const lower = choleskyOf(moments, width);
  const joined = transposedSideBySide(weights, width, output);
  const scaled = lower.transpose().mmul(joined); // [in, g out]
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(scaled.mmul(scaled.transpose()), {
    assumeSymmetric: true,
  });
  const order = realEigenvalues
    .map((_, i) => i)
    .sort((a, b) => (realEigenvalues[b] as number) - (realEigenvalues[a] as number))
    .slice(0, size);
  const values = order.map((i) => Math.sqrt(Math.max(0, realEigenvalues[i] as number)));
  const vectors = eigenvectorMatrix.subMatrixColumn(order); // U_k [in, k]
  const rows = vectors.transpose().mmul(scaled); // Sigma V^T [k, g out]
  const basis = backSubstituted(lower, vectors, values);
  const coefficients = weights.map((_, layer) => {
    return fill(size, output, (k, j) => {
      const sigma = values[k] as number;
      return sigma > 0 ? rows.get(k, layer * output + j) / sigma : 0;
    });
  });
  return { basis: fill(width, size, (i, k) => basis.get(i, k)), coefficients };
}

function fill(rows: number, columns: number, value: (row: number, column: number) => number): Float32Array {
  return Float32Array.from({ length: rows * columns }, (_, i) => value(Math.floor(i / columns), i % columns));
}

/** L of M = L L^T; where M is not positive definite, of M with its diagonal raised. */
function choleskyOf(moments: Float64Array, width: number): Matrix {
  const rows = Array.from({ length: width }, (_, i) => moments.subarray(i * width, (i + 1) * width));
  const matrix = new Matrix(rows);
  const symmetric = Matrix.add(matrix, matrix.transpose()).mul(0.5);
  const decomposed = new CholeskyDecomposition(symmetric);
  if (decomposed.isPositiveDefinite()) return decomposed.lowerTriangularMatrix;
  const { realEigenvalues } = new EigenvalueDecomposition(symmetric, { assumeSymmetric: true });
  const lift = least - Math.min(...realEigenvalues);
  for (let i = 0; i < width; i++) symmetric.set(i, i, symmetric.get(i, i) + lift);
  return new CholeskyDecomposition(symmetric).lowerTriangularMatrix;
}

/** [W_1^T ... W_g^T]: [in, g out]. */
function transposedSideBySide(weights: readonly Float32Array[], width: number, output: number): Matrix {
  const joined = Matrix.zeros(width, weights.length * output);
  for (const [layer, values] of weights.entries()) {
    for (let o = 0; o < output; o++) {
      for (let i = 0; i < width; i++) joined.set(i, layer * output + o, values[o * width + i] as number);
    }
  }
  return joined;
}

/** S^-1 U Sigma with S = L^T, by back substitution. */
function backSubstituted(lower: Matrix, vectors: Matrix, values: readonly number[]): Matrix {
  const [width, size] = [vectors.rows, vectors.columns];
  const solved = Matrix.zeros(width, size);
  for (let k = 0; k < size; k++) {
    for (let i = width - 1; i >= 0; i--) {
      let rest = vectors.get(i, k) * (values[k] as number);
      for (let j = i + 1; j < width; j++) rest -= lower.get(j, i) * solved.get(j, k);
      solved.set(i, k, rest / lower.get(i, i));
    }
  }
  return solved;
}
