// lora: Theta + A B, a low-rank matrix beside a stored one, at any matrix of a layer.
import { matrixRoles } from '../architecture/roles.ts';
import { lowRankShapes, startLowRank, throughLowRank } from './low-rank.ts';
import type { Method } from './method.ts';

export const lora: Method = {
  name: 'lora',
  formula: 'Theta + A B',
  reference: 'LoRA (arXiv 2106.09685), equation 3, with a scaling of 1',
  roles: matrixRoles,
  inits: ['uniform', 'zero_input_side', 'gaussian', 'random'],
  shapes: lowRankShapes,
  start: startLowRank,
  apply: (matrix, x) => matrix.operators.add(matrix.product.times(matrix.product.input(x)), throughLowRank(matrix, x)),
  whole: (operators, theta, parameters) =>
    operators.add(theta, operators.matmul(parameters.get('A'), parameters.get('B'))),
  cost: ({ d, f, rank }) => ({ row: (d + f) * rank, pass: 0 }),
};
