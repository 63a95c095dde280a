// Hidden states of texts between two layers, kept so that models which share the layers before begin there.
import { embedPassages } from '../walk/rows.ts';
import type { TextRun } from '../walk/runs.ts';
import type { StoredModel } from '../walk/stored-model.ts';
import { createWalk } from '../walk/walk.ts';

/** States after a layer, of all passages of all runs in their order. */
export interface KeptStates {
  /** The layer (from 1) that they come out of. */
  readonly layer: number;
  /** `count` rows [count, D] from row `start` on, over all passages. */
  read(start: number, count: number): Promise<Float32Array>;
}

/** After which layers states are kept, and who takes them. */
export interface Keeping {
  /** From 1. */
  readonly layers: ReadonlySet<number>;
  /** Given the states [N, D] of one passage after another. */
  take(layer: number, states: Float32Array): Promise<void>;
  /** Told which share of the work is done. */
  onProgress?(share: number): void;
}

/** Takes the texts of `runs` through `model`, up to the last layer after which states are kept. */
export async function keepStates(
  model: StoredModel,
  runs: readonly TextRun[],
  { layers, take, onProgress = () => {} }: Keeping,
): Promise<void> {
  const last = Math.max(...layers);
  const walk = createWalk(model);
  for (const [i, run] of runs.entries()) {
    const passages = run.passages();
    const states = await embedPassages(model, passages);
    await walk(passages, states, { first: 1, last }, async ({ layer, passage }) => {
      if (layers.has(layer)) await take(layer, states[passage] as Float32Array);
      onProgress((i + (layer - 1 + (passage + 1) / passages.length) / last) / runs.length);
    });
  }
}

/** Reads the states of one run after the other. */
export function statesInOrder({ read }: KeptStates, width: number): (run: TextRun) => Promise<Float32Array[]> {
  let start = 0;
  return async (run) => {
    const states: Float32Array[] = [];
    for (const { ids } of run.passages()) {
      const rows = await read(start, ids.length);
      if (rows.length !== ids.length * width)
        throw new Error(`states of ${rows.length / ids.length} numbers, not ${width}`);
      states.push(rows);
      start += ids.length;
    }
    return states;
  };
}
