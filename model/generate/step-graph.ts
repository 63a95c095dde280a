// One token of each text against what is kept of those before it: what a step is given, and what its tokens see.
//
// B rows (texts), S places of the cache, K key/value heads, hd head size, D hidden.

import type { ReplayInput } from '../../tensor/backend/replay.ts';
import { timesTransposed } from '../../tensor/few-rows.ts';
import { MASKED, rotary } from '../../tensor/ops.ts';
import { pastAttention } from '../../tensor/past-attention.ts';
import { tf } from '../../tensor/tf.ts';
import type { Attend, Heads } from '../forward/attend.ts';
import type { KvCache, LayerCache } from '../forward/kv-cache.ts';
import type { Model } from '../forward/model.ts';
import type { RopeTables } from '../forward/rope.ts';

/**
 * What the tokens of a step see, from its inputs: what is given [B, ...], cos and sin [B, hd/2], a mask [B, 1, 1, S], where layers slide
 * their mask, keys and values [B, K, S, hd] of each of the layers `attending`.
 */
export function stepAttend(
  { config }: Pick<Model, 'config'>,
  attending: readonly number[],
  [, cos, sin, mask, ...rest]: readonly tf.Tensor[],
): Attend {
  const [near, ...layers] = config.sliding_window !== undefined ? rest : [mask, ...rest];
  return {
    turn: (x) => turnRows(x, cos as tf.Tensor, sin as tf.Tensor),
    mix(layer, { q, k, v }, { scale, window }) {
      const slot = attending.indexOf(layer);
      const [pastK, pastV] = layers.slice(2 * slot, 2 * slot + 2) as [tf.Tensor, tf.Tensor];
      const seen = (window === null ? mask : near) as tf.Tensor;
      return pastAttention(q, k, v, { k: pastK, v: pastV, mask: seen }, scale);
    },
  };
}

/** Keys and values as a graph gives them out: of the first layer its keys, then its values, and so on. */
export function keysAndValues(seen: readonly Pick<Heads, 'k' | 'v'>[]): tf.Tensor[] {
  return seen.flatMap(({ k, v }) => [k, v]);
}

/** The same model, multiplying as it pays for the few rows of a step. */
export function withFewRows(model: Model): Model {
  return { ...model, weights: { ...model.weights, times: timesTransposed } };
}

/** Every row stands at a place of its own: the rows x [B, 1, H, hd] are turned as if they were tokens of one text. */
function turnRows(x: tf.Tensor, cos: tf.Tensor, sin: tf.Tensor): tf.Tensor {
  const [batch, , heads, width] = x.shape as [number, number, number, number];
  return tf.reshape(rotary(tf.reshape(x, [1, batch, heads, width]), cos, sin), x.shape);
}

/** What `stepAttend` reads, behind what is `given`; keys and values of the cache's layers, or of `layers` among them. */
export function stepInputs(
  cache: KvCache,
  given: ReplayInput,
  { cos, sin }: RopeTables,
  window: number | undefined,
  layers: readonly LayerCache[] = cache.layers,
): ReplayInput[] {
  const { rows, places, shape } = cache;
  const angles = [rows, cos.length / rows];
  return [
    given,
    { data: cos, shape: angles },
    { data: sin, shape: angles },
    { data: pastMask(cache), shape: [rows, 1, 1, places], free: 3 },
    ...(window === undefined ? [] : [{ data: pastMask(cache, window), shape: [rows, 1, 1, places], free: 3 }]),
    ...layers.flatMap(({ k, v }) => [
      { data: k, shape, free: 2 },
      { data: v, shape, free: 2 },
    ]),
  ];
}

/** Hides empty places, and those that lie before the last `window - 1` tokens: a new token sees itself too. */
function pastMask({ rows, places, lengths }: KvCache, window = places + 1): Float32Array {
  const mask = new Float32Array(rows * places);
  lengths.forEach((length, row) => {
    mask.fill(MASKED, row * places + length, (row + 1) * places);
    mask.fill(MASKED, row * places, row * places + Math.max(0, length - window + 1));
  });
  return mask;
}
