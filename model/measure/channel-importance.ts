// How much each channel of an MLP matters, after LLM-Pruner (arXiv 2305.11627, section 3.2, and its code): a channel c is row c
// of gate, row c of up and column c of down.
import { tf } from '../../tensor/tf.ts';
import { UserError } from '../../util/errors.ts';
import { type Projection, projections } from '../architecture/roles.ts';
import { tensorName } from '../architecture/tensors.ts';
import { type Batch, type Example, makeBatch, scaleWeights } from '../forward/batches.ts';
import type { Model } from '../forward/model.ts';
import { type GroupReduction, isSecondOrder, type MatrixImportance, needsNoData } from './importances.ts';
import { type MlpGradients, visitMlpGradients } from './mlp-gradients.ts';

/** The scores [F] of a layer's channels in gate, up and down. */
export type MatrixScores = Readonly<Record<Projection, Float32Array>>;

/** The scores of a layer's channels in every form that was asked for. */
export interface ChannelScores {
  readonly forms: readonly MatrixScores[];
  /** The same of each window by itself, where that was asked for. */
  readonly windows: readonly (readonly MatrixScores[])[];
}

/** Which scores are wanted. */
export interface ScoreRequest {
  /** Forms that all need data, or none of them. */
  readonly forms: readonly MatrixImportance[];
  /** Those of each window by itself too: first-order forms alone have them. */
  readonly apart?: boolean;
}

/**
 * The scores of every channel in every matrix, by layer. `windows` are sequences of one length, their own labels;
 * second-order forms take a backward pass for each of them, the others one for all unless they are wanted apart.
 */
export async function channelScores(
  model: Model,
  windows: readonly Int32Array[],
  layers: readonly number[],
  { forms, apart = false }: ScoreRequest,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<Map<number, ChannelScores>> {
  const found = new Map<number, ChannelScores>();
  const ofWindows = new Map<number, (readonly MatrixScores[])[]>(layers.map((layer) => [layer, []]));
  const score = async (layer: number, gradients?: MlpGradients) => {
    const own = { forms: await formScores(model, layer, forms, gradients), windows: ofWindows.get(layer) ?? [] };
    found.set(layer, own);
    onProgress(found.size, layers.length);
  };
  const each = async (layer: number, mean: MlpGradients['mean']) => {
    ofWindows.get(layer)?.push(await formScores(model, layer, forms, { mean }));
  };
  const square = forms.some(isSecondOrder);
  const request = { layers, square, ...(apart && { each }) };
  if (forms.every(needsNoData)) for (const layer of layers) await score(layer);
  else await visitMlpGradients(model, batchesOf(windows, square || apart), request, score);
  return new Map(layers.map((layer) => [layer, found.get(layer) as ChannelScores]));
}

async function formScores(
  model: Model,
  layer: number,
  forms: readonly MatrixImportance[],
  gradients?: MlpGradients,
): Promise<MatrixScores[]> {
  const scores: MatrixScores[] = [];
  for (const form of forms) scores.push(await layerScores(model, layer, form, gradients));
  return scores;
}

function batchesOf(windows: readonly Int32Array[], apart: boolean): Batch[] {
  const examples = windows.map((ids): Example => ({ ids, labels: ids }));
  const groups = apart ? examples.map((example) => [example]) : [examples];
  return groups.map((group) => {
    const batch = makeBatch(group, group.length, Math.max(...group.map(({ ids }) => ids.length)));
    return scaleWeights(batch, 1 / batch.count);
  });
}

async function layerScores(
  model: Model,
  layer: number,
  importance: MatrixImportance,
  gradients?: MlpGradients,
): Promise<MatrixScores> {
  const scores = {} as Record<Projection, Float32Array>;
  for (const projection of projections) {
    const weight = model.weights.get(tensorName(model.config, layer, projection)) as tf.Tensor2D;
    const tensor = tf.tidy(() => matrixScores(importance, projection, weight, gradients));
    const values = (await tensor.data()) as Float32Array;
    tensor.dispose();
    scores[projection] = checked(values, `channel in ${projection} of layer ${layer}`);
  }
  return scores;
}

/** Scores [F] of the channels in one matrix. */
function matrixScores(
  importance: MatrixImportance,
  projection: Projection,
  weight: tf.Tensor2D,
  gradients?: MlpGradients,
): tf.Tensor {
  const axis = projection === 'down' ? 0 : 1;
  if (importance === 'l1') return tf.sum(tf.abs(weight), axis);
  if (importance === 'l2') return tf.sum(tf.square(weight), axis);
  if (gradients === undefined) throw new Error(`importance '${importance}' needs gradients`);
  const first = () => tf.mul(weight, gradients.mean[projection]);
  const second = () => tf.mul(tf.square(weight), gradients.square?.[projection] as tf.Tensor2D);
  if (importance === 'vectorize') return tf.abs(tf.sum(first(), axis));
  if (importance === 'param_first') return tf.sum(tf.abs(first()), axis);
  if (importance === 'param_second') return tf.sum(tf.abs(second()), axis);
  return tf.sum(tf.abs(tf.sub(first(), tf.mul(second(), 0.5))), axis);
}

/** One score per channel from those in the three matrices, in float64. */
export function reduceGroup({ gate, up, down }: MatrixScores, reduction: GroupReduction): Float64Array {
  const reduce: Record<GroupReduction, (g: number, u: number, d: number) => number> = {
    sum: (g, u, d) => g + u + d,
    mean: (g, u, d) => (g + u + d) / 3,
    max: Math.max,
    prod: (g, u, d) => g * u * d,
    first: (g) => g,
    second: (_, u) => u,
  };
  return Float64Array.from(gate, (score, c) => reduce[reduction](score, up[c] as number, down[c] as number));
}

function checked(scores: Float32Array, what: string): Float32Array {
  const bad = scores.find((score) => !Number.isFinite(score));
  if (bad === undefined) return scores;
  throw new UserError(
    `the importance of a ${what} is ${bad}, expected a finite number: look for NaN or very large values in the weights of the model`,
  );
}
