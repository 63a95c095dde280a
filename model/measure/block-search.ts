// SLEB: the block whose removal costs least is removed, again and again (arXiv 2402.09025, algorithm 1).
import { tf } from '../../tensor/tf.ts';
import { type Example, makeBatch } from '../forward/batches.ts';
import { embed } from '../forward/forward.ts';
import { nllOfStates } from '../forward/loss.ts';
import { mixedLayer, throughLayers } from '../forward/mixed.ts';
import type { Model } from '../forward/model.ts';
import { plainMix } from '../sharing/layer-mix.ts';
import { consecutive } from '../sharing/sharing.ts';

export interface BlockSearchSettings {
  /** Blocks to remove. */
  readonly count: number;
  /** Living blocks at either end that are never removed. */
  readonly keep_first: number;
  readonly keep_last: number;
  /** Windows per forward pass. */
  readonly batch_size: number;
}

/** One block that was removed: mean negative log-likelihood of a token without it. */
export interface Removal {
  readonly layer: number;
  readonly nll: number;
}

/** How far the search has come: whole rounds, and the batches of the one that is under way. */
export interface BlockSearch {
  readonly removed: readonly Removal[];
  readonly batches: number;
  /** Summed negative log-likelihood by candidate (a layer from 1, as text), over those batches. */
  readonly sums: Readonly<Record<string, number>>;
}

export const searchStart: BlockSearch = { removed: [], batches: 0, sums: {} };

/** The layers that are left. */
export function livingLayers(depth: number, { removed }: Pick<BlockSearch, 'removed'>): number[] {
  const gone = new Set(removed.map(({ layer }) => layer));
  return consecutive(1, depth).filter((layer) => !gone.has(layer));
}

/**
 * The search one batch of windows further; null when all blocks are removed. A batch is walked through once: in front of each candidate
 * the states are at hand, and only what comes after it is run again, which halves a round.
 */
export async function searchStep(
  model: Model,
  windows: readonly Int32Array[],
  settings: BlockSearchSettings,
  search: BlockSearch,
): Promise<BlockSearch | null> {
  if (search.removed.length === settings.count) return null;
  const living = livingLayers(model.config.num_hidden_layers, search);
  const chosen = windows.slice(search.batches * settings.batch_size, (search.batches + 1) * settings.batch_size);
  const found = await batchSums(model, chosen, living, settings);
  const sums = { ...search.sums };
  for (const [layer, nll] of found) sums[layer] = (sums[layer] ?? 0) + nll;
  const batches = search.batches + 1;
  if (batches * settings.batch_size < windows.length) return { ...search, batches, sums };
  const scored = windows.reduce((sum, { length }) => sum + length - 1, 0);
  const best = Object.entries(sums).reduce((least, each) => (each[1] < least[1] ? each : least));
  const removal = { layer: Number(best[0]), nll: best[1] / scored };
  return { removed: [...search.removed, removal], batches: 0, sums: {} };
}

/** Summed negative log-likelihood of one batch without each of the candidates. */
async function batchSums(
  model: Model,
  windows: readonly Int32Array[],
  living: readonly number[],
  { keep_first, keep_last, batch_size }: BlockSearchSettings,
): Promise<Map<number, number>> {
  const examples = windows.map((ids): Example => ({ ids, labels: ids }));
  const batch = makeBatch(examples, batch_size, (windows[0] as Int32Array).length);
  const { extent } = batch;
  const layers = living.map((layer) => mixedLayer(model, plainMix(layer)));
  const sums = new Map<number, number>();
  let h = tf.tidy(() => embed(model, tf.tensor2d(batch.ids, [extent.batch, extent.tokens], 'int32')));
  for (const [place, layer] of living.entries()) {
    if (place >= living.length - keep_last) break;
    if (place >= keep_first) {
      const before = h;
      const nll = tf.tidy(() => nllOfStates(model, batch, throughLayers(layers.slice(place + 1), before, extent)));
      const values = (await nll.data()) as Float32Array;
      nll.dispose();
      sums.set(
        layer,
        values.reduce((sum, value, row) => sum + (batch.weights[row] === 0 ? 0 : value), 0),
      );
    }
    const after = throughLayers(layers.slice(place, place + 1), h, extent);
    h.dispose();
    h = after;
  }
  h.dispose();
  return sums;
}
