// Prompts are read several at once: what begins alike once (model/generate/passes.ts), logits for the last token of each alone.
//
// B rows of a pass, T tokens of a row, R last tokens, K key/value heads, hd head size, V vocabulary.

import { createReplays } from '../../tensor/backend/replay.ts';
import { gatherRows } from '../../tensor/ops.ts';
import type { tf } from '../../tensor/tf.ts';
import { type Heads, keeping } from '../forward/attend.ts';
import { finalNorm, head, hiddenStates } from '../forward/forward.ts';
import { layersOf, type ReadText } from '../forward/kv-cache.ts';
import type { Model } from '../forward/model.ts';
import { type Pass, passesOf, type ReadingOrder } from './passes.ts';
import { passAttend, passInputs } from './tree-pass.ts';

/** A prompt that has been read. */
export interface Prompt extends ReadText {
  /** Its place in the list of prompts. */
  readonly number: number;
  /** Of the token that comes next [V]. */
  readonly logits: Float32Array;
}

/** Rows of a pass beyond which the scores would leave the processor's cache (bench/README.md). */
const mostRows = 8;
/** What is read and has no row yet stays in memory. */
const mostTokens = 1024;

/** Reads the texts `ids`, pass by pass, in the order in which that is least work, or in theirs. */
export function createPromptReader(model: Model) {
  const replays = createReplays(() => (inputs) => readGraph(model, inputs));
  return async function* (ids: readonly (readonly number[])[], order: ReadingOrder): AsyncGenerator<readonly Prompt[]> {
    const passes = passesOf(ids, { rows: mostRows, tokens: mostTokens, order }, model.config);
    // the shortest first, so that the cache has the places that it needs and no more
    if (order === 'length') passes.sort((a, b) => longestOf(a) - longestOf(b));
    for (const pass of passes) yield await readPass(pass);
  };

  async function readPass(pass: Pass): Promise<Prompt[]> {
    const ends = [...new Set(endsOf(pass))];
    const count = ends.length > pass.rows ? fewCounts(ends.length) : pass.rows;
    const last = new Int32Array(count);
    last.set(ends);
    const replay = replays(pass.rows, pass.length, count, Number(pass.isPlain));
    const [logits, ...found] = (await replay([{ data: last, shape: [count] }, ...passInputs(pass, model)])) as [
      Float32Array,
      ...Float32Array[],
    ];
    const layers = layersOf(found);
    const size = model.config.vocab_size;
    return pass.trees.flatMap(({ paths }, row) =>
      [...paths].map(([number, places]) => {
        const end = ends.indexOf(endOf(pass, row, places));
        return {
          number,
          places,
          row,
          rows: pass.rows,
          found: layers,
          logits: logits.subarray(end * size, (end + 1) * size),
        };
      }),
    );
  }
}

/** Last tokens where rows have several: a power of four, so that few graphs are compiled; a logit more costs next to nothing. */
function fewCounts(count: number): number {
  return Math.max(16, 4 ** Math.ceil(Math.log2(count) / 2));
}

/** Tokens of the longest sequence. */
function longestOf({ trees }: Pass): number {
  return Math.max(...trees.flatMap(({ paths }) => [...paths.values()].map(({ length }) => length)));
}

/** The rows of the hidden states [B T] that stand for the sequences' last tokens. */
function endsOf(pass: Pass): number[] {
  return pass.trees.flatMap(({ paths }, row) => [...paths.values()].map((places) => endOf(pass, row, places)));
}

function endOf({ length }: Pass, row: number, places: Int32Array): number {
  return row * length + (places.at(-1) as number);
}

/** Last tokens' rows [R], then the inputs of a pass -> logits [R, V], then keys and values [B, K, T, hd] of each layer. */
function readGraph(model: Model, [last, ...pass]: tf.Tensor[]): tf.Tensor[] {
  const seen: Heads[] = [];
  const h = hiddenStates(model, pass[0] as tf.Tensor2D, keeping(passAttend(model, pass), seen));
  const ends = gatherRows(h, last as tf.Tensor) as tf.Tensor2D;
  return [head(model, finalNorm(model, ends)), ...seen.flatMap(({ k, v }) => [k, v])];
}
