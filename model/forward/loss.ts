// The negative log-likelihood of the tokens that count.
import { headLoss } from '../../tensor/head-loss.ts';
import { gatherRows, tokenLosses } from '../../tensor/ops.ts';
import { tf } from '../../tensor/tf.ts';
import type { ExitLosses } from '../exits/exit-losses.ts';
import type { Batch } from './batches.ts';
import { finalNorm, head, headProduct, statesAfter } from './forward.ts';
import type { Model } from './model.ts';

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

/**
 * The batch's loss: each token's negative log-likelihood times its weight, summed; for training, so its gradient is made with it. With
 * `exits` it is the sum of share times that loss after each of their layers, all through the final norm and the head.
 */
export function languageModelLoss(model: Model, batch: Batch, exits?: ExitLosses): tf.Scalar {
  const { ids, extent } = batch;
  const layers = exits?.layers ?? [model.config.num_hidden_layers];
  const states = statesAfter(model, tf.tensor2d(ids, [extent.batch, extent.tokens], 'int32'), layers);
  const losses = states.map((all) => lossOfStates(model, batch, all));
  if (exits === undefined) return losses[0] as tf.Scalar;
  return tf.addN(losses.map((loss, i) => tf.mul(loss, exits.shares[i] as number))) as tf.Scalar;
}

/** The loss of the hidden states `all` [N, D] if the model ended with them. */
function lossOfStates(model: Model, batch: Batch, all: tf.Tensor2D): tf.Scalar {
  const { input, weight } = headProduct(model, scoredStates(model, batch, all));
  const rows = {
    h: input,
    labels: tf.tensor1d(batch.labels, 'int32'),
    weights: tf.tensor1d(batch.weights, 'float32'),
  };
  const most = Math.max(1, 2 ** Math.floor(Math.log2(largestLogits / model.config.vocab_size)));
  return headLoss(rows, weight, { rows: most, trained: weight instanceof tf.Variable && weight.trainable });
}
