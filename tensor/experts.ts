// A gated MLP cut into experts, of which each row of x passes a few: which ones, and what these make of it.
//
// N rows, D hidden, E experts, G channels of an expert.
import { swiglu } from './ops.ts';
import { runOr } from './run-or.ts';
import { tf } from './tf.ts';

/** The matrices of one expert: gate and up [G, D], down [D, G]. */
export interface ExpertMatrices<V = tf.Tensor> {
  readonly gate: V;
  readonly up: V;
  readonly down: V;
}

/** 1 at the `active` largest of each row of `scores` [N, E], of equal ones the first, and 0 elsewhere: [N, E]. A choice has no slope: the gradient is 0. */
export function chosenExperts(scores: tf.Tensor, active: number): tf.Tensor2D {
  const choose = (scores: tf.Tensor) => {
    const { indices } = tf.topk(scores as tf.Tensor2D, active);
    const value = tf.sum(tf.cast(tf.oneHot(indices as tf.Tensor2D, scores.shape[1] as number), 'float32'), 1);
    return { value, gradFunc: () => tf.zeros(scores.shape) };
  };
  return tf.customGrad(choose as Parameters<typeof tf.customGrad>[0])(scores) as tf.Tensor2D;
}

/** `hidden` [N, E G], each expert's channels times its factor in `factors` [N, E]. */
export function spreadFactors(hidden: tf.Tensor, factors: tf.Tensor): tf.Tensor {
  const [rows, experts] = factors.shape as [number, number];
  const grouped = tf.reshape(hidden, [rows, experts, -1]);
  return tf.reshape(tf.mul(grouped, tf.expandDims(factors, 2)), hidden.shape);
}

/**
 * The sum over the chosen experts of down(silu(gate x) * up x): x [N, D] -> [N, D], `chosen` [N, E] of 0 and 1. On processors backend `onnx` multiplies
 * each expert with the rows alone that chose it; elsewhere all experts are computed, and those that were not chosen count nothing. No gradient.
 */
export function throughExperts(x: tf.Tensor, chosen: tf.Tensor, experts: readonly ExpertMatrices[]): tf.Tensor2D {
  const matrices = experts.flatMap(({ gate, up, down }, e) => [
    [`gate${e}`, gate],
    [`up${e}`, up],
    [`down${e}`, down],
  ]);
  const inputs = { x, chosen, ...Object.fromEntries(matrices) };
  const [made] = runOr('LaminaExperts', inputs, { experts: experts.length }, () => [allExperts(x, chosen, experts)]);
  return made as tf.Tensor2D;
}

function allExperts(x: tf.Tensor, chosen: tf.Tensor, experts: readonly ExpertMatrices[]): tf.Tensor {
  const made = experts.map(({ gate, up, down }, e) => {
    const hidden = swiglu(tf.matMul(x, gate, false, true), tf.matMul(x, up, false, true));
    return tf.mul(tf.matMul(hidden, down, false, true), tf.slice(chosen, [0, e], [-1, 1]));
  });
  return tf.addN(made);
}
