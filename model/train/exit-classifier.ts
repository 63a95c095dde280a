// The classifier of early exits: one linear function of a state, shared by all exits, that says whether the last layer would say the same token
// (CALM, arXiv 2207.07061, and its code, google-research/t5x@cc342d4 t5x/contrib/calm/models.py). The model is frozen.
//
// R rows (tokens that count), E exits, D hidden.
import { tf } from '../../tensor/tf.ts';
import { variablesOf } from '../architecture/weights.ts';
import { type ClassifierLoss, classifiesLast, consistentShares, firstConsistent } from '../exits/classifier-losses.ts';
import type { ExitClassifier } from '../exits/exit-rule.ts';
import { type Batch, type Example, paddingFor, scaleWeights } from '../forward/batches.ts';
import { statesAfter } from '../forward/forward.ts';
import { likeliestTokens, scoredRows } from '../forward/loss.ts';
import type { Model } from '../forward/model.ts';
import { type MicroBatchSettings, microBatches } from './micro-batches.ts';
import type { AdamSettings } from './optimizer.ts';
import { learningRate, type ScheduleSettings } from './schedule.ts';
import { type TrainTask, train } from './train.ts';

export interface ExitClassifierSettings extends ClassifierLoss, MicroBatchSettings, ScheduleSettings, AdamSettings {}

/** What the classifier is shown of a micro batch. */
export interface ExitRows {
  /** [R], 0 for padding; those of a step add up to 1. */
  readonly weights: Float32Array;
  /** After each exit, one after the other, [E R, D]; the last layer's at the end where it is classified. */
  readonly states: Float32Array;
  /** [E, R]: 1 where that exit's likeliest token is the last layer's. */
  readonly consistent: Float32Array;
  /** Of each exit, over the whole step: the share of the tokens at which it is. */
  readonly shares: readonly number[];
}

/** The numbers that are trained: `weight` [D, 1] and `bias` [1]. */
export type ClassifierVariables = ReadonlyMap<string, tf.Variable>;

/** Variables that start at `classifier`; the caller owns them. */
export function classifierVariables({ weight, bias }: ExitClassifier): ClassifierVariables {
  return variablesOf(
    new Map([
      ['weight', { shape: [weight.length, 1], values: weight }],
      ['bias', { shape: [1], values: Float32Array.of(bias) }],
    ]),
  );
}

/** The classifier that `variables` are now. */
export async function classifierOf(variables: ClassifierVariables): Promise<ExitClassifier> {
  const [weight, bias] = await Promise.all([...variables.values()].map((variable) => variable.data()));
  return { weight: Float32Array.from(weight as Float32Array), bias: (bias as Float32Array)[0] as number };
}

/** Trains `variables` in place for the exits after the layers `exits` of `model`; returns the loss of every step. */
export async function trainExitClassifier(
  model: Model,
  exits: readonly number[],
  variables: ClassifierVariables,
  examples: readonly Example[],
  settings: ExitClassifierSettings,
  run: Pick<TrainTask<ExitRows>, 'save' | 'onProgress'> = {},
): Promise<{ losses: number[] }> {
  const { steps, of } = microBatches(examples, settings, paddingFor(model.config));
  return train<ExitRows>({
    variables,
    steps,
    adam: settings,
    learningRate: (step) => learningRate(settings, step, steps),
    batches: (step) => exitRows(model, exits, settings, of(step)),
    loss: (rows) => exitClassifierLoss(variables, settings, rows),
    ...run,
  });
}

/** The micro batches of a step as the classifier is shown them. */
export async function exitRows(
  model: Model,
  exits: readonly number[],
  loss: ClassifierLoss,
  batches: readonly Batch[],
): Promise<ExitRows[]> {
  const tokens = batches.reduce((sum, { count }) => sum + count, 0);
  const parts: Omit<ExitRows, 'shares'>[] = [];
  for (const batch of batches) {
    parts.push(await readRows(model, exits, classifiesLast(loss), scaleWeights(batch, 1 / tokens)));
  }
  const shares = consistentShares(parts, exits.length);
  return parts.map((part) => ({ ...part, shares }));
}

