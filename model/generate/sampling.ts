// The next token from the logits: the largest, or one drawn from a part of the distribution.
import { UserError } from '../../util/errors.ts';
import type { Random } from '../../util/random.ts';

/** How the next token is chosen; transformers' names and order (temperature, then top-k, then top-p). */
export interface Sampling {
  /** Divides the logits; 0 takes the largest, the first of equal ones. */
  readonly temperature: number;
  /** Only the k largest logits, and those equal to the k-th; 0 for all. */
  readonly top_k: number;
  /** Only the likeliest tokens whose probabilities add up to p; 1 for all. */
  readonly top_p: number;
}

/** The largest logit. */
export const greedy: Sampling = { temperature: 0, top_k: 0, top_p: 1 };

/** Tokens this many temperatures below the largest weigh 4e-18: less than a draw of 32 bits can tell from nothing. */
const negligible = 40;

/** The token chosen from `logits` [V]. Throws UserError where they are no numbers. */
export function chooseToken(logits: Float32Array, sampling: Sampling, random: Random): number {
  const best = largest(logits);
  if (sampling.temperature === 0) return best;
  const kept = candidates(logits, sampling);
  let left = random.uniform();
  for (const { token, probability } of kept) {
    left -= probability;
    if (left < 0) return token;
  }
  return (kept.at(-1) as Candidate).token; // what rounding left over
}

/** A token that may be drawn. */
export interface Candidate {
  readonly token: number;
  readonly probability: number;
}

/** What `sampling` draws from, likeliest first (equal ones by token), in float64; the probabilities add up to 1. */
export function candidates(logits: Float32Array, { temperature, top_k, top_p }: Sampling): Candidate[] {
  const highest = logits[largest(logits)] as number;
  const heavy = Array.from(logits.keys()).filter(
    (token) => (logits[token] as number) >= highest - negligible * temperature,
  );
  const order = heavy.sort((a, b) => (logits[b] as number) - (logits[a] as number) || a - b);
  const least = top_k > 0 && top_k < order.length ? (logits[order[top_k - 1] as number] as number) : -Infinity;
  const likely = order.filter((token) => (logits[token] as number) >= least);
  const scored = normalised(
    likely.map((token) => {
      return { token, probability: Math.exp(((logits[token] as number) - highest) / temperature) };
    }),
  );
  return top_p < 1 ? normalised(nucleus(scored, top_p)) : scored;
}

/** The shortest beginning whose probabilities reach `p`; at least one token. */
function nucleus(scored: readonly Candidate[], p: number): Candidate[] {
  let sum = 0;
  const end = scored.findIndex(({ probability }) => {
    sum += probability;
    return sum >= p;
  });
  return scored.slice(0, end < 0 ? scored.length : end + 1);
}

function normalised(scored: readonly Candidate[]): Candidate[] {
  const sum = scored.reduce((total, { probability }) => total + probability, 0);
  return scored.map(({ token, probability }) => ({ token, probability: probability / sum }));
}

function largest(logits: Float32Array): number {
  let best = 0;
  for (let token = 1; token < logits.length; token++) {
    if ((logits[token] as number) > (logits[best] as number)) best = token;
  }
  if (!Number.isFinite(logits[best])) {
    throw new UserError(
      `the model's logits are not finite (${logits[best]}): look for NaN or very large values in its weights and recovery parameters`,
    );
  }
  return best;
}
