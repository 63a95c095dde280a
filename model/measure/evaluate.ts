// Perplexity on examples (methods A.8): exp of the mean negative log-likelihood of the response tokens, eos included.
import type { Example } from '../forward/batches.ts';
import { type PackSettings, packsOf, passagesOf, runsOf } from '../walk/packs.ts';
import { embedPassages } from '../walk/rows.ts';
import { scoredTokens, takeRows } from '../walk/scored-rows.ts';
import type { StoredModel } from '../walk/stored-model.ts';
import { scoreTokens } from '../walk/vocabulary.ts';
import { createWalk, type Walk } from '../walk/walk.ts';

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

/**
 * Scores `examples`, layer by layer over as many as fit into the memory for their states. Sums are in float64 and in the examples' own
 * order, whatever the passages; a token's own number depends on its passage in its last bits alone.
 */
export async function evaluatePerplexity(
  model: StoredModel,
  examples: readonly Example[],
  settings: PerplexitySettings,
  onProgress: Progress = () => {},
): Promise<Perplexity> {
  const scored = settings.scope === 'full' ? examples.map(({ ids }) => ({ ids, labels: ids })) : examples;
  const lengths = lengthsOf(scored);
  const order = [...lengths.keys()].sort((a, b) => (lengths[a] as number) - (lengths[b] as number) || a - b);
  const runs = runsOf(order, lengths, model.checkpoint.config.hidden_size, settings);
  const scores = scored.map((): Score => ({ nll: 0, tokens: 0 }));
  const walk = createWalk(model);
  for (const [i, run] of runs.entries()) {
    const own = { examples: run.map((text) => scored[text] as Example), settings };
    const onPart = (share: number) => onProgress((i + share) / runs.length);
    const ofRun = run.map((text) => scores[text] as Score);
    await scoreRun(model, walk, own, ofRun, onPart);
  }
  return summarise(scores, settings.reduction);
}

interface Run {
  readonly examples: readonly Example[];
  readonly settings: PackSettings;
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

/** Adds what the examples of a run score; `onPart` is told which share of it is done. */
async function scoreRun(
  model: StoredModel,
  walk: Walk,
  { examples, settings }: Run,
  scores: readonly Score[],
  onPart: (share: number) => void,
): Promise<void> {
  const { config } = model.checkpoint;
  const { num_hidden_layers: last, hidden_size } = config;
  const packs = packsOf(lengthsOf(examples), settings);
  const passages = passagesOf(config, examples, packs, settings);
  const states = await embedPassages(model, passages);
  await walk(passages, states, { first: 1, last }, ({ layer, passage }) =>
    onPart((layer - 1 + (passage + 1) / passages.length) / (last + 1)),
  );
  const scored = scoredTokens(examples, packs, passages);
  const labels = Int32Array.from(scored, ({ token }) => token);
  const rows = takeRows(scored, states, hidden_size);
  const onBlock = (done: number, total: number) => onPart((last + done / total) / (last + 1));
  const { losses } = await scoreTokens(model, rows, labels, { likeliest: false, onBlock });
  scored.forEach(({ text }, r) => {
    const score = scores[text] as Score;
    score.nll += losses[r] as number;
    score.tokens++;
  });
}

function lengthsOf(examples: readonly Example[]): number[] {
  return examples.map(({ ids }) => ids.length);
}