async function readRows(
  model: Model,
  exits: readonly number[],
  withLast: boolean,
  batch: Batch,
): Promise<Omit<ExitRows, 'shares'>> {
  const { weights, ids, extent } = batch;
  const [states, tokens] = tf.tidy(() => {
    const given = tf.tensor2d(ids, [extent.batch, extent.tokens], 'int32');
    const all = statesAfter(model, given, [...exits, model.config.num_hidden_layers]);
    const rows = all.map((each) => scoredRows(batch, each));
    const shown = withLast ? rows : rows.slice(0, -1);
    return [tf.concat(shown, 0), tf.concat(rows.map((each) => likeliestTokens(model, each)))] as const;
  });
  const [values, said] = await Promise.all([states.data(), tokens.data()]);
  tf.dispose([states, tokens]);
  const last = said.subarray(exits.length * weights.length);
  const consistent = new Float32Array(exits.length * weights.length);
  for (let i = 0; i < consistent.length; i++) consistent[i] = Number(said[i] === last[i % weights.length]);
  return { weights, states: values as Float32Array, consistent };
}

/**
 * The loss of `rows`, with z = states weight + bias. independent: sum_r w_r mean_e a_er BCE(sigmoid(z_er), y_er), where a is 1, or (released) the share of the tokens
 * with the other answer at that exit. geometric: -sum_r w_r log p_r of the first exit that says what the last layer says: p of exit e is sigmoid(z_e) prod_(j < e) (1 - sigmoid(z_j)),
 * that of the last layer what is left.
 */
export function exitClassifierLoss(variables: ClassifierVariables, loss: ClassifierLoss, rows: ExitRows): tf.Scalar {
  const width = (variables.get('weight') as tf.Variable).size;
  const states = tf.tensor2d(rows.states, [rows.states.length / width, width]);
  const product = tf.matMul(states, variables.get('weight') as tf.Tensor2D);
  const scores = tf.reshape(tf.add(product, variables.get('bias') as tf.Tensor), [-1, rows.weights.length]);
  return loss.loss === 'independent'
    ? independentLoss(scores as tf.Tensor2D, loss, rows)
    : geometricLoss(scores as tf.Tensor2D, loss, rows);
}

/** `scores` [E, R]. */
function independentLoss(
  scores: tf.Tensor2D,
  { variant }: ClassifierLoss,
  { weights, consistent, shares }: ExitRows,
): tf.Scalar {
  const rows = weights.length;
  const own = consistent.map((same, i) => {
    const share = shares[Math.floor(i / rows)] as number;
    const balance = variant === 'paper' ? 1 : same === 1 ? 1 - share : share;
    return (balance * (weights[i % rows] as number)) / shares.length;
  });
  const entropy = tf.sub(tf.softplus(scores), tf.mul(scores, tf.tensor2d(consistent, scores.shape)));
  return tf.sum(tf.mul(entropy, tf.tensor2d(own, scores.shape)));
}

/** `scores` [E, R], or [E + 1, R] where the last layer is classified. */
function geometricLoss(scores: tf.Tensor2D, loss: ClassifierLoss, { weights, consistent }: ExitRows): tf.Scalar {
  const rows = weights.length;
  const goes = tf.neg(tf.softplus(scores));
  const stops = tf.neg(tf.softplus(tf.neg(scores)));
  const depths = tf.add(tf.cumsum(goes, 0, true), stops);
  const logs = classifiesLast(loss)
    ? tf.transpose(tf.logSoftmax(tf.transpose(depths)))
    : tf.concat([depths, tf.sum(goes, 0, true)], 0);
  const wanted = new Float32Array(logs.size);
  firstConsistent(consistent, rows).forEach((depth, row) => {
    wanted[depth * rows + row] = weights[row] as number;
  });
  return tf.neg(tf.sum(tf.mul(logs, tf.tensor2d(wanted, [logs.size / rows, rows]))));
}
