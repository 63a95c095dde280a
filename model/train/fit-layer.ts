// One layer in the place of several: it is fitted to what they made of the residual stream, or to the text (LLM-Streamline, arXiv 2403.19135).
import { gatherRows } from '../../tensor/ops.ts';
import { tf } from '../../tensor/tf.ts';
import { layerTensors } from '../architecture/tensors.ts';
import { type Batch, type Example, paddingFor, scaleWeights } from '../forward/batches.ts';
import { embed } from '../forward/forward.ts';
import { nllOfStates } from '../forward/loss.ts';
import { mixedLayer, throughLayers } from '../forward/mixed.ts';
import type { Model } from '../forward/model.ts';
import { plainMix } from '../sharing/layer-mix.ts';
import { consecutive } from '../sharing/sharing.ts';
import { type MicroBatchSettings, microBatches } from './micro-batches.ts';
import type { AdamSettings } from './optimizer.ts';
import { learningRate, type ScheduleSettings } from './schedule.ts';
import { type TrainTask, train } from './train.ts';

/** Which layers become which, and by what they are judged. */
export interface FittedPlace {
  /** The layer that stays and is trained; from 1. */
  readonly start: number;
  /** Layers above it that it stands in for. */
  readonly remove: number;
  /** `mse`: mean squared error of the stream after the last of them; `lm`: negative log-likelihood of the text. */
  readonly loss: 'mse' | 'lm';
}

export interface FitSettings extends FittedPlace, MicroBatchSettings, ScheduleSettings, AdamSettings {
  /** The learning rate at the end of the schedule. */
  readonly lr_end: number;
}

/** A micro batch, with the streams [N, D] in front of the layer and after those that it stands in for where these are compared. */
export interface FitBatch {
  readonly batch: Batch;
  readonly x?: Float32Array;
  readonly y?: Float32Array;
}

/** The tensors of layer `layer` as variables that start as they are; the caller frees them. */
export function layerVariables({ weights }: Pick<Model, 'weights'>, layer: number): Map<string, tf.Variable> {
  const tensors = layerTensors(weights.config, layer);
  return new Map(tensors.map(({ name }) => [name, tf.tidy(() => tf.variable(tf.clone(weights.get(name))))]));
}

/** Trains `variables` (those of {@link layerVariables}) in place; returns the loss of every step. */
export async function fitLayer(
  model: Model,
  variables: ReadonlyMap<string, tf.Variable>,
  examples: readonly Example[],
  settings: FitSettings,
  run: Pick<TrainTask<FitBatch>, 'save' | 'onProgress'> = {},
): Promise<{ losses: number[] }> {
  const { steps, of } = microBatches(examples, settings, paddingFor(model.config));
  const { lr, lr_end } = settings;
  return train<FitBatch>({
    variables,
    steps,
    adam: settings,
    learningRate: (step) => lr_end + (1 - lr_end / lr) * learningRate(settings, step, steps),
    async batches(step) {
      const batches = of(step);
      const tokens = batches.reduce((sum, batch) => sum + batch.count, 0);
      const made: FitBatch[] = [];
      for (const batch of batches) made.push(await withStreams(model, scaleWeights(batch, 1 / tokens), settings));
      return made;
    },
    loss: (batch) => fitLoss(model, variables, settings, batch),
    ...run,
  });
}

/** `batch` with the streams that `mse` compares, as the model itself has them. */
export async function withStreams(model: Model, batch: Batch, { start, remove, loss }: FittedPlace): Promise<FitBatch> {
  if (loss === 'lm') return { batch };
  const x = tf.tidy(() => streamBefore(model, batch, start));
  const y = throughLayers(plainLayers(model, consecutive(start, start + remove)), x, batch.extent);
  const values = (await Promise.all([x.data(), y.data()])) as [Float32Array, Float32Array];
  tf.dispose([x, y]);
  return { batch, x: values[0], y: values[1] };
}

/** The loss of one micro batch: its tokens' losses times their weights, summed. */
export function fitLoss(
  model: Model,
  variables: ReadonlyMap<string, tf.Tensor>,
  { start, remove }: Pick<FittedPlace, 'start' | 'remove'>,
  { batch, x, y }: FitBatch,
): tf.Scalar {
  const own = { ...model.weights, get: (name: string) => variables.get(name) ?? model.weights.get(name) };
  const fitted = { model: { ...model, weights: own }, layer: start, tensors: [] };
  const width = model.config.hidden_size;
  const rows = batch.extent.batch * batch.extent.tokens;
  const before = x === undefined ? streamBefore(model, batch, start) : tf.tensor2d(x, [rows, width]);
  const made = throughLayers([fitted], before, batch.extent);
  const weights = tf.tensor1d(batch.weights, 'float32');
  if (y === undefined) {
    const rest = plainLayers(model, consecutive(start + remove + 1, model.config.num_hidden_layers));
    const nll = nllOfStates(model, batch, throughLayers(rest, made, batch.extent));
    return tf.sum(tf.mul(nll, weights));
  }
  const scored = (states: tf.Tensor2D) =>
    batch.rows === null ? states : gatherRows(states, tf.tensor1d(batch.rows, 'int32'));
  const errors = tf.mean(tf.square(tf.sub(scored(made), scored(tf.tensor2d(y, [rows, width])))), 1);
  return tf.sum(tf.mul(errors, weights));
}

function streamBefore(model: Model, { ids, extent }: Batch, layer: number): tf.Tensor2D {
  const first = embed(model, tf.tensor2d(ids, [extent.batch, extent.tokens], 'int32'));
  return throughLayers(plainLayers(model, consecutive(1, layer - 1)), first, extent);
}

function plainLayers(model: Model, layers: readonly number[]) {
  return layers.map((layer) => mixedLayer(model, plainMix(layer)));
}
