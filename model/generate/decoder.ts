// One token after the other: a text is read once, then each step computes its new token alone against the cache.
//
// B rows (texts), T tokens, S places of the cache, K key/value heads, hd head size, V vocabulary.

import { createReplays } from '../../tensor/backend/replay.ts';
import type { tf } from '../../tensor/tf.ts';
import { type Heads, keeping } from '../forward/attend.ts';
import { finalNorm, head, hiddenStates } from '../forward/forward.ts';
import { cachePlaces, KvCache, layersOf } from '../forward/kv-cache.ts';
import { attendingLayers } from '../forward/layer-weights.ts';
import type { Model } from '../forward/model.ts';
import { ropeAt, ropeOf } from '../forward/rope.ts';
import { keepExperts } from '../forward/router.ts';
import type { ReadingOrder } from './passes.ts';
import { createPromptReader, type Prompt } from './read-prompts.ts';
import { keysAndValues, stepAttend, stepInputs, withFewRows } from './step-graph.ts';

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
      const given = { data: tokens, shape: [cache.rows, 1] };
      const inputs = stepInputs(cache, given, ropeAt(rope, cache.lengths), model.config.sliding_window);
      const [logits, ...found] = await steps(cache.rows)(inputs);
      cache.append(rows, layersOf(found as Float32Array[]));
      return logits as Float32Array;
    },
    move: (from, to) => cache.move(from, to),
    clear: (row) => cache.clear(row),
  };
}

/** ids [B, 1] and what `stepInputs` gives beside them -> logits [B, V], then keys and values [B, K, 1, hd] of each layer that attends. */
function stepGraph(model: Model): (inputs: tf.Tensor[]) => tf.Tensor[] {
  return (inputs) => {
    const seen: Heads[] = [];
    const attend = stepAttend(model, attendingLayers(model), inputs);
    const h = hiddenStates(model, inputs[0] as tf.Tensor2D, keeping(attend, seen));
    return [head(model, finalNorm(model, h)), ...keysAndValues(seen)];
  };
}

/** Room for the longest of the first `rows` texts and its next token. */
export function neededPlaces(cache: KvCache, rows: number, maxLength: number): number {
  const longest = cache.lengths.subarray(0, rows).reduce((most, length) => Math.max(most, length), 0);
  return cachePlaces(Math.min(longest + 1, maxLength), maxLength);
}

/** A text may have this many tokens, no more. */
export function checkLength(tokens: number, maxLength: number): void {
  if (tokens < 1 || tokens > maxLength) throw new Error(`a text has ${tokens} tokens, expected 1 to ${maxLength}`);
}
