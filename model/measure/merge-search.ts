// LaCo: from the top down, layers are merged into one below them as long as the model's output stays similar.
//
// Layer collapse (arXiv 2402.11187), algorithm 1; the similarity is that of its release (yangyifei729/LaCo at 8483587): the cosine of
// the last hidden states after the final norm, all tokens of a text as one vector, mean over texts.
import { tf } from '../../tensor/tf.ts';
import { embed, finalNorm } from '../forward/forward.ts';
import { type MixedLayer, mixedLayer, throughLayers } from '../forward/mixed.ts';
import type { Model } from '../forward/model.ts';
import { isPlain, type LayerMix, type MergeVariant, mergeLayers, plainMix } from '../sharing/layer-mix.ts';
import { consecutive } from '../sharing/sharing.ts';
import { cosinesOf } from './cosines.ts';

export interface MergeSettings {
  readonly variant: MergeVariant;
  /** Layers that become one. */
  readonly merge: number;
  /** The similarity that a merge must exceed. */
  readonly threshold: number;
  /** Layers to go down after a merge. */
  readonly interval: number;
  /** The lowest layer that others may be merged into, and the highest that takes part in the first merge's choice; from 1. */
  readonly lowest: number;
  readonly highest: number;
}

/** One merge that was tried. */
export interface MergeTry {
  /** The layer of the model as it then was, and how many above it went into it. */
  readonly layer: number;
  readonly merged: number;
  readonly similarity: number;
  readonly accepted: boolean;
}

/** How far the search has come. */
export interface MergeSearch {
  readonly layers: readonly LayerMix[];
  /** The place (from 0) to be tried next; the search is over below `lowest`. */
  readonly at: number;
  readonly tries: readonly MergeTry[];
}

/** The search before its first try, for a model of `depth` layers. */
export function mergeStart(depth: number, { highest, merge }: MergeSettings): MergeSearch {
  return { layers: consecutive(1, depth).map(plainMix), at: highest - 1 - merge, tries: [] };
}

/** True while there is something to try. */
export function isMerging({ at }: MergeSearch, { lowest }: MergeSettings): boolean {
  return at >= lowest - 1;
}

/** The search with its next merge tried: `similarity` compares what it makes with the original. */
export async function tryMerge(
  search: MergeSearch,
  settings: MergeSettings,
  similarity: (layers: readonly LayerMix[]) => Promise<number>,
): Promise<MergeSearch> {
  const { layers, at, tries } = search;
  const merged = Math.min(settings.merge - 1, layers.length - at - 1);
  const candidate = mergeLayers(layers, at, merged, settings.variant);
  const found = await similarity(candidate);
  const accepted = found > settings.threshold;
  const tried = [...tries, { layer: at + 1, merged, similarity: found, accepted }];
  if (!accepted) return { layers, at: at - 1, tries: tried };
  const below = at - settings.interval;
  return {
    layers: candidate,
    at: below >= candidate.length ? candidate.length - 1 - settings.merge : below,
    tries: tried,
  };
}

/** The original's outputs on windows of one length, with which mixtures of its layers are compared. */
export interface OutputComparison {
  similarity(layers: readonly LayerMix[]): Promise<number>;
  dispose(): void;
}

/** Runs the original once over `windows`; the states in front of each layer are kept, so that a mixture starts where it differs. */
export function compareOutputs(model: Model, windows: readonly Int32Array[]): OutputComparison {
  const tokens = (windows[0] as Int32Array).length;
  const extent = { batch: windows.length, tokens };
  const ids = tf.tensor2d(Int32Array.from(windows.flatMap((window) => [...window])), [windows.length, tokens], 'int32');
  const states = [tf.tidy(() => embed(model, ids))];
  ids.dispose();
  for (let layer = 1; layer <= model.config.num_hidden_layers; layer++) {
    states.push(throughLayers([mixedLayer(model, plainMix(layer))], states.at(-1) as tf.Tensor2D, extent));
  }
  const expected = tf.tidy(() => finalNorm(model, states.at(-1) as tf.Tensor2D));
  return {
    async similarity(layers) {
      const same = layers.findIndex((mix, i) => !isPlain(mix) || mix.base !== i + 1);
      const first = same === -1 ? layers.length : same;
      let h = tf.clone(states[first] as tf.Tensor2D);
      for (const mix of layers.slice(first)) h = through(mixedLayer(model, mix), h, extent);
      // of each text all its states as one vector
      const each = (states: tf.Tensor) => tf.reshape(states, [windows.length, -1]) as tf.Tensor2D;
      const cosines = tf.tidy(() => cosinesOf(each(finalNorm(model, h)), each(expected)));
      const values = (await cosines.data()) as Float32Array;
      tf.dispose([h, cosines]);
      return values.reduce((sum, value) => sum + value, 0) / windows.length;
    },
    dispose: () => tf.dispose([...states, expected]),
  };
}

/** h through one layer; both are freed. */
function through(layer: MixedLayer, h: tf.Tensor2D, extent: { batch: number; tokens: number }): tf.Tensor2D {
  const after = throughLayers([layer], h, extent);
  tf.dispose([h, ...layer.tensors]);
  return after;
}
