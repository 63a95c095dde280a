// One token after the other: a text is read once, then each step computes its new token alone against the cache.
//
// B rows (texts), T tokens, S places of the cache, K key/value heads, hd head size, V vocabulary.
import { gatherRows, MASKED, rotary } from '../tensor/ops.ts';
import { pastAttention } from '../tensor/past-attention.ts';
import { createReplay, type Replay, type ReplayInput } from '../tensor/replay.ts';
import { tf } from '../tensor/tf.ts';
import { type Attend, causal, type Heads } from './attend.ts';
import { bucketLength } from './batches.ts';
import { cachePlaces, KvCache, type LayerCache } from './kv-cache.ts';
import { finalNorm, head, hiddenStates } from './llama.ts';
import type { Model } from './model.ts';
import { inverseFrequencies, ropeAt } from './rope.ts';

/** A model that continues B texts; its weights must not change while it is used. */
export interface Decoder {
  readonly model: Model;
  /** Texts that it has room for. */
  readonly rows: number;
  /** Changes how many; texts in rows that stay go on. */
  resize(rows: number): void;
  /** Row `row` becomes the text `ids`: logits [V] of what comes next. */
  prefill(row: number, ids: ArrayLike<number>): Promise<Float32Array>;
  /** Adds the token `tokens[b]` [B] to every row b of `rows`: logits [B, V]; those of other rows mean nothing. */
  step(tokens: Int32Array, rows: readonly number[]): Promise<Float32Array>;
  /** Row `to` goes on with the text of row `from`. */
  move(from: number, to: number): void;
  /** Forgets the text of a row. */
  clear(row: number): void;
}

/** A decoder of `model` for texts of at most `maxLength` tokens (default: the model's context). */
export function createDecoder(model: Model, maxLength = model.config.max_position_embeddings): Decoder {
  const cache = new KvCache(model.config);
  const frequencies = inverseFrequencies(model.config);
  const prefills = replays((tokens) => prefillGraph(model, tokens));
  const steps = replays(() => stepGraph(model));
  return {
    model,
    get rows() {
      return cache.rows;
    },
    resize: (rows) => cache.resize(rows, neededPlaces(cache, rows, maxLength)),
    async prefill(row, ids) {
      checkLength(ids.length, maxLength);
      const tokens = bucketLength(ids.length, maxLength);
      const padded = new Int32Array(tokens);
      padded.set(ids);
      const [logits, ...found] = await prefills(tokens)([
        { data: padded, shape: [1, tokens] },
        { data: Int32Array.of(ids.length - 1), shape: [1] },
      ]);
      cache.clear(row);
      cache.resize(cache.rows, Math.max(cache.places, cachePlaces(ids.length, maxLength)));
      cache.fill(row, ids.length, layersOf(found as Float32Array[]));
      return logits as Float32Array;
    },
    async step(tokens, rows) {
      for (const row of rows) checkLength((cache.lengths[row] as number) + 1, maxLength);
      cache.resize(cache.rows, Math.max(cache.places, neededPlaces(cache, cache.rows, maxLength)));
      const inputs = stepInputs(cache, tokens, ropeAt(frequencies, cache.lengths));
      const [logits, ...found] = await steps(cache.rows, cache.places)(inputs);
      cache.append(rows, layersOf(found as Float32Array[]));
      return logits as Float32Array;
    },
    move: (from, to) => cache.move(from, to),
    clear: (row) => cache.clear(row),
  };
}

/** One replayed computation for each combination of sizes. */
function replays(build: (...sizes: number[]) => (inputs: tf.Tensor[]) => tf.Tensor[]): (...sizes: number[]) => Replay {
  const known = new Map<string, Replay>();
  return (...sizes) => {
    const key = sizes.join();
    const replay = known.get(key) ?? createReplay(build(...sizes));
    known.set(key, replay);
    return replay;
  };
}

