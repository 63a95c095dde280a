// How sure a model is after an exit, from arrays: in float64, one number for each row.
//
// B rows, V vocabulary, D hidden.
import type { ExitClassifier } from './exit-rule.ts';

/** Row `row` of an array of rows of `width` numbers. */
function rowOf(values: Float32Array, row: number, width: number): Float32Array {
  return values.subarray(row * width, (row + 1) * width);
}

/** The largest softmax of row `row` of logits [B, V]. */
export function maxProbability(logits: Float32Array, row: number, vocabulary: number): number {
  const { sum } = leading(rowOf(logits, row, vocabulary));
  return 1 / sum;
}

/** The largest softmax of row `row` of logits [B, V] minus the second largest. */
export function probabilityGap(logits: Float32Array, row: number, vocabulary: number): number {
  const { first, second, sum } = leading(rowOf(logits, row, vocabulary));
  return (1 - Math.exp(second - first)) / sum;
}

/** The place of the largest logit of row `row`, the first of equal ones. */
export function likeliestToken(logits: Float32Array, row: number, vocabulary: number): number {
  const values = rowOf(logits, row, vocabulary);
  let best = 0;
  for (let token = 1; token < values.length; token++) {
    if ((values[token] as number) > (values[best] as number)) best = token;
  }
  return best;
}

/** The cosine between row `row` of two states [B, D]. */
export function stateSimilarity(before: Float32Array, after: Float32Array, row: number, width: number): number {
  const [a, b] = [rowOf(before, row, width), rowOf(after, row, width)];
  let [dot, aa, bb] = [0, 0, 0];
  for (let i = 0; i < width; i++) {
    const [x, y] = [a[i] as number, b[i] as number];
    dot += x * y;
    aa += x * x;
    bb += y * y;
  }
  return aa === 0 || bb === 0 ? 0 : dot / Math.sqrt(aa * bb);
}

/** What a classifier says of row `row` of states [B, D]: from 0 to 1. */
export function classified(states: Float32Array, row: number, { weight, bias }: ExitClassifier): number {
  const state = rowOf(states, row, weight.length);
  let sum = bias;
  for (let i = 0; i < weight.length; i++) sum += (weight[i] as number) * (state[i] as number);
  return 1 / (1 + Math.exp(-sum));
}

/** The two largest logits, and the sum of exp(logit - largest). */
function leading(logits: Float32Array): { first: number; second: number; sum: number } {
  let [first, second] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const logit of logits) {
    if (logit > first) [first, second] = [logit, first];
    else if (logit > second) second = logit;
  }
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - first);
  return { first, second, sum };
}
