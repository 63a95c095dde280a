// The frozen values of SLW's rows, computed once a unit where they fit, and gathered for each step.
import { mkdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { createReplay, type Replay } from '../../tensor/backend/replay.ts';
import type { tf } from '../../tensor/tf.ts';
import type { MatrixWeights } from '../forward/project.ts';
import type { RunReplacement } from '../sharing/replacement.ts';
import { type KeptRows, keptInFile, keptInMemory } from './kept-rows.ts';
import { type FrozenColumn, type FrozenName, type KeptLimits, placesOf } from './slw-columns.ts';
import { frozenValues } from './slw-frozen.ts';

/** Rows that are computed together. */
const blockRows = 1024;

/** The frozen values that are kept; the others are left to each step. */
export interface KeptFrozen {
  readonly columns: readonly FrozenColumn[];
  /** Sees to it that the rows from `start` on are kept, whose inputs are `x` [n, D]; computes them unless it did so before. */
  fill(start: number, x: Float32Array): Promise<void>;
  /** Each column's rows `chosen`, in arrays that the next call uses again. */
  gather(chosen: readonly number[]): Promise<Map<FrozenName, Float32Array>>;
  /** Frees the memory and removes the files. */
  close(): Promise<void>;
}

/** Keeps what `limits` allow of `columns` for `rows` rows; files lie in `folder`, without which there are none. */
export async function keepFrozen(
  weights: MatrixWeights,
  replacement: RunReplacement,
  columns: readonly FrozenColumn[],
  rows: number,
  limits: KeptLimits,
  folder: string | undefined,
): Promise<KeptFrozen> {
  const places = placesOf(columns, rows, { ...limits, scratch_bytes: await scratchBytes(limits, folder) });
  const kept = places.filter(({ place }) => place !== 'nowhere');
  const stores: KeptRows[] = [];
  for (const { place, name, width } of kept)
    stores.push(
      place === 'memory' ? keptInMemory(rows, width) : await keptInFile(join(folder as string, `${name}.kept`), width),
    );
  const compute = kept.length === 0 ? undefined : frozenReplay(weights, replacement, kept);
  const gather = gatherer(kept, stores);
  const filled = new Set<number>();
  return {
    columns: kept,
    async fill(start, x) {
      if (compute === undefined || filled.has(start)) return;
      await fillRows(compute, stores, start, x, weights.config.hidden_size);
      filled.add(start);
    },
    gather,
    close: async () => void (await Promise.all(stores.map((store) => store.close()))),
  };
}

/** What may be written: no more than half of what the disk has free, and nothing without a folder. */
async function scratchBytes({ scratch_bytes }: KeptLimits, folder: string | undefined): Promise<number> {
  if (folder === undefined) return 0;
  await mkdir(folder, { recursive: true });
  const { bavail, bsize } = await statfs(folder);
  return Math.min(scratch_bytes, (bavail * bsize) / 2);
}

/** x [n, D], of any n -> the columns. */
function frozenReplay(weights: MatrixWeights, replacement: RunReplacement, columns: readonly FrozenColumn[]): Replay {
  return createReplay(([x]) => {
    const value = frozenValues(weights, replacement, x as tf.Tensor2D);
    return columns.map(({ name }) => value(name));
  });
}

async function fillRows(
  compute: Replay,
  stores: readonly KeptRows[],
  start: number,
  x: Float32Array,
  width: number,
): Promise<void> {
  const rows = x.length / width;
  for (let at = 0; at < rows; at += blockRows) {
    const count = Math.min(blockRows, rows - at);
    const data = x.subarray(at * width, (at + count) * width);
    const values = await compute([{ data, shape: [count, width], free: 0 }]);
    for (const [i, store] of stores.entries()) await store.write(start + at, values[i] as Float32Array);
  }
}

function gatherer(columns: readonly FrozenColumn[], stores: readonly KeptRows[]): KeptFrozen['gather'] {
  const buffers = new Map<FrozenName, Float32Array>();
  return async (chosen) => {
    for (const [i, { name, width }] of columns.entries()) {
      const size = chosen.length * width;
      const known = buffers.get(name);
      const into = known?.length === size ? known : new Float32Array(size);
      await (stores[i] as KeptRows).gather(chosen, into);
      buffers.set(name, into);
    }
    return buffers;
  };
}
