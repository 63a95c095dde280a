// Attention to keys and values of earlier tokens, which stay where they are: joining them with the new ones would copy
// the whole past in every step.
//
// Shapes: B batch, T new tokens, S places of the past, H heads, K key/value heads, G = H/K, d width of a head.
import { tf } from './tf.ts';

/** Keys and values [B, K, S, d] of earlier tokens; `mask` broadcasts to [B, K, G T, S] and is far below 0 at empty places. */
export interface Past {
  readonly k: tf.Tensor;
  readonly v: tf.Tensor;
  readonly mask: tf.Tensor;
}

/**
 * softmax(scale q [past k, k]^T + masks) [past v, v] for one new token of each text, `q` [B, H, 1, d], `k` and `v` [B, K, 1, d], which
 * sees all of its past and itself. No gradient. -> [B, H, 1, d]
 */
export function pastAttention(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, past: Past, scale: number): tf.Tensor {
  const [batch, heads, length, width] = q.shape as [number, number, number, number];
  if (length !== 1) throw new Error(`attention to the past takes one new token at a time, got ${length}`);
  const groups = k.shape[1] as number;
  // ONNX Runtime multiplies a row with a matrix in place, unless the product has a factor of its own
  const stacked = tf.mul(tf.reshape(q, [batch, groups, heads / groups, width]), scale);
  const before = tf.add(tf.matMul(stacked, past.k, false, true), past.mask);
  const own = tf.sum(tf.mul(stacked, k), -1, true);
  const weights = tf.softmax(tf.concat([own, before], 3)); // the new token first: what follows has any length
  const old = tf.matMul(tf.slice(weights, [0, 0, 0, 1]), past.v);
  return tf.reshape(tf.add(old, tf.mul(tf.slice(weights, [0, 0, 0, 0], [-1, -1, -1, 1]), v)), q.shape);
}
