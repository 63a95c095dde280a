// g0: alpha Theta + A B, a scaled reference matrix plus a low-rank one (paper, equation 3).
import { tf } from '../../../tensor/tf.ts';
import type { Candidate } from './candidate.ts';

export const g0: Candidate = {
  start: () => ({}),
  carry: (_projection, x, weight) => tf.matMul(x, weight, false, true),
  transform: (theta) => tf.clone(theta),
};
