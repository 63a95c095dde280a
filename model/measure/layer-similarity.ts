// How little each layer does to the residual stream, in one pass over examples (methods B.1 and B.4).
//
// State 0 is the stream before layer 1, state l the stream after layer l; the last one is taken before the final norm, which
// belongs to no layer.
import { gatherRows } from '../../tensor/ops.ts';
import { tf } from '../../tensor/tf.ts';
import { type Batch, type Example, makeBatch } from '../forward/batches.ts';
import { embed, runBlock } from '../forward/forward.ts';
import type { Model } from '../forward/model.ts';

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
}

/** Which of a batch's rows are tokens, and which of them are the last of their sequence. */
interface Rows {
  readonly real: readonly number[];
  readonly last: Int32Array;
}

/** Scores every layer of `model` on `examples`; the work is one forward pass, the memory that of one batch. */
export async function layerSimilarity(
  model: Model,
  examples: readonly Example[],
  settings: { readonly batch_size: number; readonly max_length: number },
  onProgress: (done: number, total: number) => void = () => {},
): Promise<LayerSimilarity> {
  const layers = model.config.num_hidden_layers;
  const sums: Sums = {
    angular: Array.from({ length: layers + 1 }, () => new Float64Array(layers + 1)),
    block: new Float64Array(layers),
    attention: new Float64Array(layers),
    mlp: new Float64Array(layers),
  };
  for (let start = 0; start < examples.length; start += settings.batch_size) {
    const chosen = examples.slice(start, start + settings.batch_size);
    const batch = makeBatch(chosen, settings.batch_size, settings.max_length);
    await addBatch(model, batch, rowsOf(chosen, batch), sums);
    onProgress(start + chosen.length, examples.length);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const tokens = examples.reduce((sum, { ids }) => sum + ids.length, 0);
  return summary(sums, examples.length, tokens);
}

function rowsOf(examples: readonly Example[], { extent }: Batch): Rows {
  const real: number[] = [];
  const last: number[] = [];
  examples.forEach(({ ids }, b) => {
    for (let t = 0; t < ids.length; t++) real.push(b * extent.tokens + t);
    last.push(b * extent.tokens + ids.length - 1);
  });
  return { real, last: Int32Array.from(last) };
}

async function addBatch(model: Model, batch: Batch, rows: Rows, sums: Sums): Promise<void> {
  const { batch: sequences, tokens } = batch.extent;
  let h = tf.tidy(() => embed(model, tf.tensor2d(batch.ids, [sequences, tokens], 'int32')));
  const states = [await lastTokens(h, rows)];
  for (let layer = 1; layer <= model.config.num_hidden_layers; layer++) {
    const before = h;
    const after = tf.tidy(() => {
      const { h, attended } = runBlock(model, layer, before, batch.extent);
      return { h, products: productsOf(before, attended, h) };
    });
    before.dispose();
    h = after.h;
    addCosines((await after.products.data()) as Float32Array, rows.real, layer, sums);
    after.products.dispose();
    states.push(await lastTokens(h, rows));
  }
  h.dispose();
  addAngles(states, rows.last.length, sums.angular);
}

/** Row-wise squares and products of input x, middle a and output y of a layer: xx, aa, yy, xa, ay, xy -> [6, N]. */
function productsOf(x: tf.Tensor2D, a: tf.Tensor2D, y: tf.Tensor2D): tf.Tensor2D {
  const dot = (p: tf.Tensor2D, q: tf.Tensor2D) => tf.sum(tf.mul(p, q), 1);
  return tf.stack([dot(x, x), dot(a, a), dot(y, y), dot(x, a), dot(a, y), dot(x, y)]) as tf.Tensor2D;
}

function addCosines(products: Float32Array, real: readonly number[], layer: number, sums: Sums): void {
  const n = products.length / 6;
  const at = (product: number, row: number) => products[product * n + row] as number;
  for (const row of real) {
    const [x, a, y] = [Math.sqrt(at(0, row)), Math.sqrt(at(1, row)), Math.sqrt(at(2, row))];
    add(sums.attention, layer - 1, cosine(at(3, row), x, a));
    add(sums.mlp, layer - 1, cosine(at(4, row), a, y));
    add(sums.block, layer - 1, cosine(at(5, row), x, y));
  }
}

/** The rows of `h` that are the last of their sequence, [sequences * D]. */
async function lastTokens(h: tf.Tensor2D, { last }: Rows): Promise<Float32Array> {
  const rows = tf.tidy(() => gatherRows(h, tf.tensor1d(last, 'int32')));
  const values = (await rows.data()) as Float32Array;
  rows.dispose();
  return values;
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

function summary(sums: Sums, sequences: number, tokens: number): LayerSimilarity {
  const layers = sums.block.length;
  const byLayer = (values: Float64Array, of: (mean: number) => number = (mean) => mean) =>
    Object.fromEntries(Array.from(values, (sum, i) => [i + 1, of(sum / tokens)]));
  const angular: Record<string, Record<string, number>> = {};
  for (let n = 1; n <= layers; n++) {
    const starts = Array.from({ length: layers - n + 1 }, (_, from) => from);
    angular[n] = Object.fromEntries(
      starts.map((from) => [from + 1, (sums.angular[from]?.[from + n] as number) / sequences]),
    );
  }
  return {
    angular,
    block_influence: byLayer(sums.block, (mean) => 1 - mean),
    attention_similarity: byLayer(sums.attention),
    mlp_similarity: byLayer(sums.mlp),
    sequences,
    tokens,
  };
}