/** ids [1, T], the last token's place [1] -> logits [1, V], then keys and values [1, K, T, hd] of each layer. */
function prefillGraph(model: Model, tokens: number): (inputs: tf.Tensor[]) => tf.Tensor[] {
  return ([ids, last]) => {
    const seen: Heads[] = [];
    const h = hiddenStates(model, ids as tf.Tensor2D, keeping(causal(model, tokens), seen));
    return outputs(model, gatherRows(h, last as tf.Tensor) as tf.Tensor2D, seen);
  };
}

/** ids [B, 1], cos and sin [B, hd/2], mask [B, 1, 1, S], keys and values [B, K, S, hd] of each layer -> as `prefillGraph`. */
function stepGraph(model: Model): (inputs: tf.Tensor[]) => tf.Tensor[] {
  return ([ids, cos, sin, mask, ...layers]) => {
    const attend: Attend = {
      turn: (x) => turnRows(x, cos as tf.Tensor, sin as tf.Tensor),
      mix(layer, { q, k, v }, scale) {
        const [pastK, pastV] = layers.slice(2 * layer - 2, 2 * layer) as [tf.Tensor, tf.Tensor];
        return pastAttention(q, k, v, { k: pastK, v: pastV, mask: mask as tf.Tensor }, scale);
      },
    };
    const seen: Heads[] = [];
    return outputs(model, hiddenStates(model, ids as tf.Tensor2D, keeping(attend, seen)), seen);
  };
}

/** Every row stands at a place of its own: the rows x [B, 1, H, hd] are turned as if they were tokens of one text. */
function turnRows(x: tf.Tensor, cos: tf.Tensor, sin: tf.Tensor): tf.Tensor {
  const [batch, , heads, width] = x.shape as [number, number, number, number];
  return tf.reshape(rotary(tf.reshape(x, [1, batch, heads, width]), cos, sin), x.shape);
}

/** `attend`, with what every layer saw put into `seen`. */
function keeping({ turn, mix }: Attend, seen: Heads[]): Attend {
  return {
    turn,
    mix(layer, heads, scale) {
      seen.push(heads);
      return mix(layer, heads, scale);
    },
  };
}

function outputs(model: Model, h: tf.Tensor2D, seen: readonly Heads[]): tf.Tensor[] {
  return [head(model, finalNorm(model, h)), ...seen.flatMap(({ k, v }) => [k, v])];
}

function layersOf(arrays: readonly Float32Array[]): LayerCache[] {
  return Array.from({ length: arrays.length / 2 }, (_, l) => ({
    k: arrays[2 * l] as Float32Array,
    v: arrays[2 * l + 1] as Float32Array,
  }));
}

function stepInputs(
  cache: KvCache,
  tokens: Int32Array,
  { cos, sin }: { cos: Float32Array; sin: Float32Array },
): ReplayInput[] {
  const { rows, places, shape } = cache;
  const mask = new Float32Array(rows * places);
  cache.lengths.forEach((length, row) => {
    mask.fill(MASKED, row * places + length, (row + 1) * places);
  });
  const angles = [rows, cos.length / rows];
  return [
    { data: tokens, shape: [rows, 1] },
    { data: cos, shape: angles },
    { data: sin, shape: angles },
    { data: mask, shape: [rows, 1, 1, places] },
    ...cache.layers.flatMap(({ k, v }) => [
      { data: k, shape },
      { data: v, shape },
    ]),
  ];
}

/** Room for the longest of the first `rows` texts and its next token. */
function neededPlaces(cache: KvCache, rows: number, maxLength: number): number {
  const longest = cache.lengths.subarray(0, rows).reduce((most, length) => Math.max(most, length), 0);
  return cachePlaces(Math.min(longest + 1, maxLength), maxLength);
}

function checkLength(tokens: number, maxLength: number): void {
  if (tokens < 1 || tokens > maxLength) throw new Error(`a text has ${tokens} tokens, expected 1 to ${maxLength}`);
}
