// g3: alpha (U V) * Theta + A B, the reference matrix times a low-rank one element by element.
//
// It has no factorised form: (U V) * Theta is made anew in every pass, d f r multiplications. It saves storage, not time.
import { fillUniform } from './low-rank.ts';
import { transformed } from './transformed.ts';

/** U V starts as the matrix of ones: U's first column and V's first row are ones, V's other rows zero, U's other columns random. */
export const g3 = transformed({
  name: 'g3',
  formula: 'alpha (U V) * Theta + A B',
  reference: 'SHARP (arXiv 2502.07832), equation 6',
  inits: ['uniform', 'zero_input_side', 'gaussian', 'random'],
  factors: ({ d, f, rank }) => ({ U: [d, rank], V: [rank, f] }),
  start({ d, f, rank, random }) {
    const U = new Float32Array(d * rank);
    fillUniform(U, 1 / Math.sqrt(d), random);
    for (let row = 0; row < d; row++) U[row * rank] = 1;
    return { U, V: new Float32Array(rank * f).fill(1, 0, f) };
  },
  carry({ operators, isTransposed, product, parameters }, x) {
    const [u, v] = [operators.wide(parameters.get('U')), operators.wide(parameters.get('V'))];
    // as the matrix is stored: U V where it is applied transposed, its transpose otherwise
    const scale = isTransposed ? operators.matmul(u, v) : operators.matmul(v, u, { a: true, b: true });
    const whole = operators.narrow(operators.mul(operators.wide(product.whole()), scale));
    return operators.matmul(x, whole, { b: true });
  },
  transform: (operators, theta, parameters) =>
    operators.mul(theta, operators.matmul(parameters.get('U'), parameters.get('V'))),
  cost: ({ d, f, rank }) => ({ row: 0, pass: d * f * rank }),
});
