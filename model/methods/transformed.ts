// alpha T(Theta) + A B: what the paper's candidates have in common (methods A.3). A candidate says what T is.
import { projections } from '../architecture/roles.ts';
import { lowRankShapes, startLowRank, throughLowRank } from './low-rank.ts';
import type { MatrixAt, MatrixOperators, MatrixParameters, MatrixSize, MatrixStart, Method } from './method.ts';

/** What is special to a candidate. */
export interface Transformation extends Pick<Method, 'name' | 'formula' | 'reference' | 'inits' | 'grouped'> {
  /** Its own factors, beside alpha, A and B. */
  factors(size: MatrixSize): Record<string, number[]>;
  start(start: MatrixStart): Record<string, Float32Array>;
  /** x, as the product sees it, through T(Theta). */
  carry<V>(matrix: MatrixAt<V>, x: V): V;
  /** T(Theta): `theta` [d, f] -> [d, f]. */
  transform<V>(operators: MatrixOperators<V>, theta: V, parameters: MatrixParameters<V>): V;
  /** Multiply-adds of T beside Theta's own, where they are not those of its factors on each row. */
  cost?: Method['cost'];
}

/** The candidate with this transformation. */
export function transformed({ factors, start, carry, transform, cost, ...said }: Transformation): Method {
  return {
    ...said,
    roles: projections,
    shapes: (size) => ({ alpha: [], ...lowRankShapes(size), ...factors(size) }),
    start: (given) => ({ alpha: Float32Array.of(1), ...startLowRank(given), ...start(given) }),
    apply(matrix, x) {
      const { operators, isTransposed, product, parameters } = matrix;
      const shared = product.input(x);
      // alpha multiplies on the side of size d, the narrow one: its gradient then needs no array of size f
      const carried = isTransposed
        ? parameters.scaled(carry(matrix, shared), 'alpha')
        : carry(matrix, parameters.scaled(shared, 'alpha'));
      return operators.add(carried, throughLowRank(matrix, x));
    },
    whole(operators, theta, parameters) {
      const scaled = parameters.scaled(transform(operators, theta, parameters), 'alpha');
      return operators.add(scaled, operators.matmul(parameters.get('A'), parameters.get('B')));
    },
    cost(size) {
      const { row, pass } = cost?.(size) ?? { row: elements(factors(size)), pass: 0 };
      return { row: 1 + elements(lowRankShapes(size)) + row, pass };
    },
  };
}

function elements(shapes: Record<string, number[]>): number {
  return Object.values(shapes).reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0);
}
