// Log-likelihoods and greedy texts of token sequences: what task scoring asks of a model (the `Scorer` of tasks/scorer.ts).
//
// Requests with the same input share one row of a batch; rows are sorted by length so that little is padded. Of one-token
// continuations of one context (the letters of a multiple choice) all inputs are the same, so one pass serves all.
import { gatherRows, tokenLosses } from '../tensor/ops.ts';
import { tf } from '../tensor/tf.ts';
import { bucketLength } from './batches.ts';
import { finalNorm, head, hiddenStates } from './llama.ts';
import type { Model } from './model.ts';

/** Score the last `continuation.length` tokens of context and continuation together. */
export interface TokenPair {
  readonly context: readonly number[];
  readonly continuation: readonly number[];
}

/** Sum of the log-probabilities of a continuation's tokens, and whether each is the most likely one. */
export interface PairScore {
  readonly logprob: number;
  readonly is_greedy: boolean;
}

export interface ScoreSettings {
  /** Rows per forward pass. */
  readonly batch_size: number;
  /** Longest input, in tokens. */
  readonly max_length: number;
}

/** Logits held at once: 256 MiB of float32. */
const largestLogits = 2 ** 26;

/** One row of a batch: an input, and the requests that it answers. */
interface Row {
  readonly ids: readonly number[];
  readonly requests: number[];
}

/** A scored token: where its prediction is, and what it is. */
interface Target {
  request: number;
  row: number;
  token: number;
}

/** Scores `pairs`, in their order; sums are in float64, token by token. */
export async function scorePairs(
  model: Model,
  pairs: readonly TokenPair[],
  settings: ScoreSettings,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<PairScore[]> {
  const scores = pairs.map(() => ({ logprob: 0, is_greedy: true }));
  const rows = sharedRows(pairs).sort(
    (a, b) => b.ids.length - a.ids.length || (a.requests[0] as number) - (b.requests[0] as number),
  );
  let done = 0;
  for (let at = 0; at < rows.length; at += settings.batch_size) {
    const batch = rows.slice(at, at + settings.batch_size);
    await addBatch(model, batch, pairs, settings, scores);
    done += batch.reduce((sum, { requests }) => sum + requests.length, 0);
    onProgress(done, pairs.length);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return scores;
}

/** The distinct inputs: all tokens of a pair but the last. */
function sharedRows(pairs: readonly TokenPair[]): Row[] {
  const rows = new Map<string, Row>();
  pairs.forEach(({ context, continuation }, request) => {
    const ids = [...context, ...continuation.slice(0, -1)];
    const key = ids.join(' ');
    const known = rows.get(key);
    if (known === undefined) rows.set(key, { ids, requests: [request] });
    else known.requests.push(request);
  });
  return [...rows.values()];
}

async function addBatch(
  model: Model,
  batch: readonly Row[],
  pairs: readonly TokenPair[],
  { batch_size, max_length }: ScoreSettings,
  scores: { logprob: number; is_greedy: boolean }[],
): Promise<void> {
  const length = bucketLength(Math.max(...batch.map(({ ids }) => ids.length)), max_length);
  const ids = new Int32Array(batch_size * length);
  const targets = batch.flatMap((row, b) => {
    ids.set(row.ids, b * length);
    return row.requests.flatMap((request) =>
      targetsOf(pairs[request] as TokenPair, request, b * length + row.ids.length),
    );
  });
  targets.sort((a, b) => a.row - b.row);
  const states = tf.tidy(() => hiddenStates(model, tf.tensor2d(ids, [batch_size, length], 'int32')));
  const most = Math.max(1, Math.floor(largestLogits / model.config.vocab_size));
  for (let at = 0; at < targets.length; at += most) {
    await addScores(model, states, targets.slice(at, at + most), scores);
  }
  states.dispose();
}

/** The tokens of a continuation; the input's last row, before `end`, predicts the last of them. */
function targetsOf({ continuation }: TokenPair, request: number, end: number): Target[] {
  return continuation.map((token, i) => ({ request, token, row: end - continuation.length + i }));
}

/** Adds each target's log-probability, and whether it is the most likely token in its place; `states` is [N, D]. */
async function addScores(
  model: Model,
  states: tf.Tensor2D,
  targets: readonly Target[],
  scores: { logprob: number; is_greedy: boolean }[],
): Promise<void> {
  const [nll, best] = tf.tidy(() => {
    const at = paddedIndexes(targets.map(({ row }) => row));
    const logits = head(model, finalNorm(model, gatherRows(states, at) as tf.Tensor2D));
    return [tokenLosses(logits, paddedIndexes(targets.map(({ token }) => token))), tf.argMax(logits, 1)] as const;
  });
  const [losses, tokens] = [await nll.data(), await best.data()];
  tf.dispose([nll, best]);
  targets.forEach(({ request, token }, i) => {
    const score = scores[request] as { logprob: number; is_greedy: boolean };
    score.logprob -= losses[i] as number;
    if (tokens[i] !== token) score.is_greedy = false;
  });
}

/** Indexes with zeros behind them up to a power of two: few sizes, so that few graphs are compiled. */
function paddedIndexes(values: readonly number[]): tf.Tensor1D {
  const array = new Int32Array(2 ** Math.ceil(Math.log2(values.length)));
  array.set(values);
  return tf.tensor1d(array, 'int32');
}
