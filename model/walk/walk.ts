// A walk: hidden states of many texts are held, and one layer after the other is read, run over all of them and let go.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { layerSteps } from '../sharing/parallel-layers.ts';
import { createLayerReader, type LayerArrays } from './layer-arrays.ts';
import { createLayerRunner, type Look } from './layer-runner.ts';
import type { Passage } from './passage.ts';
import type { StoredModel } from './stored-model.ts';

/** A passage that went through a layer. */
export interface Visit {
  /** From 1; of a pair that runs side by side, the second. */
  readonly layer: number;
  /** Its place among the passages. */
  readonly passage: number;
  /** What the look has made. */
  readonly seen: readonly Float32Array[];
}

/** The layers of a walk (from 1), both included. */
export interface Stretch {
  readonly first: number;
  readonly last: number;
}

/**
 * Takes `states`, [N, D] of each passage as they are before the stretch's first layer, through its layers; they are put in place of the old
 * ones. Where a walk begins is the caller's: at layer 1 with embeddings, or anywhere with states that were kept.
 */
export type Walk = (
  passages: readonly Passage[],
  states: Float32Array[],
  stretch: Stretch,
  visit?: (visit: Visit) => void | Promise<void>,
) => Promise<void>;

/** A walk through `model`; what it has recorded and read last is kept for its life. */
export function createWalk(model: StoredModel, look?: Look): Walk {
  const read = createLayerReader(model);
  const run = createLayerRunner(model, look);
  return async (passages, states, stretch, visit = () => {}) => {
    for (const step of stepsOf(model, stretch)) {
      const arrays: LayerArrays[] = [];
      for (const layer of step) arrays.push(await read(layer));
      for (const [i, passage] of passages.entries()) {
        const [h, ...seen] = await run(arrays, states[i] as Float32Array, passage);
        states[i] = h as Float32Array;
        await visit({ layer: step.at(-1) as number, passage: i, seen });
        await nextTurn(); // the backend blocks: lets a message of the runner in
      }
    }
  };
}

function stepsOf({ checkpoint, recovery }: StoredModel, { first, last }: Stretch): readonly (readonly number[])[] {
  const steps = layerSteps(checkpoint.config.num_hidden_layers, recovery?.parallel);
  const within = steps.filter((step) => step.every((layer) => layer >= first && layer <= last));
  if (within.flat().length === last - first + 1) return within;
  throw new Error(`layers ${first} to ${last} begin or end inside of a pair of parallel layers`);
}
