// The batches of SLW: rows of activations in a seeded order, with what the original MLP makes of them.
import { tf } from '../../tensor/tf.ts';
import { UserError } from '../../util/errors.ts';
import { createRandom, shuffle } from '../../util/random.ts';

/** Rows of activations that can be read in any place: values [count, D]. */
export interface ActivationRows {
  readonly rows: number;
  read(start: number, count: number): Promise<Float32Array>;
}

/** One step's rows: x [count, D], and the original outputs y [count, D] where the loss needs them. */
export interface RowBatch {
  readonly count: number;
  readonly x: Float32Array;
  readonly y: Float32Array | null;
}

/** The part of the settings that says which rows a step sees. */
export interface RowOrder {
  readonly epochs: number;
  readonly batch_tokens: number;
  readonly seed: number | string;
  /** Bytes of activations held at once; more rows than that are shuffled within windows of this size. */
  readonly window_bytes?: number | undefined;
}

const defaultWindowBytes = 2 ** 29;

interface Window {
  readonly start: number;
  readonly count: number;
}

/**
 * All batches have the same number of rows, so that one compiled graph serves them. The rows left over in an epoch are
 * dropped; they are others in each epoch. Windows and the rows in them are shuffled anew every epoch.
 */
export function rowBatches(
  rows: ActivationRows,
  width: number,
  order: RowOrder,
  teacher: ((x: tf.Tensor2D) => tf.Tensor2D) | undefined,
): { steps: number; batch(step: number): Promise<RowBatch> } {
  if (rows.rows === 0)
    throw new UserError('the activations hold no tokens, expected at least 1 (raise the fraction of the data)');
  const count = Math.min(order.batch_tokens, rows.rows);
  const windows = windowsOf(rows.rows, count, width, order.window_bytes ?? defaultWindowBytes);
  const perEpoch = windows.reduce((sum, window) => sum + Math.floor(window.count / count), 0);
  const load = keepLast(async (index: number): Promise<{ x: Float32Array; y: Float32Array | null }> => {
    const window = windows[index] as Window;
    const x = await rows.read(window.start, window.count);
    return { x, y: teacher ? await outputsOf(teacher, x, count, width) : null };
  });
  const shuffled = keepLast((index: number, epoch: number) => {
    const all = Array.from({ length: (windows[index] as Window).count }, (_, i) => i);
    return shuffle(all, createRandom('slw rows', order.seed, epoch, index));
  });
  return {
    steps: order.epochs * perEpoch,
    async batch(step) {
      const epoch = Math.floor(step / perEpoch);
      const visits = shuffle([...windows.keys()], createRandom('slw windows', order.seed, epoch));
      const { index, first } = placeOf(visits, windows, count, step % perEpoch);
      const chosen = shuffled(index, epoch).slice(first, first + count);
      const { x, y } = await load(index);
      return { count, x: gatherRows(x, chosen, width), y: y && gatherRows(y, chosen, width) };
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

/** `teacher` over all rows of `x`, `count` at a time; the last part is filled with zeros to keep one shape. */
async function outputsOf(
  teacher: (x: tf.Tensor2D) => tf.Tensor2D,
  x: Float32Array,
  count: number,
  width: number,
): Promise<Float32Array> {
  const outputs = new Float32Array(x.length);
  for (let at = 0; at < x.length; at += count * width) {
    const part = new Float32Array(count * width);
    part.set(x.subarray(at, at + count * width));
    const y = tf.tidy(() => teacher(tf.tensor2d(part, [count, width])));
    outputs.set((await y.data()).subarray(0, Math.min(count * width, x.length - at)), at);
    y.dispose();
  }
  return outputs;
}

function gatherRows(values: Float32Array, chosen: readonly number[], width: number): Float32Array {
  const gathered = new Float32Array(chosen.length * width);
  chosen.forEach((row, i) => void gathered.set(values.subarray(row * width, (row + 1) * width), i * width));
  return gathered;
}
