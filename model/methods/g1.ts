// g1: alpha Theta C^T D + A B, the reference matrix times a low-rank one on the right; and our variant g1_plus,
// alpha Theta (I + C^T D) + A B, which can start at Direct Sharing where g1 cannot.
import { fillUniform } from './low-rank.ts';
import type { MatrixAt, MatrixOperators, MatrixParameters, MatrixSize } from './method.ts';
import { transformed } from './transformed.ts';

const reference = 'SHARP (arXiv 2502.07832), equation 4';
const factors = ({ f, rank }: MatrixSize) => ({ C: [rank, f], D: [rank, f] });

/** C = D = the leading right singular vectors of Theta, so that Theta C^T D is its best approximation of this rank. */
export const g1 = transformed({
  name: 'g1',
  formula: 'alpha Theta C^T D + A B',
  reference,
  inits: ['svd'],
  factors,
  start({ leading }) {
    const vectors = leading('right');
    return { C: vectors, D: vectors };
  },
  carry: (matrix, x) => onRight(matrix, x, (y) => rightSide(matrix, y, matrix.isTransposed)),
  transform: (operators, theta, parameters) => rightSide({ operators, parameters }, theta, false),
});

/** C random and D zero, so that C^T D = 0. */
export const g1Plus = transformed({
  name: 'g1_plus',
  formula: 'alpha Theta (I + C^T D) + A B',
  reference: `${reference}, with the identity added`,
  inits: ['uniform', 'zero_input_side', 'gaussian', 'random'],
  factors,
  start({ f, rank, random }) {
    const start = { C: new Float32Array(rank * f), D: new Float32Array(rank * f) };
    fillUniform(start.C, 1 / Math.sqrt(f), random);
    return start;
  },
  carry: (matrix, x) => onRight(matrix, x, (y) => matrix.operators.add(y, rightSide(matrix, y, matrix.isTransposed))),
  transform: (operators, theta, parameters) => operators.add(theta, rightSide({ operators, parameters }, theta, false)),
});

/** Theta first, then the factor on its right; where the matrix is applied transposed, the other way about. */
function onRight<V>({ isTransposed, product }: MatrixAt<V>, x: V, side: (y: V) => V): V {
  return isTransposed ? product.times(side(x)) : side(product.times(x));
}

/** y C^T D, transposed y D^T C; [n, f] -> [n, f]. */
function rightSide<V>(
  { operators, parameters }: { operators: MatrixOperators<V>; parameters: MatrixParameters<V> },
  y: V,
  isTransposed: boolean,
): V {
  const [first, second] = isTransposed ? (['D', 'C'] as const) : (['C', 'D'] as const);
  return operators.matmul(operators.matmul(y, parameters.get(first), { b: true }), parameters.get(second));
}
