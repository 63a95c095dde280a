// Log-likelihoods of token sequences: what task scoring asks of a model (the `Scorer` of tasks/scorer.ts).
//
// Requests with the same input are one sequence; sequences that begin alike are one row (model/token-trees.ts), so that a
// question is read once for all of its choices. Rows are sorted by length so that little is padded; passes are recorded once
// for each shape and replayed.
//
// B rows, T tokens of a row, R scored tokens, D hidden, V vocabulary, hd head size.
import { attention, gatherRows, rotary, tokenLosses } from '../tensor/ops.ts';
import { createReplay, type Replay, type ReplayInput } from '../tensor/replay.ts';
import { tf } from '../tensor/tf.ts';
import type { Attend } from './attend.ts';
import type { LlamaConfig } from './config.ts';
import { finalNorm, head, hiddenStates } from './llama.ts';
import type { Model } from './model.ts';
import { inverseFrequencies, ropeAt } from './rope.ts';
import { isChain, type TokenTree, tokenTrees, writeTreeMask } from './token-trees.ts';

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
/** Masks of trees held at once: 64 MiB of float32. */
const largestMasks = 2 ** 24;
/** Tokens of a tree of several sequences; beyond, the mask costs more than the sharing saves. */
const largestTree = 2048;
/** Rows are padded to eighths of a power of two, at least this much. */
const smallestStep = 8;

/** A sequence of tokens, and the requests that it answers. */
interface Input {
  readonly ids: readonly number[];
  readonly requests: number[];
}

/** Rows of one kind: all of them single sequences, or not. */
interface Pass {
  readonly trees: readonly TokenTree[];
  readonly isPlain: boolean;
}

/** A scored token: where its prediction is, and what it is. */
interface Target {
  readonly request: number;
  readonly row: number;
  readonly token: number;
}

type Scores = { logprob: number; is_greedy: boolean }[];

