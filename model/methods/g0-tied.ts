// g0_tied: g0 with the factor that meets the input the same for all targets of a reference, which stores a third to a half less.
import { writesHidden } from '../architecture/roles.ts';
import { g0 } from './g0.ts';
import type { Method } from './method.ts';

export const g0Tied: Method = {
  ...g0,
  name: 'g0_tied',
  formula: 'alpha Theta + A B, A (B where the matrix is applied transposed) in common',
  reference: 'ShareLoRA (arXiv 2406.10785), ShareA, on the layers of a group; the rest as g0',
  grouped: (role) => (writesHidden(role) ? ['B'] : ['A']),
};
