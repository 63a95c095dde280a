// The negative log-likelihood of the tokens that count.
import { gatherRows, tokenLosses } from '../../tensor/ops.ts';
import { tf } from '../../tensor/tf.ts';
import type { Batch } from './batches.ts';
import { finalNorm, head, hiddenStates } from './forward.ts';
import type { Model } from './model.ts';

/** Negative log-likelihood [R] of each scored token of `batch`; logits are made for scored rows only. */
export function tokenNll(model: Model, batch: Batch): tf.Tensor1D {
  const { batch: sequences, tokens } = batch.extent;
  return nllOfStates(model, batch, hiddenStates(model, tf.tensor2d(batch.ids, [sequences, tokens], 'int32')));
}

/** The same from the hidden states after the last layer, `all` [N, D]. */
export function nllOfStates(model: Model, batch: Batch, all: tf.Tensor2D): tf.Tensor1D {
  const scored = batch.rows ? (gatherRows(all, tf.tensor1d(batch.rows, 'int32')) as tf.Tensor2D) : all;
  const logits = head(model, finalNorm(model, scored));
  return tokenLosses(logits, tf.tensor1d(batch.labels, 'int32'));
}

/** The batch's loss: each token's negative log-likelihood times its weight, summed. */
export function languageModelLoss(model: Model, batch: Batch): tf.Scalar {
  return tf.sum(tf.mul(tokenNll(model, batch), tf.tensor1d(batch.weights, 'float32')));
}
