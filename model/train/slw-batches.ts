// The batches of SLW: rows of activations in a seeded order.
import { UserError } from '../../util/errors.ts';
import { createRandom, shuffle } from '../../util/random.ts';
import { windowBytes } from './slw-columns.ts';

/** Rows of activations that can be read in any place: values [count, D]. */
export interface ActivationRows {
  readonly rows: number;
  read(start: number, count: number): Promise<Float32Array>;
}

/** One step's rows: their numbers, and x [count, D] in an array that the next batch uses again. */
export interface RowBatch {
  readonly chosen: readonly number[];
  readonly x: Float32Array;
}

/** The part of the settings that says which rows a step sees. */
export interface RowOrder {
  readonly epochs: number;
  readonly batch_tokens: number;
  readonly seed: number | string;
  /** Bytes of x held at once; more rows than that are shuffled within windows of this size. */
  readonly window_bytes?: number | undefined;
}

interface Window {
  readonly start: number;
  readonly count: number;
}

/**
 * All batches have the same number of rows, so that one compiled graph serves them. The rows left over in an epoch are
 * dropped; they are others in each epoch. Windows and the rows in them are shuffled anew every epoch. `onWindow` is given the rows
 * from `start` on before the first batch of them, whenever they are read.
 */
export function rowBatches(
  rows: ActivationRows,
  width: number,
  order: RowOrder,
  onWindow: (start: number, x: Float32Array) => Promise<void> = async () => {},
): { steps: number; batch(step: number): Promise<RowBatch> } {
  if (rows.rows === 0)
    throw new UserError('the activations hold no tokens, expected at least 1 (raise the fraction of the data)');
  const count = Math.min(order.batch_tokens, rows.rows);
  const windows = windowsOf(rows.rows, count, width, order.window_bytes ?? windowBytes);
  const perEpoch = windows.reduce((sum, window) => sum + Math.floor(window.count / count), 0);
  const load = keepLast(async (index: number) => {
    const window = windows[index] as Window;
    const x = await rows.read(window.start, window.count);
    await onWindow(window.start, x);
    return { x, start: window.start };
  });
  const shuffled = keepLast((index: number, epoch: number) => {
    const all = Array.from({ length: (windows[index] as Window).count }, (_, i) => i);
    return shuffle(all, createRandom('slw rows', order.seed, epoch, index));
  });
  const gathered = new Float32Array(count * width);
  return {
    steps: order.epochs * perEpoch,
    async batch(step) {
      const epoch = Math.floor(step / perEpoch);
      const visits = shuffle([...windows.keys()], createRandom('slw windows', order.seed, epoch));
      const { index, first } = placeOf(visits, windows, count, step % perEpoch);
      const places = shuffled(index, epoch).slice(first, first + count);
      const { x, start } = await load(index);
      return { chosen: places.map((place) => start + place), x: gatherRows(x, places, width, gathered) };
    },
  };
}

/** `make`, remembering its last result: steps ask for the same window again and again. */
function keepLast<A extends number[], R>(make: (...args: A) => R): (...args: A) => R {
  let last: { key: string; result: R } | undefined;
  return (...args) => {
    const key = args.join();
    if (last?.key === key) return last.result;
    last = undefined;
    const result = make(...args);
    last = { key, result };
    return result;
  };
}

/** Windows of whole batches; the last one takes the rest, which may be less than a batch. */
function windowsOf(rows: number, batch: number, width: number, bytes: number): Window[] {
  const size = Math.max(1, Math.floor(bytes / (4 * width * batch))) * batch;
  return Array.from({ length: Math.ceil(rows / size) }, (_, i) => ({
    start: i * size,
    count: Math.min(size, rows - i * size),
  }));
}

/** The window of the batch number `k` of an epoch that visits windows in the order `visits`, and its first row there. */
function placeOf(
  visits: number[],
  windows: readonly Window[],
  batch: number,
  k: number,
): { index: number; first: number } {
  let left = k;
  for (const index of visits) {
    const batches = Math.floor((windows[index] as Window).count / batch);
    if (left < batches) return { index, first: left * batch };
    left -= batches;
  }
  throw new Error(`batch ${k} is not in the epoch`);
}

/** Copies the rows `chosen` of `values` [n, width] into `into`. */
function gatherRows(values: Float32Array, chosen: readonly number[], width: number, into: Float32Array): Float32Array {
  for (let i = 0; i < chosen.length; i++) {
    const row = chosen[i] as number;
    into.set(values.subarray(row * width, (row + 1) * width), i * width);
  }
  return into;
}
