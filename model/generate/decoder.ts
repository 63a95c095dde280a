// One token after the other: a text is read once, then each step computes its new token alone against the cache.
//
// B rows (texts), T tokens, S places of the cache, K key/value heads, hd head size, V vocabulary.

import { createReplays, type ReplayInput } from '../../tensor/backend/replay.ts';
import { timesTransposed } from '../../tensor/few-rows.ts';
import { MASKED, rotary } from '../../tensor/ops.ts';
import { pastAttention } from '../../tensor/past-attention.ts';
import { tf } from '../../tensor/tf.ts';
import { type Attend, type Heads, keeping } from '../forward/attend.ts';
import { finalNorm, head, hiddenStates } from '../forward/forward.ts';
import { cachePlaces, KvCache, layersOf } from '../forward/kv-cache.ts';
import { attendingLayers } from '../forward/layer-weights.ts';
import type { Model } from '../forward/model.ts';
import { type RopeTables, ropeAt, ropeOf } from '../forward/rope.ts';
import { keepExperts } from '../forward/router.ts';
import type { ReadingOrder } from './passes.ts';
import { createPromptReader, type Prompt } from './read-prompts.ts';

/** A model that continues B texts; its weights must not change while it is used. */
export interface Decoder {
  readonly model: Model;
  /** Texts that it has room for. */
  readonly rows: number;
  /** Changes how many; texts in rows that stay go on. */
  resize(rows: number): void;
  /** Reads prompts, several at once; each can then become the text of a row, with its logits of what comes next. */
  read(prompts: readonly (readonly number[])[], order?: ReadingOrder): AsyncIterable<readonly Prompt[]>;
  /** Row `row` becomes the text that was read. */
  fill(row: number, prompt: Prompt): void;
  /** Adds the token `tokens[b]` [B] to every row b of `rows`: logits [B, V]; those of other rows mean nothing. */
  step(tokens: Int32Array, rows: readonly number[]): Promise<Float32Array>;
  /** Row `to` goes on with the text of row `from`. */
  move(from: number, to: number): void;
  /** Forgets the text of a row. */
  clear(row: number): void;
}

/** A decoder of the model `given` for texts of at most `maxLength` tokens (default: the model's context). */
export function createDecoder(given: Model, maxLength = given.config.max_position_embeddings): Decoder {
  keepExperts(given);
  const model = { ...given, routes: true };
  const cache = new KvCache(model.config, attendingLayers(model).length);
  const rope = ropeOf(model.config);
  const readPrompts = createPromptReader(model);
  const steps = createReplays(() => stepGraph(withFewRows(model)));
  return {
    model,
    get rows() {
      return cache.rows;
    },
    resize: (rows) => cache.resize(rows, neededPlaces(cache, rows, maxLength)),
    read(prompts, order = 'given') {
      for (const { length } of prompts) checkLength(length, maxLength);
      return readPrompts(prompts, order);
    },
    fill(row, prompt) {
      cache.clear(row);
      cache.resize(cache.rows, Math.max(cache.places, cachePlaces(prompt.places.length, maxLength)));
      cache.fill(row, prompt);
    },
    async step(tokens, rows) {
      for (const row of rows) checkLength((cache.lengths[row] as number) + 1, maxLength);
      cache.resize(cache.rows, Math.max(cache.places, neededPlaces(cache, cache.rows, maxLength)));
      const inputs = stepInputs(cache, tokens, ropeAt(rope, cache.lengths), model.config.sliding_window);
      const [logits, ...found] = await steps(cache.rows)(inputs);
      cache.append(rows, layersOf(found as Float32Array[]));
      return logits as Float32Array;
    },
    move: (from, to) => cache.move(from, to),
    clear: (row) => cache.clear(row),
  };
}

/**
 * ids [B, 1], cos and sin [B, hd/2], mask [B, 1, 1, S], where layers slide their mask, keys and values [B, K, S, hd] of each layer that
 * attends -> logits [B, V], then keys and values [B, K, 1, hd] of each of these.
 */
function stepGraph(model: Model): (inputs: tf.Tensor[]) => tf.Tensor[] {
  const slides = model.config.sliding_window !== undefined;
  const attending = attendingLayers(model);
  return ([ids, cos, sin, mask, ...rest]) => {
    const [near, ...layers] = slides ? rest : [mask, ...rest];
    const attend: Attend = {
      turn: (x) => turnRows(x, cos as tf.Tensor, sin as tf.Tensor),
      mix(layer, { q, k, v }, { scale, window }) {
        const slot = attending.indexOf(layer);
        const [pastK, pastV] = layers.slice(2 * slot, 2 * slot + 2) as [tf.Tensor, tf.Tensor];
        const seen = (window === null ? mask : near) as tf.Tensor;
        return pastAttention(q, k, v, { k: pastK, v: pastV, mask: seen }, scale);
      },
    };
    const seen: Heads[] = [];
    const h = hiddenStates(model, ids as tf.Tensor2D, keeping(attend, seen));
    return [head(model, finalNorm(model, h)), ...seen.flatMap(({ k, v }) => [k, v])];
  };
}

/** The same model, multiplying as it pays for the few rows of a step. */
function withFewRows(model: Model): Model {
  return { ...model, weights: { ...model.weights, times: timesTransposed } };
}

/** Every row stands at a place of its own: the rows x [B, 1, H, hd] are turned as if they were tokens of one text. */
function turnRows(x: tf.Tensor, cos: tf.Tensor, sin: tf.Tensor): tf.Tensor {
  const [batch, , heads, width] = x.shape as [number, number, number, number];
  return tf.reshape(rotary(tf.reshape(x, [1, batch, heads, width]), cos, sin), x.shape);
}

function stepInputs(
  cache: KvCache,
  tokens: Int32Array,
  { cos, sin }: RopeTables,
  window: number | undefined,
): ReplayInput[] {
  const { rows, places, shape } = cache;
  const angles = [rows, cos.length / rows];
  return [
    { data: tokens, shape: [rows, 1] },
    { data: cos, shape: angles },
    { data: sin, shape: angles },
    { data: pastMask(cache), shape: [rows, 1, 1, places], free: 3 },
    ...(window === undefined ? [] : [{ data: pastMask(cache, window), shape: [rows, 1, 1, places], free: 3 }]),
    ...cache.layers.flatMap(({ k, v }) => [
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

/** Room for the longest of the first `rows` texts and its next token. */
function neededPlaces(cache: KvCache, rows: number, maxLength: number): number {
  const longest = cache.lengths.subarray(0, rows).reduce((most, length) => Math.max(most, length), 0);
  return cachePlaces(Math.min(longest + 1, maxLength), maxLength);
}

function checkLength(tokens: number, maxLength: number): void {
  if (tokens < 1 || tokens > maxLength) throw new Error(`a text has ${tokens} tokens, expected 1 to ${maxLength}`);
}
