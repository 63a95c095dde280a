// delta: Theta + A B + diagonal, what a layer's matrix lacks of a shared one as a low-rank matrix and a diagonal.
import { matrixRoles } from '../architecture/roles.ts';
import { lowRankShapes, startLowRank, throughLowRank } from './low-rank.ts';
import type { Method } from './method.ts';

export const delta: Method = {
  name: 'delta',
  formula: 'Theta + A B + diag(c), c on the main diagonal of [d, f]',
  reference: 'ResidualTransformer (arXiv 2310.02489), section 2, and DeltaLLM (arXiv 2501.18596)',
  roles: matrixRoles,
  inits: ['uniform', 'zero_input_side', 'gaussian', 'random'],
  shapes: (size) => ({ ...lowRankShapes(size), c: [diagonalOf(size)] }),
  start: (given) => ({ ...startLowRank(given), c: startDiagonal(given) }),
  apply(matrix, x) {
    const { operators, product, parameters } = matrix;
    const sum = operators.add(product.times(product.input(x)), throughLowRank(matrix, x));
    return operators.addDiagonal(sum, x, parameters.get('c'));
  },
  whole(operators, theta, parameters) {
    const sum = operators.add(theta, operators.matmul(parameters.get('A'), parameters.get('B')));
    return operators.addDiagonal(sum, operators.identity(sum), parameters.get('c'));
  },
  cost: (size) => ({ row: (size.d + size.f) * size.rank + diagonalOf(size), pass: 0 }),
};

function diagonalOf({ d, f }: { readonly d: number; readonly f: number }): number {
  return Math.min(d, f);
}

/** Zeros; `random`: as training leaves it. */
function startDiagonal({ init, random, ...size }: Parameters<Method['start']>[0]): Float32Array {
  const bound = 1 / Math.sqrt(size.d);
  return Float32Array.from({ length: diagonalOf(size) }, () =>
    init === 'random' ? (2 * random.uniform() - 1) * bound : 0,
  );
}
