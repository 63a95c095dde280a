// Perplexity on examples (methods A.8): exp of the mean negative log-likelihood of the response tokens, eos included.
import type { Example } from '../forward/batches.ts';
import type { PackSettings } from '../walk/packs.ts';
import { embedPassages } from '../walk/rows.ts';
import { sortedRuns, type TextRun } from '../walk/runs.ts';
import { scoredTokens, takeRows } from '../walk/scored-rows.ts';
import type { StoredModel } from '../walk/stored-model.ts';
import { scoreTokens } from '../walk/vocabulary.ts';
import { createWalk, type Walk } from '../walk/walk.ts';
import { type KeptStates, statesInOrder } from './kept-states.ts';

/** What is averaged, and over which tokens. */
export interface PerplexitySettings extends PackSettings {
  /** `token_mean` weighs every token alike, `example_mean` every example. */
  readonly reduction: 'token_mean' | 'example_mean';
  /** `response` scores the trained tokens, `full` every token but the first. */
  readonly scope: 'response' | 'full';
}

/** A perplexity and how sure it is. */
export interface Perplexity {
  readonly perplexity: number;
  readonly mean_nll: number;
  /** Standard error of mean_nll over examples, whose tokens are not independent of each other. */
  readonly stderr: number;
  readonly tokens: number;
  readonly examples: number;
}

/** Sum of negative log-likelihoods and token count of one example. */
interface Score {
  nll: number;
  tokens: number;
}

/** Told which share of the work is done, in (0, 1]. */
type Progress = (share: number) => void;

/** What an evaluation may be given beside the model, and whom it tells. */
export interface EvaluationAids {
  /** States of the same texts in a model that has the same layers up to there. */
  readonly beginning?: KeptStates | undefined;
  readonly onProgress?: Progress | undefined;
}

/**
 * Scores `examples`, layer by layer over as many as fit into the memory for their states. Sums are in float64 and in the examples' own
 * order, whatever the passages; a token's own number depends on its passage in its last bits alone. Kept states change no bit.
 */
export async function evaluatePerplexity(
  model: StoredModel,
  examples: readonly Example[],
  settings: PerplexitySettings,
  { beginning, onProgress = () => {} }: EvaluationAids = {},
): Promise<Perplexity> {
  const { config } = model.checkpoint;
  const scored = settings.scope === 'full' ? examples.map(({ ids }) => ({ ids, labels: ids })) : examples;
  const runs = sortedRuns(config, scored, settings);
  const scores = scored.map((): Score => ({ nll: 0, tokens: 0 }));
  const walk = createWalk(model);
  const kept = beginning && statesInOrder(beginning, config.hidden_size);
  const first = 1 + (beginning?.layer ?? 0);
  for (const [i, run] of runs.entries()) {
    const own = { run, examples: run.texts.map((text) => scored[text] as Example), first };
    const states = kept ? await kept(run) : await embedPassages(model, run.passages());
    const onPart = (share: number) => onProgress((i + share) / runs.length);
    const ofRun = run.texts.map((text) => scores[text] as Score);
    await scoreRun({ model, walk, onPart }, own, states, ofRun);
  }
  return summarise(scores, settings.reduction);
}

/** Texts of a run, before layer `first`. */
interface RunAt {
  readonly run: TextRun;
  readonly examples: readonly Example[];
  readonly first: number;
}

/** What takes a run through the layers; `onPart` is told which share of it is done. */
interface Walker {
  readonly model: StoredModel;
  readonly walk: Walk;
  onPart(share: number): void;
}

/** exp of the mean, and the standard error of the mean over examples (of a ratio of sums when tokens weigh alike). */
export function summarise(scores: readonly Score[], reduction: PerplexitySettings['reduction']): Perplexity {
  const weight = ({ tokens }: Score) => (reduction === 'token_mean' ? tokens : 1);
  const value = ({ nll, tokens }: Score) => (reduction === 'token_mean' ? nll : nll / tokens);
  const counted = scores.filter(({ tokens }) => tokens > 0);
  const total = counted.reduce((sum, score) => sum + weight(score), 0);
  const mean = counted.reduce((sum, score) => sum + value(score), 0) / total;
  const n = counted.length;
  const squares = counted.reduce((sum, score) => sum + (value(score) - mean * weight(score)) ** 2, 0);
  const stderr = n > 1 ? Math.sqrt((squares * n) / (n - 1)) / total : Number.NaN;
  const tokens = counted.reduce((sum, score) => sum + score.tokens, 0);
  return { perplexity: Math.exp(mean), mean_nll: mean, stderr, tokens, examples: n };
}

/** Adds what the examples of a run score. */
async function scoreRun(
  { model, walk, onPart }: Walker,
  { run, examples, first }: RunAt,
  states: Float32Array[],
  scores: readonly Score[],
): Promise<void> {
  const { num_hidden_layers: last, hidden_size } = model.checkpoint.config;
  const passages = run.passages();
  const parts = last - first + 2;
  await walk(passages, states, { first, last }, ({ layer, passage }) =>
    onPart((layer - first + (passage + 1) / passages.length) / parts),
  );
  const scored = scoredTokens(examples, run.packs, passages);
  const labels = Int32Array.from(scored, ({ token }) => token);
  const rows = takeRows(scored, states, hidden_size);
  const onBlock = (done: number, total: number) => onPart((parts - 1 + done / total) / parts);
  const { losses } = await scoreTokens(model, rows, labels, { likeliest: false, onBlock });
  scored.forEach(({ text }, r) => {
    const score = scores[text] as Score;
    score.nll += losses[r] as number;
    score.tokens++;
  });
}
