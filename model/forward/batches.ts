// Batches: encoded examples padded to few distinct shapes, in a seeded order that any step can be found in.
import { createRandom, shuffle } from '../../util/random.ts';
import type { Extent } from './pass-operators.ts';

/** The label of a token that is not trained. */
export const ignored = -100;

/** One encoded record: `labels` is aligned to `ids`, with `ignored` where a token does not count. */
export interface Example {
  readonly ids: Int32Array;
  readonly labels: Int32Array;
  /** True where the record was longer and lost its end. */
  readonly is_cut?: boolean;
}

/** Equal-shaped arrays for one forward pass; R rows are scored. */
export interface Batch {
  /** [B*T], padded with 0 on the right. */
  readonly ids: Int32Array;
  readonly extent: Extent;
  /** [R]: rows of the N = B*T hidden states that predict a scored token; null means all N of them. */
  readonly rows: Int32Array | null;
  /** [R]: the token that the row predicts; 0 for padding. */
  readonly labels: Int32Array;
  /** [R]: weight in the loss; 0 for padding. */
  readonly weights: Float32Array;
  /** Scored tokens, padding not counted. */
  readonly count: number;
}

/** A step's batch order: `batch_size` examples each, padded with empty ones in the last batch of an epoch. */
export interface BatchPlan {
  readonly batch_size: number;
  /** Longest sequence, in tokens; longer examples are the caller's mistake. */
  readonly max_length: number;
  readonly seed: number | string;
  /** Put examples of like length together (within a window of the shuffled order); default true. */
  readonly bucketing?: boolean | undefined;
  /** Default: coarse. */
  readonly padding?: Padding | undefined;
}

/** Batches whose examples are sorted by length together: enough to save most padding, few enough to stay random. */
const windowBatches = 32;
/** Few shapes: for models whose layers compute for a shorter time than a shape takes to compile. */
const coarse: Padding = { parts: 4, least: 32, row_parts: 4 };
const fine: Padding = { parts: 16, least: 16, row_parts: 8 };
/** Hidden size from which on a shape that is compiled costs less than what it saves in a few batches. */
const wide = 256;

/** How batches of a model of this width are padded in training. */
export function paddingFor({ hidden_size }: { readonly hidden_size: number }): Padding {
  return hidden_size < wide ? coarse : fine;
}

/** Indices of the examples of each batch of epoch `epoch`; the same arguments give the same order. */
export function planEpoch(examples: readonly Example[], plan: BatchPlan, epoch: number): number[][] {
  const random = createRandom('batches', plan.seed, epoch);
  const order = shuffle(
    examples.map((_, i) => i),
    random,
  );
  if (plan.bucketing === false) return chunks(order, plan.batch_size);
  const length = (i: number) => (examples[i] as Example).ids.length;
  const sorted = chunks(order, plan.batch_size * windowBatches).flatMap((window) =>
    window.sort((a, b) => length(a) - length(b)),
  );
  return shuffle(chunks(sorted, plan.batch_size), random);
}

/** Batches of one epoch. */
export function batchesPerEpoch(examples: readonly Example[], plan: BatchPlan): number {
  return Math.ceil(examples.length / plan.batch_size);
}

/**
 * The batch number `index` (from 0) of the endless sequence of epochs. Epoch plans are made when first needed and the
 * last one is kept, so walking forward is cheap and a resumed run finds its place at once.
 */
export function batchSource(examples: readonly Example[], plan: BatchPlan): (index: number) => Batch {
  const perEpoch = batchesPerEpoch(examples, plan);
  let current: { epoch: number; batches: number[][] } | undefined;
  return (index) => {
    const epoch = Math.floor(index / perEpoch);
    if (current?.epoch !== epoch) current = { epoch, batches: planEpoch(examples, plan, epoch) };
    const chosen = (current.batches[index % perEpoch] as number[]).map((i) => examples[i] as Example);
    return makeBatch(chosen, plan.batch_size, plan.max_length, plan.padding);
  };
}

/** Pads `examples` (at most `batchSize`) to one shape; every scored token has weight 1. */
export function makeBatch(
  examples: readonly Example[],
  batchSize: number,
  maxLength: number,
  padding: Padding = coarse,
): Batch {
  const longest = Math.max(1, ...examples.map(({ ids }) => ids.length));
  if (longest > maxLength) throw new Error(`an example has ${longest} tokens, more than ${maxLength}`);
  const tokens = bucketLength(longest, maxLength, padding);
  const ids = new Int32Array(batchSize * tokens);
  const rows: number[] = [];
  const labels: number[] = [];
  examples.forEach((example, b) => {
    ids.set(example.ids, b * tokens);
    for (let t = 1; t < example.labels.length; t++) {
      if (example.labels[t] === ignored) continue;
      rows.push(b * tokens + t - 1);
      labels.push(example.labels[t] as number);
    }
  });
  return {
    ids,
    extent: { batch: batchSize, tokens },
    ...padRows(rows, labels, batchSize * tokens, padding.row_parts),
    count: rows.length,
  };
}

/** The padded length of a batch whose longest text has `length` tokens: a handful of shapes serve all. */
export function bucketLength(length: number, maxLength: number, steps: LengthSteps = coarse): number {
  return Math.min(maxLength, paddedLength(length, steps));
}

/** A copy of `batch` whose weights are times `scale`. */
export function scaleWeights(batch: Batch, scale: number): Batch {
  return { ...batch, weights: batch.weights.map((weight) => weight * scale) };
}

/** How lengths are padded: to multiples of the next power of two over `parts`, of `least` at least. */
export interface LengthSteps {
  readonly parts: number;
  readonly least: number;
}

/** How a batch is padded: its lengths, and its scored rows to multiples of one of `row_parts` parts of all. */
export interface Padding extends LengthSteps {
  readonly row_parts: number;
}

/** The padded length for `length` tokens: coarse steps give few shapes, each of which is compiled, fine ones little padding. */
export function paddedLength(length: number, { parts, least }: LengthSteps): number {
  const step = Math.max(least, 2 ** Math.ceil(Math.log2(length)) / parts);
  return Math.ceil(length / step) * step;
}

/** Rows are padded to parts of the batch's `total` rows, again to keep shapes few. */
function padRows(
  rows: number[],
  labels: number[],
  total: number,
  parts: number,
): Pick<Batch, 'rows' | 'labels' | 'weights'> {
  const part = Math.max(1, Math.ceil(total / parts));
  const size = Math.min(total, Math.max(1, Math.ceil(rows.length / part)) * part);
  const place = (i: number) => (size === total ? (rows[i] as number) : i);
  const padded = { labels: new Int32Array(size), weights: new Float32Array(size) };
  rows.forEach((_, i) => {
    padded.labels[place(i)] = labels[i] as number;
    padded.weights[place(i)] = 1;
  });
  if (size === total) return { rows: null, ...padded };
  const gathered = new Int32Array(size);
  gathered.set(rows);
  return { rows: gathered, ...padded };
}

function chunks<T>(items: T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}
