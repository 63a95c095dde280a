// The factor of an inverse that GPTQ reads: upper triangular U with U^T U = H^-1, without forming the inverse.
import { UserError } from '../../util/errors.ts';

/**
 * U for the symmetric positive definite `h` [n, n], which is overwritten; only the upper triangle of the result counts. H = R R^T with
 * R upper triangular, filled from the last column; then U = R^-1. `name` is for messages.
 */
export function inverseFactor(h: Float64Array, n: number, name: string): Float64Array {
  for (let j = n - 1; j >= 0; j--) {
    const rowJ = j * n;
    const pivot = (h[rowJ + j] as number) - dot(h, rowJ, rowJ, j + 1, n);
    if (!(pivot > 0) || pivot === Number.POSITIVE_INFINITY) {
      throw new UserError(
        `the second moments of the inputs of '${name}' are not positive definite: raise 'damping', or look for NaN in the model`,
      );
    }
    const root = Math.sqrt(pivot);
    h[rowJ + j] = root;
    for (let i = 0; i < j; i++) h[i * n + j] = ((h[i * n + j] as number) - dot(h, i * n, rowJ, j + 1, n)) / root;
  }
  return invertUpper(h, n);
}

function dot(h: Float64Array, a: number, b: number, start: number, end: number): number {
  let sum = 0;
  for (let k = start; k < end; k++) sum += (h[a + k] as number) * (h[b + k] as number);
  return sum;
}

/** The inverse of an upper triangular matrix in its place, from the last row up. */
function invertUpper(r: Float64Array, n: number): Float64Array {
  const row = new Float64Array(n);
  for (let i = n - 1; i >= 0; i--) {
    const at = i * n;
    const inverse = 1 / (r[at + i] as number);
    row.set(r.subarray(at, at + n));
    r.fill(0, at + i + 1, at + n);
    for (let k = i + 1; k < n; k++) {
      const factor = (row[k] as number) * inverse;
      for (let j = k; j < n; j++) r[at + j] = (r[at + j] as number) - factor * (r[k * n + j] as number);
    }
    r[at + i] = inverse;
  }
  return r;
}
