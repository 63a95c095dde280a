// The negative log-likelihood of the tokens that count, without ever making an array of one-hot labels.
import { tf } from '../tensor/tf.ts';
import type { Batch } from './batches.ts';
import { logSumExp } from './functions.ts';
import { finalNorm, head, headWeight, hiddenStates } from './llama.ts';
import type { Model } from './model.ts';

/**
 * Negative log-likelihood [R] of each scored token of `batch`. Logits are made for scored rows only. The label's logit is
 * the row times the label's row of the head, so the gradient is two products and a scatter, never a dense one-hot.
 */
export function tokenNll(model: Model, batch: Batch): tf.Tensor1D {
  const { batch: sequences, tokens } = batch.extent;
  const all = hiddenStates(model, tf.tensor2d(batch.ids, [sequences, tokens], 'int32'));
  const scored = batch.rows ? (tf.gather(all, tf.tensor1d(batch.rows, 'int32')) as tf.Tensor2D) : all;
  const h = finalNorm(model, scored);
  const labelRows = tf.gather(headWeight(model), tf.tensor1d(batch.labels, 'int32'));
  return tf.sub(logSumExp(head(model, h)), tf.sum(tf.mul(h, labelRows), 1));
}

/** The batch's loss: each token's negative log-likelihood times its weight, summed. */
export function languageModelLoss(model: Model, batch: Batch): tf.Scalar {
  return tf.sum(tf.mul(tokenNll(model, batch), tf.tensor1d(batch.weights, 'float32')));
}
