// Log-likelihoods of token sequences: what task scoring asks of a model (the `Scorer` of tasks/files/scorer.ts).
//
// Requests with the same input are one sequence; sequences that begin alike are one row (model/generate/passes.ts), so that a
// question is read once for all of its choices. The passes walk through the model layer by layer (model/walk).
//
// B rows, T tokens of a row, R scored tokens, D hidden.

import type { ModelConfig } from '../architecture/model-config.ts';
import { stateBytes } from '../walk/bounds.ts';
import { causalViews, type Passage, type View } from '../walk/passage.ts';
import { embedPassages } from '../walk/rows.ts';
import { type RowPlace, takeRows } from '../walk/scored-rows.ts';
import type { StoredModel } from '../walk/stored-model.ts';
import { scoreTokens } from '../walk/vocabulary.ts';
import { createWalk, type Walk } from '../walk/walk.ts';
import { type Pass, passesOf } from './passes.ts';
import { attendTree, treeInputs } from './tree-pass.ts';

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
  /** Most rows per forward pass. */
  readonly batch_size: number;
}

/** Most tokens of a pass of several rows: their scores stay in the processor's cache. */
const passTokens = 1024;

/** A sequence of tokens, and the requests that it answers. */
interface Input {
  readonly ids: readonly number[];
  readonly requests: number[];
}

/** A scored token: whose it is, what it is, and which row predicts it. */
interface ScoredToken extends RowPlace {
  readonly request: number;
  readonly token: number;
}

type Scores = { logprob: number; is_greedy: boolean }[];

/** Scores `pairs`, in their order; sums are in float64, token by token. `onProgress` is told how many are done, in share of the work. */
export async function scorePairs(
  model: StoredModel,
  pairs: readonly TokenPair[],
  { batch_size }: ScoreSettings,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<PairScore[]> {
  const { config } = model.checkpoint;
  const scores: Scores = pairs.map(() => ({ logprob: 0, is_greedy: true }));
  const inputs = distinctInputs(pairs);
  const settings = { rows: batch_size, tokens: passTokens, order: 'length' } as const;
  const sequences = inputs.map(({ ids }) => ids);
  const runs = runsOf(passesOf(sequences, settings, config), config.hidden_size);
  const walk = createWalk(model);
  for (const [i, passes] of runs.entries()) {
    const onPart = (share: number) => onProgress(Math.floor((pairs.length * (i + share)) / runs.length), pairs.length);
    await scoreRun(model, walk, { passes, tokens: scoredTokens(passes, inputs, pairs) }, scores, onPart);
  }
  return scores;
}

/** Passes whose hidden states fit into memory together, a pass at least. */
function runsOf(passes: readonly Pass[], width: number): Pass[][] {
  const runs: Pass[][] = [];
  let left = 0;
  for (const pass of passes) {
    const size = 4 * width * pass.trees.length * pass.length;
    if (size > left) {
      runs.push([]);
      left = stateBytes;
    }
    runs.at(-1)?.push(pass);
    left -= size;
  }
  return runs;
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

/** The tokens of all continuations, by the row of their pass [B T] that predicts them. */
function scoredTokens(passes: readonly Pass[], inputs: readonly Input[], pairs: readonly TokenPair[]): ScoredToken[] {
  return passes.flatMap(({ trees, length }, passage) =>
    trees.flatMap(({ paths }, b) =>
      [...paths].flatMap(([number, path]) =>
        (inputs[number] as Input).requests.flatMap((request) => {
          const { continuation } = pairs[request] as TokenPair;
          const first = path.length - continuation.length;
          const rowOf = (i: number) => b * length + (path[first + i] as number);
          return continuation.map((token, i) => ({ request, token, passage, row: rowOf(i) }));
        }),
      ),
    ),
  );
}

/** Passes that go through the layers together, and what of them is scored. */
interface Run {
  readonly passes: readonly Pass[];
  readonly tokens: readonly ScoredToken[];
}

/** Walks a run and adds what is found to the scores; `onPart` is told which share of it is done. */
async function scoreRun(
  model: StoredModel,
  walk: Walk,
  { passes, tokens }: Run,
  scores: Scores,
  onPart: (share: number) => void,
): Promise<void> {
  const { config } = model.checkpoint;
  const last = config.num_hidden_layers;
  const passages = passes.map(passageOf(config));
  const states = await embedPassages(model, passages);
  await walk(passages, states, { first: 1, last }, ({ layer, passage }) =>
    onPart((layer - 1 + (passage + 1) / passages.length) / (last + 1)),
  );
  const rows = takeRows(tokens, states, config.hidden_size);
  const labels = Int32Array.from(tokens, ({ token }) => token);
  const onBlock = (done: number, total: number) => onPart((last + done / total) / (last + 1));
  const { losses, likeliest } = await scoreTokens(model, rows, labels, { likeliest: true, onBlock });
  tokens.forEach(({ request, token }, r) => {
    const score = scores[request] as Scores[number];
    score.logprob -= losses[r] as number;
    if (likeliest[r] !== token) score.is_greedy = false;
  });
}

/** A pass on its walk: as many rows as it has trees. */
function passageOf(config: ModelConfig): (pass: Pass) => Passage {
  const viewOf = causalViews(config);
  return (pass) => {
    const { trees, isPlain, length } = pass;
    const ids = new Int32Array(trees.length * length);
    for (const [b, tree] of trees.entries()) ids.set(tree.ids, b * length);
    const inputs = () => treeInputs({ ...pass, rows: trees.length }, config);
    const view: View = isPlain ? viewOf(length) : { kind: 'trees', inputs, attend: attendTree };
    return { extent: { batch: trees.length, tokens: length }, ids, view };
  };
}
