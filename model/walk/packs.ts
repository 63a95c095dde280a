// Texts packed into passages: those of like length together, at most so many tokens, as little padding as may be.
import type { ModelConfig } from '../architecture/model-config.ts';
import { paddedLength } from '../forward/batches.ts';
import { stateBytes } from './bounds.ts';
import { causalViews, type Passage } from './passage.ts';

/** The bounds of a passage. */
export interface PackSettings {
  /** Most tokens of a passage of several texts, padding included. */
  readonly batch_tokens: number;
  /** Most texts of a passage; undefined: as many as fit. */
  readonly batch_size?: number | undefined;
  /** Longest text, in tokens. */
  readonly max_length: number;
}

/** Texts of one passage, by their places in the list. */
export type Pack = readonly number[];

/** A shape costs one layer's compilation, so that steps may be fine: sixteenths of a power of two. */
const steps = { parts: 16, least: 8 } as const;
/** What a passage costs beside its rows, in rows: every matrix is arranged for each product anew. */
const passageCost = 64;

/** Packs texts of `lengths` tokens so that rows and passages together cost least; the shortest texts come first. */
export function packsOf(lengths: readonly number[], settings: PackSettings): Pack[] {
  const order = [...lengths.keys()].sort((a, b) => (lengths[a] as number) - (lengths[b] as number) || a - b);
  const sorted = order.map((i) => lengthOf(lengths[i] as number, settings));
  // the least cost of the first n texts, and how many of them their last passage holds
  const best = [{ cost: 0, texts: 0 }];
  for (let n = 1; n <= order.length; n++) best.push(cheapest(best, n, sorted[n - 1] as number, settings));
  const packs: Pack[] = [];
  for (let n = order.length; n > 0; n -= packs[0]?.length as number) {
    packs.unshift(order.slice(n - (best[n]?.texts as number), n));
  }
  return packs;
}

function cheapest(
  best: readonly { cost: number }[],
  n: number,
  length: number,
  { batch_tokens, batch_size = Number.POSITIVE_INFINITY }: PackSettings,
): { cost: number; texts: number } {
  const most = Math.max(1, Math.min(n, batch_size, Math.floor(batch_tokens / length)));
  let found = { cost: Number.POSITIVE_INFINITY, texts: 0 };
  for (let texts = 1; texts <= most; texts++) {
    const cost = (best[n - texts]?.cost as number) + texts * length + passageCost;
    if (cost < found.cost) found = { cost, texts };
  }
  return found;
}

/** The passages of `texts` as `packs` says. */
export function passagesOf(
  config: ModelConfig,
  texts: readonly { readonly ids: Int32Array }[],
  packs: readonly Pack[],
  settings: Pick<PackSettings, 'max_length'>,
): Passage[] {
  const viewOf = causalViews(config);
  return packs.map((pack) => {
    const chosen = pack.map((i) => texts[i]?.ids as Int32Array);
    const longest = Math.max(1, ...chosen.map((ids) => ids.length));
    if (longest > settings.max_length)
      throw new Error(`a text has ${longest} tokens, more than ${settings.max_length}`);
    const tokens = lengthOf(longest, settings);
    const ids = new Int32Array(pack.length * tokens);
    for (const [b, own] of chosen.entries()) ids.set(own, b * tokens);
    return { extent: { batch: pack.length, tokens }, ids, view: viewOf(tokens) };
  });
}

/** The texts of `order` in runs of this order whose hidden states of `width` numbers take at most `bytes`, a text at least. */
export function runsOf(
  order: readonly number[],
  lengths: readonly number[],
  width: number,
  settings: Pick<PackSettings, 'max_length'>,
  bytes = stateBytes,
): number[][] {
  const runs: number[][] = [];
  let left = 0;
  for (const text of order) {
    const size = 4 * width * lengthOf(lengths[text] as number, settings);
    if (size > left) {
      runs.push([]);
      left = bytes;
    }
    runs.at(-1)?.push(text);
    left -= size;
  }
  return runs;
}

function lengthOf(length: number, { max_length }: Pick<PackSettings, 'max_length'>): number {
  return Math.min(max_length, paddedLength(Math.max(1, length), steps));
}
