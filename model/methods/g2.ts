// g2: alpha E F^T Theta + A B, the reference matrix times a low-rank one on the left; and our variant g2_plus,
// alpha (I + E F^T) Theta + A B, which can start at Direct Sharing where g2 cannot.
import { fillUniform } from './low-rank.ts';
import type { MatrixAt, MatrixOperators, MatrixParameters, MatrixSize } from './method.ts';
import { transformed } from './transformed.ts';

const reference = 'SHARP (arXiv 2502.07832), equation 5';
const factors = ({ d, rank }: MatrixSize) => ({ E: [d, rank], F: [d, rank] });

/** E = F = the leading left singular vectors of Theta, so that E F^T Theta is its best approximation of this rank. */
export const g2 = transformed({
  name: 'g2',
  formula: 'alpha E F^T Theta + A B',
  reference,
  inits: ['svd'],
  factors,
  start({ leading }) {
    const vectors = leading('left');
    return { E: vectors, F: vectors };
  },
  carry: (matrix, x) => onLeft(matrix, x, (y) => leftSide(matrix, y)),
  transform: leftOf,
});

/** E random and F zero, so that E F^T = 0. */
export const g2Plus = transformed({
  name: 'g2_plus',
  formula: 'alpha (I + E F^T) Theta + A B',
  reference: `${reference}, with the identity added`,
  inits: ['uniform', 'zero_input_side', 'gaussian', 'random'],
  factors,
  start({ d, rank, random }) {
    const start = { E: new Float32Array(d * rank), F: new Float32Array(d * rank) };
    fillUniform(start.E, 1 / Math.sqrt(d), random);
    return start;
  },
  carry: (matrix, x) => onLeft(matrix, x, (y) => matrix.operators.add(y, leftSide(matrix, y))),
  transform: (operators, theta, parameters) => operators.add(theta, leftOf(operators, theta, parameters)),
});

/** The factor on the left, then Theta; where the matrix is applied transposed, the other way about. */
function onLeft<V>({ isTransposed, product }: MatrixAt<V>, x: V, side: (y: V) => V): V {
  return isTransposed ? side(product.times(x)) : product.times(side(x));
}

/** E F^T theta; [d, f] -> [d, f]. */
function leftOf<V>(operators: MatrixOperators<V>, theta: V, parameters: MatrixParameters<V>): V {
  return operators.matmul(parameters.get('E'), operators.matmul(parameters.get('F'), theta, { a: true }));
}

/** y E F^T, transposed y F E^T; [n, d] -> [n, d]. */
function leftSide<V>({ operators, isTransposed, parameters }: MatrixAt<V>, y: V): V {
  const [first, second] = isTransposed ? (['F', 'E'] as const) : (['E', 'F'] as const);
  return operators.matmul(operators.matmul(y, parameters.get(first)), parameters.get(second), { b: true });
}
