// The negative log-likelihood of the tokens that count.
import { headLoss, type Teacher } from '../../tensor/head-loss.ts';
import { gatherRows, tokenLosses } from '../../tensor/ops.ts';
import { tf } from '../../tensor/tf.ts';
import type { ExitLosses } from '../exits/exit-losses.ts';
import type { Batch } from './batches.ts';
import { headRows } from './bounds.ts';
import { finalNorm, head, headOf, headProduct, statesAfter } from './forward.ts';
import type { Model } from './model.ts';

/** Negative log-likelihood [R] of each scored token of `batch`, from the hidden states after the last layer, `all` [N, D]; logits are made for scored rows only. */
export function nllOfStates(model: Model, batch: Batch, all: tf.Tensor2D): tf.Tensor1D {
  return tokenLosses(head(model, scoredStates(model, batch, all)), tf.tensor1d(batch.labels, 'int32'));
}

/** Of the hidden states [N, D] those that are scored: [R, D]. */
export function scoredRows({ rows }: Batch, all: tf.Tensor2D): tf.Tensor2D {
  return rows ? (gatherRows(all, tf.tensor1d(rows, 'int32')) as tf.Tensor2D) : all;
}

/** The same, normed. */
function scoredStates(model: Model, batch: Batch, all: tf.Tensor2D): tf.Tensor2D {
  return finalNorm(model, scoredRows(batch, all));
}

/** The likeliest token [R] after each of the states [R, D] if the model ended with them, the first of equal ones; as many logits at once as a loss holds. */
export function likeliestTokens(model: Model, states: tf.Tensor2D): tf.Tensor1D {
  const [rows, width] = states.shape;
  const most = headRows(model.config.vocab_size);
  const blocks = Array.from({ length: Math.ceil(rows / most) }, (_, i) =>
    tf.slice(states, [i * most, 0], [Math.min(most, rows - i * most), width]),
  );
  return tf.concat(blocks.map((block) => tf.argMax<tf.Tensor1D>(head(model, finalNorm(model, block)), 1)));
}

/** A model to come near, and how much of that the loss is (`Teacher` of tensor/head-loss.ts). */
export interface Distillation {
  readonly weight: number;
  readonly temperature: number;
}

/** What a teacher's head sees of the scored rows of a batch, [R, D]; the caller reads it before the batch is trained on. */
export function taughtStates(teacher: Model, batch: Batch): tf.Tensor2D {
  const [states] = statesOf(teacher, batch, [teacher.config.num_hidden_layers]);
  return headProduct(teacher, scoredStates(teacher, batch, states as tf.Tensor2D)).input;
}

/** A teacher, and what its head sees of a batch. */
export interface Taught extends Distillation {
  readonly teacher: Model;
  /** Of {@link taughtStates}. */
  readonly states: Float32Array;
}

/** What the loss has beside the text after the last layer; not both. */
export interface LossParts {
  readonly exits?: ExitLosses | undefined;
  readonly taught?: Taught | undefined;
}

/**
 * The batch's loss: each token's negative log-likelihood times its weight, summed; for training, so its gradient is made with it. With
 * `exits` it is the sum of share times that loss after each of their layers, all through the final norm and the head; `taught`: with the
 * distance from a teacher.
 */
export function languageModelLoss(model: Model, batch: Batch, { exits, taught }: LossParts = {}): tf.Scalar {
  const states = statesOf(model, batch, exits?.layers ?? [model.config.num_hidden_layers]);
  const losses = states.map((all) => lossOfStates(model, batch, all, taught));
  if (exits === undefined) return losses[0] as tf.Scalar;
  return tf.addN(losses.map((loss, i) => tf.mul(loss, exits.shares[i] as number))) as tf.Scalar;
}

function statesOf(model: Model, { ids, extent: { batch, tokens } }: Batch, layers: readonly number[]): tf.Tensor2D[] {
  return statesAfter(model, tf.tensor2d(ids, [batch, tokens], 'int32'), layers);
}

/** The loss of the hidden states `all` [N, D] if the model ended with them. */
function lossOfStates(model: Model, batch: Batch, all: tf.Tensor2D, taught: Taught | undefined): tf.Scalar {
  const { input, weight } = headProduct(model, scoredStates(model, batch, all));
  const rows = {
    h: input,
    labels: tf.tensor1d(batch.labels, 'int32'),
    weights: tf.tensor1d(batch.weights, 'float32'),
  };
  const pass = { rows: headRows(model.config.vocab_size), trained: weight instanceof tf.Variable && weight.trainable };
  return headLoss(rows, weight, pass, taught && teacherOf(taught));
}

function teacherOf({ teacher, states, weight, temperature }: Taught): Teacher {
  const width = teacher.config.hidden_size;
  const h = tf.tensor2d(states, [states.length / width, width]);
  return { h, head: headOf(teacher), weight, temperature };
}
