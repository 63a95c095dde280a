// Log-likelihoods of token sequences: what task scoring asks of a model (the `Scorer` of tasks/files/scorer.ts).
//
// Requests with the same input are one sequence; sequences that begin alike are one row (model/generate/passes.ts), so that a
// question is read once for all of its choices. Passes are recorded once for each shape and replayed.
//
// B rows, T tokens of a row, R scored tokens, D hidden, V vocabulary.

import { createReplays, type ReplayInput } from '../../tensor/backend/replay.ts';
import { gatherRows, tokenLosses } from '../../tensor/ops.ts';
import { tf } from '../../tensor/tf.ts';
import { finalNorm, head, hiddenStates } from '../forward/forward.ts';
import type { Model } from '../forward/model.ts';
import { type Pass, passesOf, powerOfTwo } from './passes.ts';
import { passAttend, passInputs } from './tree-pass.ts';

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
}

/** Logits held at once: 256 MiB of float32. */
const largestLogits = 2 ** 26;

/** A sequence of tokens, and the requests that it answers. */
interface Input {
  readonly ids: readonly number[];
  readonly requests: number[];
}

/** A scored token: where its prediction is, and what it is. */
interface ScoredToken {
  readonly request: number;
  readonly row: number;
  readonly token: number;
}

type Scores = { logprob: number; is_greedy: boolean }[];

/** Scores `pairs`, in their order; sums are in float64, token by token. */
export async function scorePairs(
  model: Model,
  pairs: readonly TokenPair[],
  { batch_size }: ScoreSettings,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<PairScore[]> {
  const scores: Scores = pairs.map(() => ({ logprob: 0, is_greedy: true }));
  const inputs = distinctInputs(pairs);
  const score = createScorer(model);
  const settings = { rows: batch_size, tokens: Infinity, order: 'length' } as const;
  const sequences = inputs.map(({ ids }) => ids);
  let done = 0;
  for (const pass of passesOf(sequences, settings, model.config)) {
    await score(pass, scoredTokens(pass, inputs, pairs), scores);
    for (const { paths } of pass.trees) {
      for (const number of paths.keys()) done += (inputs[number] as Input).requests.length;
    }
    onProgress(done, pairs.length);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return scores;
}

/** The distinct inputs: all tokens of a pair but the last. */
function distinctInputs(pairs: readonly TokenPair[]): Input[] {
  const inputs = new Map<string, Input>();
  pairs.forEach(({ context, continuation }, request) => {
    const ids = [...context, ...continuation.slice(0, -1)];
    const key = ids.join(' ');
    const known = inputs.get(key);
    if (known === undefined) inputs.set(key, { ids, requests: [request] });
    else known.requests.push(request);
  });
  return [...inputs.values()];
}

/** The tokens of all continuations, by the row of the hidden states [B T] that predicts them. */
function scoredTokens({ trees, length }: Pass, inputs: readonly Input[], pairs: readonly TokenPair[]): ScoredToken[] {
  const tokens = trees.flatMap(({ paths }, b) =>
    [...paths].flatMap(([number, path]) =>
      (inputs[number] as Input).requests.flatMap((request) => {
        const { continuation } = pairs[request] as TokenPair;
        const first = path.length - continuation.length;
        return continuation.map((token, i) => ({ request, token, row: b * length + (path[first + i] as number) }));
      }),
    ),
  );
  return tokens.sort((a, b) => a.row - b.row);
}

/** Computes passes and adds what they find to the scores; recordings are kept for its life. */
function createScorer(model: Model) {
  const states = createReplays(() => (inputs) => [scoredStates(model, inputs)]);
  const ends = createReplays(() => (inputs) => scoreEnds(model, inputs));
  const width = model.config.hidden_size;
  const most = Math.max(1, 2 ** Math.floor(Math.log2(largestLogits / model.config.vocab_size)));
  return async (pass: Pass, tokens: readonly ScoredToken[], scores: Scores) => {
    const count = powerOfTwo(tokens.length);
    const inputs = [integers(count, (i) => tokens[i]?.row ?? 0), ...passInputs(pass, model)];
    const [found] = (await states(pass.rows, pass.length, count, Number(pass.isPlain))(inputs)) as [Float32Array];
    for (let at = 0; at < tokens.length; at += most) {
      const part = Math.min(most, count - at);
      const h = { data: found.subarray(at * width, (at + part) * width), shape: [part, width] };
      const labels = integers(part, (i) => tokens[at + i]?.token ?? 0);
      const [losses, best] = (await ends(part)([h, labels])) as [Float32Array, Int32Array];
      addScores(tokens.slice(at, at + part), losses, best, scores);
    }
  };
}

/** Scored places [R], then the inputs of a pass -> normed states [R, D]. */
function scoredStates(model: Model, [at, ...pass]: tf.Tensor[]): tf.Tensor {
  const h = hiddenStates(model, pass[0] as tf.Tensor2D, passAttend(model, pass));
  return finalNorm(model, gatherRows(h, at as tf.Tensor) as tf.Tensor2D);
}

/** Normed states [R, D] and the tokens that follow [R] -> their losses [R], and the likeliest tokens [R]. */
function scoreEnds(model: Model, [h, labels]: tf.Tensor[]): tf.Tensor[] {
  const logits = head(model, h as tf.Tensor2D);
  return [tokenLosses(logits, labels as tf.Tensor), tf.argMax(logits, 1)];
}

function addScores(tokens: readonly ScoredToken[], losses: Float32Array, best: Int32Array, scores: Scores): void {
  tokens.forEach(({ request, token }, i) => {
    const score = scores[request] as Scores[number];
    score.logprob -= losses[i] as number;
    if (best[i] !== token) score.is_greedy = false;
  });
}

function integers(count: number, value: (i: number) => number): ReplayInput {
  return { data: Int32Array.from({ length: count }, (_, i) => value(i)), shape: [count] };
}
