// The output head over many rows: logits are made for a block of rows and a block of the vocabulary at a time, and only sums are kept.
//
// R rows, V vocabulary, D hidden, v words of a block.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createReplays, type ReplayInput } from '../../tensor/backend/replay.ts';
import { rmsNorm } from '../../tensor/ops.ts';
import { tf } from '../../tensor/tf.ts';
import { embeddingName, finalNormName, headName } from '../architecture/tensors.ts';
import { inputOf, roundingOf } from '../forward/linear.ts';
import { blockNumbers, blockRows } from './bounds.ts';
import { rowBlocks } from './rows.ts';
import type { StoredModel } from './stored-model.ts';

/** What the head says of the tokens that follow. */
export interface TokenScores {
  /** -log p of each [R]. */
  readonly losses: Float64Array;
  /** The likeliest token of each row [R], of equal ones the first; where it was asked for. */
  readonly likeliest: Int32Array;
}

export interface TokenScoring {
  /** Find the likeliest tokens too, which reads all logits once more. */
  readonly likeliest: boolean;
  /** Told how many blocks of the vocabulary are done. */
  onBlock?(done: number, total: number): void;
}

/** What the blocks so far say of each row, in float64. */
interface Sums {
  /** log of the sum of exp of the logits. */
  readonly logSum: Float64Array;
  /** The logit of the token that follows. */
  readonly own: Float64Array;
  readonly largest: Float64Array;
  readonly likeliest: Int32Array;
}

/** Scores the tokens `labels` [R] against states [R, D] after the last layer, before the final norm; `states` are overwritten. */
export async function scoreTokens(
  model: StoredModel,
  states: Float32Array,
  labels: Int32Array,
  { likeliest, onBlock = () => {} }: TokenScoring,
): Promise<TokenScores> {
  const { hidden_size: width, vocab_size, tie_word_embeddings } = model.checkpoint.config;
  const name = tie_word_embeddings ? embeddingName : headName;
  await normRows(model, states, name);
  const read = await model.checkpoint.openRows(name);
  const score = createReplays(() => (inputs) => blockScores(inputs, likeliest));
  const sums = emptySums(labels.length);
  const words = rowBlocks(vocab_size, width, (blockNumbers / blockRows) * width);
  for (const [i, { first, count }] of words.entries()) {
    const matrix = { data: await read(first, count), shape: [count, width] };
    for (const rows of rowBlocks(labels.length, width, blockRows * width)) {
      const own = labels.subarray(rows.first, rows.first + rows.count);
      const places = Int32Array.from(own, (label) => Math.min(Math.max(label - first, 0), count - 1));
      const inputs = [rowsOf(states, rows, width), matrix, { data: places, shape: [rows.count, 1] }];
      addBlock(sums, rows.first, own, first, count, await score(rows.count, count)(inputs));
      await nextTurn(); // the backend blocks: lets a message of the runner in
    }
    onBlock(i + 1, words.length);
  }
  const losses = sums.logSum.map((logSum, r) => logSum - (sums.own[r] as number));
  return { losses, likeliest: sums.likeliest };
}

/** The final norm, and what else happens to the head's input, in place. */
async function normRows({ checkpoint }: StoredModel, states: Float32Array, name: string): Promise<void> {
  const { hidden_size: width, rms_norm_eps: eps } = checkpoint.config;
  const input = roundingOf(checkpoint.quantization);
  const weight = { data: await checkpoint.readFloat32(finalNormName), shape: [width] };
  const norm = createReplays(() => ([x, weight]) => [
    inputOf({ input }, name, rmsNorm(x as tf.Tensor2D, weight as tf.Tensor, eps)),
  ]);
  for (const rows of rowBlocks(states.length / width, width, blockRows * width)) {
    const [normed] = await norm(rows.count)([rowsOf(states, rows, width), weight]);
    states.set(normed as Float32Array, rows.first * width);
  }
}

function rowsOf(states: Float32Array, rows: { first: number; count: number }, width: number): ReplayInput {
  const data = states.subarray(rows.first * width, (rows.first + rows.count) * width);
  return { data, shape: [rows.count, width] };
}

/** x [R, D], words [v, D], places [R, 1] -> of each row: log of the sum, logit at its place, and the largest logit and where that is. */
function blockScores([x, words, places]: tf.Tensor[], likeliest: boolean): tf.Tensor[] {
  const logits = tf.matMul(x as tf.Tensor2D, words as tf.Tensor2D, false, true);
  const largest = tf.max(logits, 1);
  // the largest probability is at least 1/v: its logarithm does not underflow
  const logSum = tf.sub(largest, tf.log(tf.max(tf.softmax(logits), 1)));
  const own = tf.gather(logits, places as tf.Tensor, 1, 1);
  return likeliest ? [logSum, own, largest, tf.argMax(logits, 1)] : [logSum, own];
}

function emptySums(rows: number): Sums {
  const filled = () => new Float64Array(rows).fill(Number.NEGATIVE_INFINITY);
  return { logSum: filled(), own: new Float64Array(rows), largest: filled(), likeliest: new Int32Array(rows) };
}

/** Adds what words `first` to `first + count` say of the rows from `at` on. */
function addBlock(
  sums: Sums,
  at: number,
  labels: Int32Array,
  first: number,
  count: number,
  [logSum, own, largest, likeliest]: readonly ArrayLike<number>[],
): void {
  labels.forEach((label, i) => {
    const r = at + i;
    sums.logSum[r] = logOfSum(sums.logSum[r] as number, logSum?.[i] as number);
    if (label >= first && label < first + count) sums.own[r] = own?.[i] as number;
    if (largest === undefined || (largest[i] as number) <= (sums.largest[r] as number)) return;
    sums.largest[r] = largest[i] as number;
    sums.likeliest[r] = first + (likeliest?.[i] as number);
  });
}

/** log(exp a + exp b). */
function logOfSum(a: number, b: number): number {
  const [more, less] = a > b ? [a, b] : [b, a];
  return less === Number.NEGATIVE_INFINITY ? more : more + Math.log1p(Math.exp(less - more));
}
