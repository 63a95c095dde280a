// The negative log-likelihood of the tokens that count.
import { headLoss, type Teacher } from '../../tensor/head-loss.ts';
import { gatherRows, tokenLosses } from '../../tensor/ops.ts';
import { tf } from '../../tensor/tf.ts';
import type { Batch } from './batches.ts';
import { finalNorm, head, headOf, headProduct, hiddenStates } from './forward.ts';
import type { Model } from './model.ts';

function statesOf(model: Model, { ids, extent: { batch, tokens } }: Batch): tf.Tensor2D {
  return hiddenStates(model, tf.tensor2d(ids, [batch, tokens], 'int32'));
}

/** Negative log-likelihood [R] of each scored token of `batch`, from the hidden states after the last layer, `all` [N, D]; logits are made for scored rows only. */
export function nllOfStates(model: Model, batch: Batch, all: tf.Tensor2D): tf.Tensor1D {
  return tokenLosses(head(model, scoredStates(model, batch, all)), tf.tensor1d(batch.labels, 'int32'));
}

/** Of the hidden states [N, D] those that are scored, normed: [R, D]. */
function scoredStates(model: Model, batch: Batch, all: tf.Tensor2D): tf.Tensor2D {
  const scored = batch.rows ? (gatherRows(all, tf.tensor1d(batch.rows, 'int32')) as tf.Tensor2D) : all;
  return finalNorm(model, scored);
}

/** Logits that a loss holds at once with its gradient: 32 MiB of float32, of each of the two. */
const largestLogits = 2 ** 23;

/** A model to come near, and how much of that the loss is (`Teacher` of tensor/head-loss.ts). */
export interface Distillation {
  readonly weight: number;
  readonly temperature: number;
}

/** What a teacher's head sees of the scored rows of a batch, [R, D]; the caller reads it before the batch is trained on. */
export function taughtStates(teacher: Model, batch: Batch): tf.Tensor2D {
  return headProduct(teacher, scoredStates(teacher, batch, statesOf(teacher, batch))).input;
}

/** A teacher, and what its head sees of a batch. */
export interface Taught extends Distillation {
  readonly teacher: Model;
  /** Of {@link taughtStates}. */
  readonly states: Float32Array;
}

/** The batch's loss: each token's negative log-likelihood times its weight, summed; for training, so its gradient is made with it. `taught`: with the distance from a teacher. */
export function languageModelLoss(model: Model, batch: Batch, taught?: Taught): tf.Scalar {
  const states = scoredStates(model, batch, statesOf(model, batch));
  const { input, weight } = headProduct(model, states);
  const rows = {
    h: input,
    labels: tf.tensor1d(batch.labels, 'int32'),
    weights: tf.tensor1d(batch.weights, 'float32'),
  };
  const most = Math.max(1, 2 ** Math.floor(Math.log2(largestLogits / model.config.vocab_size)));
  const pass = { rows: most, trained: weight instanceof tf.Variable && weight.trainable };
  return headLoss(rows, weight, pass, taught && teacherOf(taught));
}

function teacherOf({ teacher, states, weight, temperature }: Taught): Teacher {
  const width = teacher.config.hidden_size;
  const h = tf.tensor2d(states, [states.length / width, width]);
  return { h, head: headOf(teacher), weight, temperature };
}
