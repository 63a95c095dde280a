// basis: a matrix as the product of a basis that a group of layers has in common and coefficients of its own; no stored matrix is read.
import { matrixRoles, writesHidden } from '../architecture/roles.ts';
import { fillUniform, lowRankShapes, throughLowRank } from './low-rank.ts';
import type { Method } from './method.ts';

export const basis: Method = {
  name: 'basis',
  formula: 'A B, A (B where the matrix is applied transposed) in common; Theta is not stored',
  reference: 'Basis Sharing (arXiv 2410.03765), section 3',
  roles: matrixRoles,
  standsAlone: true,
  inits: ['random'],
  grouped: (role) => (writesHidden(role) ? ['B'] : ['A']),
  shapes: lowRankShapes,
  start({ d, f, rank, random }) {
    const start = { A: new Float32Array(d * rank), B: new Float32Array(rank * f) };
    fillUniform(start.A, 1 / Math.sqrt(d), random);
    fillUniform(start.B, 1 / Math.sqrt(rank), random);
    return start;
  },
  apply: throughLowRank,
  whole: (operators, _theta, parameters) => operators.matmul(parameters.get('A'), parameters.get('B')),
  cost: ({ d, f, rank }) => ({ row: (d + f) * rank - d * f, pass: 0 }),
};
