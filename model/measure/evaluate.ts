// Perplexity on examples (methods A.8): exp of the mean negative log-likelihood of the response tokens, eos included.
import { tf } from '../../tensor/tf.ts';
import { type Batch, type Example, makeBatch } from '../forward/batches.ts';
import { tokenNll } from '../forward/loss.ts';
import type { Model } from '../forward/model.ts';

/** What is averaged, and over which tokens. */
export interface PerplexitySettings {
  readonly batch_size: number;
  /** Longest sequence, in tokens. */
  readonly max_length: number;
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

/** Scores `examples`; sums are in float64 and in the examples' own order, whatever the batches. */
export async function evaluatePerplexity(
  model: Model,
  examples: readonly Example[],
  settings: PerplexitySettings,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<Perplexity> {
  const scored = settings.scope === 'full' ? examples.map(({ ids }) => ({ ids, labels: ids })) : examples;
  const order = scored.map((_, i) => i).sort((a, b) => lengthOf(scored, a) - lengthOf(scored, b) || a - b);
  const scores = scored.map((): Score => ({ nll: 0, tokens: 0 }));
  for (let at = 0; at < order.length; at += settings.batch_size) {
    const chosen = order.slice(at, at + settings.batch_size);
    const batch = makeBatch(
      chosen.map((i) => scored[i] as Example),
      settings.batch_size,
      settings.max_length,
    );
    await addScores(
      model,
      batch,
      chosen.map((i) => scores[i] as Score),
    );
    onProgress(at + chosen.length, order.length);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return summarise(scores, settings.reduction);
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

async function addScores(model: Model, batch: Batch, scores: readonly Score[]): Promise<void> {
  const nll = tf.tidy(() => tokenNll(model, batch));
  const values = await nll.data();
  nll.dispose();
  values.forEach((value, r) => {
    if (batch.weights[r] === 0) return;
    const row = batch.rows ? (batch.rows[r] as number) : r;
    const score = scores[Math.floor(row / batch.extent.tokens)] as Score;
    score.nll += value;
    score.tokens++;
  });
}

function lengthOf(examples: readonly Example[], i: number): number {
  return (examples[i] as Example).ids.length;
}
