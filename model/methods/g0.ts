// g0: alpha Theta + A B, a scaled reference matrix plus a low-rank one.
import { transformed } from './transformed.ts';

export const g0 = transformed({
  name: 'g0',
  formula: 'alpha Theta + A B',
  reference: 'SHARP (arXiv 2502.07832), equation 3',
  inits: ['uniform', 'zero_input_side', 'gaussian', 'random'],
  factors: () => ({}),
  start: () => ({}),
  carry: ({ product }, x) => product.times(x),
  transform: (_operators, theta) => theta,
});
