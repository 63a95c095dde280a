// The names of LLM-Pruner's scores and reductions (arXiv 2305.11627 and its code), and SAAP's (arXiv 2412.15127); light, for planning.

/**
 * How a matrix scores its channels, with S = W * dL/dW and G2 the mean over examples of the squared gradients:
 * `vectorize` |sum S|, `param_first` sum |S|, `param_second` sum |W^2 G2|, `param_mix` sum |S - W^2 G2 / 2| (the code's sign),
 * `l1` sum |W|, `l2` sum W^2; sums over the other side of the matrix.
 */
export const matrixImportances = ['vectorize', 'param_first', 'param_second', 'param_mix', 'l1', 'l2'] as const;
export type MatrixImportance = (typeof matrixImportances)[number];

/** How channels are scored: as a matrix does, or `adaptive`, two of these fused. */
export const importances = [...matrixImportances, 'adaptive'] as const;
export type Importance = (typeof importances)[number];

/** How the scores of gate, up and down become one; `first` is gate and `second` is up, the order of the code's groups. */
export const groupReductions = ['sum', 'mean', 'max', 'prod', 'first', 'second'] as const;
export type GroupReduction = (typeof groupReductions)[number];

/** Which layers are narrowed by how their importance varies over the windows: those that vary least, or most. */
export const fluctuationChoices = ['steady', 'fluctuating'] as const;
export type FluctuationChoice = (typeof fluctuationChoices)[number];

/** True when the scores are made of weights alone. */
export function needsNoData(importance: Importance): boolean {
  return importance === 'l1' || importance === 'l2';
}

/** True for scores of squared gradients, for which each window has a backward pass. */
export function isSecondOrder(importance: Importance): boolean {
  return importance === 'param_second' || importance === 'param_mix';
}

/** The scores of a matrix that an importance is made of: adaptive fuses the vector-wise and the element-wise Taylor score. */
export function matrixScoresOf(importance: Importance): readonly MatrixImportance[] {
  return importance === 'adaptive' ? ['vectorize', 'param_first'] : [importance];
}
