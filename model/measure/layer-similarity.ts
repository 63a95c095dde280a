// How little each layer does to the residual stream, and what its MLP adds to it, in one pass over examples (methods B.1 and B.4).
//
// State 0 is the stream before layer 1, state l the stream after layer l; the last one is taken before the final norm, which
// belongs to no layer.
import { tf } from '../../tensor/tf.ts';
import type { Example } from '../forward/batches.ts';
import { type Pack, type PackSettings, packsOf, passagesOf, runsOf } from '../walk/packs.ts';
import type { Passage } from '../walk/passage.ts';
import { embedPassages } from '../walk/rows.ts';
import type { StoredModel } from '../walk/stored-model.ts';
import { createWalk, type Walk } from '../walk/walk.ts';

/** Scores by layer; every key is a number from 1 as text. */
export interface LayerSimilarity {
  /**
   * angular[n][l]: angular distance between the stream before layer l and the stream n layers later, on the last token of
   * each sequence, mean over sequences; in [0, 1] (arXiv 2403.17887). Small where layers l to l+n-1 do little.
   */
  readonly angular: Record<string, Record<string, number>>;
  /** 1 - mean over tokens of the cosine between a layer's input and output (arXiv 2403.03853). */
  readonly block_influence: Record<string, number>;
  /** Mean over tokens of the cosine between the stream before and after the layer's attention (arXiv 2406.15786). */
  readonly attention_similarity: Record<string, number>;
  /** The same before and after the layer's MLP. */
  readonly mlp_similarity: Record<string, number>;
  /** Root mean square of what a layer's MLP adds to the stream, over tokens and channels. */
  readonly mlp_output: Record<string, number>;
  /** The share of its squares that the first tokens of the sequences have; a token in T has 1/T of them where all are alike. */
  readonly mlp_first_token: Record<string, number>;
  /** Its largest absolute element: a massive activation, where it is hundreds of times `mlp_output` or more (arXiv 2402.17762). */
  readonly mlp_largest: Record<string, number>;
  /** The channel of that element, from 0. */
  readonly mlp_largest_channel: Record<string, number>;
  readonly sequences: number;
  readonly tokens: number;
}

/** Sums over examples, in float64. */
interface Sums {
  /** By first state and later state. */
  readonly angular: Float64Array[];
  readonly block: Float64Array;
  readonly attention: Float64Array;
  readonly mlp: Float64Array;
  readonly output: Output;
}

/** What the MLP of each layer adds: squares of all tokens and of first ones, the largest element and its channel. */
interface Output {
  readonly squares: Float64Array;
  readonly first: Float64Array;
  readonly largest: Float64Array;
  readonly channel: Int32Array;
}

/** The states of the last tokens of a run's texts: of each state [texts, D]. */
type LastStates = readonly Float32Array[];

/** Scores every layer of `model` on `examples`, layer by layer over as many as fit into the memory for their states. */
export async function layerSimilarity(
  model: StoredModel,
  examples: readonly Example[],
  settings: PackSettings,
  onProgress: (share: number) => void = () => {},
): Promise<LayerSimilarity> {
  const { hidden_size, num_hidden_layers: layers } = model.checkpoint.config;
  const sums: Sums = {
    angular: Array.from({ length: layers + 1 }, () => new Float64Array(layers + 1)),
    block: new Float64Array(layers),
    attention: new Float64Array(layers),
    mlp: new Float64Array(layers),
    output: {
      squares: new Float64Array(layers),
      first: new Float64Array(layers),
      largest: new Float64Array(layers),
      channel: new Int32Array(layers),
    },
  };
  const lengths = examples.map(({ ids }) => ids.length);
  const runs = runsOf([...examples.keys()], lengths, hidden_size, settings);
  const walk = createWalk(model, (h, made) => [productsOf(h, made.attended, made.h)]);
  for (const [i, run] of runs.entries()) {
    const texts = run.map((text) => examples[text] as Example);
    const last = await addRun(model, walk, { texts, settings }, sums, (share) => onProgress((i + share) / runs.length));
    addAngles(last, texts.length, sums.angular);
  }
  const tokens = lengths.reduce((a, b) => a + b, 0);
  return { ...similarities(sums, examples.length, tokens), ...outputs(sums.output, tokens * hidden_size) };
}

interface Run {
  readonly texts: readonly Example[];
  readonly settings: PackSettings;
}

/** Adds the cosines of all tokens of a run, in the order of its passages; returns the states of its last tokens. */
async function addRun(
  model: StoredModel,
  walk: Walk,
  { texts, settings }: Run,
  sums: Sums,
  onPart: (share: number) => void,
): Promise<LastStates> {
  const { config } = model.checkpoint;
  const { hidden_size: width, num_hidden_layers: layers } = config;
  const packs = packsOf(
    texts.map(({ ids }) => ids.length),
    settings,
  );
  const passages = passagesOf(config, texts, packs, settings);
  const states = await embedPassages(model, passages);
  const last = Array.from({ length: layers + 1 }, () => new Float32Array(texts.length * width));
  const rows = packs.map((pack, i) => rowsOf(pack, texts, passages[i] as Passage));
  const keep = (state: number, passage: number) => {
    packs[passage]?.forEach((text, b) => {
      const row = (rows[passage]?.last[b] as number) * width;
      last[state]?.set((states[passage] as Float32Array).subarray(row, row + width), text * width);
    });
  };
  for (const i of passages.keys()) keep(0, i);
  await walk(passages, states, { first: 1, last: layers }, ({ layer, passage, seen }) => {
    const { real, first } = rows[passage] as RowKinds;
    addCosines(seen[0] as Float32Array, real, layer, sums);
    addOutputs(seen[0] as Float32Array, { real, first }, layer - 1, sums.output);
    keep(layer, passage);
    onPart((layer - 1 + (passage + 1) / passages.length) / layers);
  });
  return last;
}

