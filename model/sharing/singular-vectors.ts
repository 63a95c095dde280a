// The leading singular vectors of a large matrix: a randomized subspace iteration (Halko, Martinsson and Tropp, SIAM Review 53,
// 2011, algorithms 4.4 and 5.1). Products with the matrix run on the backend, eigenproblems of a few hundred rows here.
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { exactMatMul } from '../../tensor/ops.ts';
import { tf } from '../../tensor/tf.ts';
import { UserError } from '../../util/errors.ts';
import { createRandom } from '../../util/random.ts';

/** Products with the matrix and its transpose between two bases; errors shrink by the ratio of singular values with each. */
const iterations = 6;
/** Columns beyond the wanted ones, which take up what does not converge: an eighth of them, at least this many. */
const fewestExtra = 16;
/** Eigenvalues of a Gram matrix below this share of the largest are float32 noise. */
const noise = 1e-6;

/**
 * The `rank` leading singular vectors of `matrix` [m, n], largest singular value first: left ones [m, rank], right ones
 * [n, rank]; the caller frees them. The same matrix gives the same vectors: the random start is fixed. A UserError when the
 * matrix has fewer; columns are zero beyond the matrix's own rank.
 */
export function singularVectors(matrix: tf.Tensor2D, side: 'left' | 'right', rank: number): tf.Tensor2D {
  const [m, n] = side === 'left' ? matrix.shape : [matrix.shape[1], matrix.shape[0]];
  const most = Math.min(m, n);
  if (rank > most) {
    throw new UserError(`init 'svd' needs a rank of at most ${most} for matrices of ${m} x ${n}, got rank ${rank}`);
  }
  const width = Math.min(most, rank + Math.max(fewestExtra, rank >> 3));
  const isRight = side === 'right';
  const times = (y: tf.Tensor2D) => exactMatMul(matrix, y, { transposeA: isRight }) as tf.Tensor2D;
  const timesTransposed = (y: tf.Tensor2D) => exactMatMul(matrix, y, { transposeA: !isRight }) as tf.Tensor2D;
  let basis = step(randomMatrix(n, width), (start) => orthonormal(times(start)));
  for (let i = 0; i < iterations; i++) {
    basis = step(basis, (q) => orthonormal(timesTransposed(q)));
    basis = step(basis, (q) => orthonormal(times(q)));
  }
  return step(basis, (q) => exactMatMul(q, leadingVectors(timesTransposed(q), rank)) as tf.Tensor2D);
}

/** `next` of `from`, which is freed with everything that it takes. */
function step(from: tf.Tensor2D, next: (from: tf.Tensor2D) => tf.Tensor2D): tf.Tensor2D {
  const result = tf.tidy(() => next(from));
  from.dispose();
  return result;
}

/** An orthonormal basis of the columns of `y` [m, k]: twice y V / sqrt(lambda), of y^T y = V lambda V^T; noise becomes 0. */
function orthonormal(y: tf.Tensor2D): tf.Tensor2D {
  const once = (columns: tf.Tensor2D) => exactMatMul(columns, whitening(eigenOfGram(columns))) as tf.Tensor2D;
  return once(once(y));
}

function whitening({ values, vectors }: Eigen): tf.Tensor2D {
  const least = noise * (values[0] as number);
  return tensorOf(vectors, (value, j) => {
    const lambda = values[j] as number;
    return lambda > least ? value / Math.sqrt(lambda) : 0;
  });
}

/** With `b` = A^T q [n, k]: the eigenvectors [k, rank] of b^T b, which turn q into the leading left singular vectors of A. */
function leadingVectors(b: tf.Tensor2D, rank: number): tf.Tensor2D {
  const { vectors } = eigenOfGram(b);
  return tensorOf(vectors.subMatrix(0, vectors.rows - 1, 0, rank - 1), (value) => value);
}

interface Eigen {
  /** Largest first. */
  readonly values: number[];
  readonly vectors: Matrix;
}

/** The eigenvalues and eigenvectors of y^T y [k, k]. */
function eigenOfGram(y: tf.Tensor2D): Eigen {
  const gram = exactMatMul(y, y, { transposeA: true });
  const size = gram.shape[0];
  const flat = gram.dataSync();
  const symmetric = new Matrix(Array.from({ length: size }, (_, i) => flat.subarray(i * size, (i + 1) * size)));
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(symmetric, { assumeSymmetric: true });
  const order = realEigenvalues
    .map((_, i) => i)
    .sort((i, j) => (realEigenvalues[j] as number) - (realEigenvalues[i] as number));
  return {
    values: order.map((i) => realEigenvalues[i] as number),
    vectors: eigenvectorMatrix.subMatrixColumn(order),
  };
}

function tensorOf(matrix: Matrix, value: (value: number, column: number) => number): tf.Tensor2D {
  const { rows, columns } = matrix;
  const values = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) values[i * columns + j] = value(matrix.get(i, j), j);
  }
  return tf.tensor2d(values, [rows, columns]);
}

function randomMatrix(rows: number, columns: number): tf.Tensor2D {
  const random = createRandom('singular vectors');
  return tf.tensor2d(
    Float32Array.from({ length: rows * columns }, () => random.normal()),
    [rows, columns],
  );
}
