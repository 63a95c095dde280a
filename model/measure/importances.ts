// The names of LLM-Pruner's scores and reductions (arXiv 2305.11627 and its code); light, for planning.

/**
 * How a matrix scores its channels, with S = W * dL/dW and G2 the mean over examples of the squared gradients:
 * `vectorize` |sum S|, `param_first` sum |S|, `param_second` sum |W^2 G2|, `param_mix` sum |S - W^2 G2 / 2| (the code's sign),
 * `l1` sum |W|, `l2` sum W^2; sums over the other side of the matrix.
 */
export const importances = ['vectorize', 'param_first', 'param_second', 'param_mix', 'l1', 'l2'] as const;
export type Importance = (typeof importances)[number];

/** How the scores of gate, up and down become one; `first` is gate and `second` is up, the order of the code's groups. */
export const groupReductions = ['sum', 'mean', 'max', 'prod', 'first', 'second'] as const;
export type GroupReduction = (typeof groupReductions)[number];

/** True when the scores are made of weights alone. */
export function needsNoData(importance: Importance): boolean {
  return importance === 'l1' || importance === 'l2';
}