/** Which of a passage's rows are tokens, and which of them are the first and the last of their text. */
interface RowKinds {
  readonly real: readonly number[];
  readonly first: ReadonlySet<number>;
  readonly last: readonly number[];
}

function rowsOf(pack: Pack, texts: readonly Example[], { extent }: Passage): RowKinds {
  const ends = pack.map((text, b) => b * extent.tokens + (texts[text] as Example).ids.length);
  const real = ends.flatMap((end, b) => {
    const start = b * extent.tokens;
    return Array.from({ length: end - start }, (_, t) => start + t);
  });
  const first = new Set(pack.map((_, b) => b * extent.tokens));
  return { real, first, last: ends.map((end) => end - 1) };
}

/**
 * By row, of input x, middle a and output y of a layer: xx, aa, yy, xa, ay, xy, then of what the MLP adds, u = y - a, its square, its largest
 * absolute element and the channel of that -> [9, N].
 */
function productsOf(x: tf.Tensor2D, a: tf.Tensor2D, y: tf.Tensor2D): tf.Tensor2D {
  const dot = (p: tf.Tensor2D, q: tf.Tensor2D) => tf.sum(tf.mul(p, q), 1);
  const added: tf.Tensor2D = tf.sub(y, a);
  const size = tf.abs(added);
  const ofAdded = [dot(added, added), tf.max(size, 1), tf.cast(tf.argMax(size, 1), 'float32')];
  return tf.stack([dot(x, x), dot(a, a), dot(y, y), dot(x, a), dot(a, y), dot(x, y), ...ofAdded]) as tf.Tensor2D;
}

/** The values of `productsOf`, by their number and row. */
function readerOf(products: Float32Array): (product: number, row: number) => number {
  const rows = products.length / 9;
  return (product, row) => products[product * rows + row] as number;
}

function addCosines(products: Float32Array, real: readonly number[], layer: number, sums: Sums): void {
  const at = readerOf(products);
  for (const row of real) {
    const [x, a, y] = [Math.sqrt(at(0, row)), Math.sqrt(at(1, row)), Math.sqrt(at(2, row))];
    add(sums.attention, layer - 1, cosine(at(3, row), x, a));
    add(sums.mlp, layer - 1, cosine(at(4, row), a, y));
    add(sums.block, layer - 1, cosine(at(5, row), x, y));
  }
}

function addOutputs(
  products: Float32Array,
  { real, first }: Pick<RowKinds, 'real' | 'first'>,
  layer: number,
  { squares, first: ofFirst, largest, channel }: Output,
): void {
  const at = readerOf(products);
  for (const row of real) {
    add(squares, layer, at(6, row));
    if (first.has(row)) add(ofFirst, layer, at(6, row));
    if (at(7, row) <= (largest[layer] as number)) continue;
    largest[layer] = at(7, row);
    channel[layer] = at(8, row);
  }
}

function addAngles(states: readonly Float32Array[], sequences: number, angular: Float64Array[]): void {
  const width = (states[0] as Float32Array).length / sequences;
  for (let b = 0; b < sequences; b++) {
    const vectors = states.map((values) => values.subarray(b * width, (b + 1) * width));
    const norms = vectors.map((vector) => Math.sqrt(dot(vector, vector)));
    for (let from = 0; from < vectors.length; from++) {
      for (let to = from + 1; to < vectors.length; to++) {
        const product = dot(vectors[from] as Float32Array, vectors[to] as Float32Array);
        const value = cosine(product, norms[from] as number, norms[to] as number);
        add(angular[from] as Float64Array, to, Math.acos(value) / Math.PI);
      }
    }
  }
}

/** Clamped to [-1, 1], which rounding may leave; 0 for a vector of zeros, as in PyTorch. */
function cosine(product: number, normA: number, normB: number): number {
  return Math.min(1, Math.max(-1, product / (Math.max(normA, 1e-8) * Math.max(normB, 1e-8))));
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

function add(sums: Float64Array, i: number, value: number): void {
  sums[i] = (sums[i] as number) + value;
}

/** `of` of each layer's value, by the layer's number. */
function byLayer(values: ArrayLike<number>, of: (value: number, layer: number) => number): Record<string, number> {
  return Object.fromEntries(Array.from(values, (value, i) => [i + 1, of(value, i)]));
}

function outputs({ squares, first, largest, channel }: Output, elements: number) {
  const same = (value: number) => value;
  return {
    mlp_output: byLayer(squares, (sum) => Math.sqrt(sum / elements)),
    mlp_first_token: byLayer(first, (sum, i) => (sum === 0 ? 0 : sum / (squares[i] as number))),
    mlp_largest: byLayer(largest, same),
    mlp_largest_channel: byLayer(channel, same),
  };
}

function similarities(sums: Sums, sequences: number, tokens: number) {
  const layers = sums.block.length;
  const mean = (sum: number) => sum / tokens;
  const angular: Record<string, Record<string, number>> = {};
  for (let n = 1; n <= layers; n++) {
    const starts = Array.from({ length: layers - n + 1 }, (_, from) => from);
    angular[n] = Object.fromEntries(
      starts.map((from) => [from + 1, (sums.angular[from]?.[from + n] as number) / sequences]),
    );
  }
  return {
    angular,
    block_influence: byLayer(sums.block, (sum) => 1 - mean(sum)),
    attention_similarity: byLayer(sums.attention, mean),
    mlp_similarity: byLayer(sums.mlp, mean),
    sequences,
    tokens,
  };
}