/** Scores `pairs`, in their order; sums are in float64, token by token. */
export async function scorePairs(
  model: Model,
  pairs: readonly TokenPair[],
  settings: ScoreSettings,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<PairScore[]> {
  const scores: Scores = pairs.map(() => ({ logprob: 0, is_greedy: true }));
  const inputs = distinctInputs(pairs);
  const score = createScorer(model);
  let done = 0;
  for (const pass of passesOf(inputs, settings, model.config)) {
    const length = paddedLength(Math.max(...pass.trees.map(({ ids }) => ids.length)));
    const targets = targetsOf(pass, length, inputs, pairs);
    await score(pass, length, targets, scores);
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

/**
 * Products of a token with a layer's matrices, 4 D^2 + 3 D F, over those with one token that it sees, 2 D, and the passes over
 * the scores, which cost about twice as much again.
 */
function attendedTokens({ hidden_size, intermediate_size }: LlamaConfig): number {
  return (4 * hidden_size + 3 * intermediate_size) / 6;
}

/** Trees sorted by length, longest first, in passes of at most `batch_size` rows. */
function passesOf(inputs: readonly Input[], { batch_size }: ScoreSettings, config: LlamaConfig): Pass[] {
  const trees = tokenTrees(
    inputs.map(({ ids }) => ids),
    { most: largestTree, attended: attendedTokens(config) },
  ).sort((a, b) => b.ids.length - a.ids.length);
  return [true, false].flatMap((isPlain) => {
    const kind = trees.filter((tree) => isChain(tree) === isPlain);
    const passes: Pass[] = [];
    for (let at = 0; at < kind.length; ) {
      const size = (kind[at] as TokenTree).ids.length;
      const rows = isPlain ? batch_size : Math.min(batch_size, Math.max(1, Math.floor(largestMasks / size ** 2)));
      passes.push({ trees: kind.slice(at, at + rows), isPlain });
      at += rows;
    }
    return passes;
  });
}

/** The tokens of all continuations, by the row of the hidden states [B T] that predicts them. */
function targetsOf({ trees }: Pass, length: number, inputs: readonly Input[], pairs: readonly TokenPair[]): Target[] {
  const targets = trees.flatMap(({ paths }, b) =>
    [...paths].flatMap(([number, path]) =>
      (inputs[number] as Input).requests.flatMap((request) => {
        const { continuation } = pairs[request] as TokenPair;
        const first = path.length - continuation.length;
        return continuation.map((token, i) => ({ request, token, row: b * length + (path[first + i] as number) }));
      }),
    ),
  );
  return targets.sort((a, b) => a.row - b.row);
}

/** Computes passes and adds what they find to the scores; recordings are kept for its life. */
function createScorer(model: Model) {
  const frequencies = inverseFrequencies(model.config);
  const half = model.config.head_dim / 2;
  const states = replays((inputs) => [scoredStates(model, inputs)]);
  const ends = replays(([h, labels]) => scoreEnds(model, h as tf.Tensor2D, labels as tf.Tensor));
  const most = Math.max(1, 2 ** Math.floor(Math.log2(largestLogits / model.config.vocab_size)));
  return async ({ trees, isPlain }: Pass, length: number, targets: readonly Target[], scores: Scores) => {
    const rows = powerOfTwo(trees.length);
    const count = powerOfTwo(targets.length);
    const inputs = [
      idsInput(trees, rows, length),
      integers(count, (i) => targets[i]?.row ?? 0),
      ...(isPlain ? [] : treeInputs(trees, rows, length, frequencies)),
    ];
    const [found] = (await states([rows, length, count, Number(isPlain)], inputs)) as [Float32Array];
    const width = model.config.hidden_size;
    for (let at = 0; at < targets.length; at += most) {
      const part = Math.min(most, count - at);
      const h = { data: found.subarray(at * width, (at + part) * width), shape: [part, width] };
      const labels = integers(part, (i) => targets[at + i]?.token ?? 0);
      const [losses, best] = (await ends([part], [h, labels])) as [Float32Array, Int32Array];
      addScores(targets.slice(at, at + part), losses, best, scores);
    }
  };

  function treeInputs(trees: readonly TokenTree[], rows: number, length: number, frequencies: Float64Array) {
    const positions = new Int32Array(rows * length);
    const mask = new Float32Array(rows * length * length);
    for (let b = 0; b < rows; b++) {
      const { positions: own = [], parents = [] } = trees[b] ?? {};
      positions.set(own, b * length);
      writeTreeMask(mask, b * length * length, length, parents);
    }
    const { cos, sin } = ropeAt(frequencies, positions);
    return [
      { data: cos, shape: [rows * length, half] },
      { data: sin, shape: [rows * length, half] },
      { data: mask, shape: [rows, 1, length, length] },
    ];
  }
}

/** ids [B, T], scored places [R], and for trees cos and sin [B T, hd/2] and a mask [B, 1, T, T] -> normed states [R, D]. */
function scoredStates(model: Model, [ids, at, cos, sin, mask]: tf.Tensor[]): tf.Tensor {
  const attend = cos && sin && mask ? treeAttend(cos, sin, mask) : undefined;
  const h = hiddenStates(model, ids as tf.Tensor2D, attend);
  return finalNorm(model, gatherRows(h, at as tf.Tensor) as tf.Tensor2D);
}

/** Every token of every row has a position of its own, and sees what its mask says. */
function treeAttend(cos: tf.Tensor, sin: tf.Tensor, mask: tf.Tensor): Attend {
  return {
    turn(x) {
      const [batch, tokens, heads, width] = x.shape as [number, number, number, number];
      return tf.reshape(rotary(tf.reshape(x, [1, batch * tokens, heads, width]), cos, sin), x.shape);
    },
    mix: (_layer, { q, k, v }, scale) => attention(q, k, v, mask, scale),
  };
}

/** Normed states [R, D] and the tokens that follow [R] -> their losses [R], and the likeliest tokens [R]. */
function scoreEnds(model: Model, h: tf.Tensor2D, labels: tf.Tensor): tf.Tensor[] {
  const logits = head(model, h);
  return [tokenLosses(logits, labels), tf.argMax(logits, 1)];
}

/** One recording for each combination of sizes. */
function replays(build: (inputs: tf.Tensor[]) => tf.Tensor[]) {
  const known = new Map<string, Replay>();
  return (sizes: readonly number[], inputs: readonly ReplayInput[]) => {
    const key = sizes.join();
    const replay = known.get(key) ?? createReplay(build);
    known.set(key, replay);
    return replay(inputs);
  };
}

function addScores(targets: readonly Target[], losses: Float32Array, best: Int32Array, scores: Scores): void {
  targets.forEach(({ request, token }, i) => {
    const score = scores[request] as Scores[number];
    score.logprob -= losses[i] as number;
    if (best[i] !== token) score.is_greedy = false;
  });
}

function idsInput(trees: readonly TokenTree[], rows: number, length: number): ReplayInput {
  const data = new Int32Array(rows * length);
  for (const [b, { ids }] of trees.entries()) data.set(ids, b * length);
  return { data, shape: [rows, length] };
}

function integers(count: number, value: (i: number) => number): ReplayInput {
  return { data: Int32Array.from({ length: count }, (_, i) => value(i)), shape: [count] };
}

/** Few lengths, so that few graphs are compiled, and little padding. */
function paddedLength(length: number): number {
  const step = Math.max(smallestStep, 2 ** Math.ceil(Math.log2(length)) / 8);
  return Math.ceil(length / step) * step;
}

/** Few sizes, so that few graphs are compiled. */
function powerOfTwo(count: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, count)));
}
