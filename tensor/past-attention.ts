// Attention to keys and values of earlier tokens, which stay where they are: joining them with the new ones would copy
// the whole past in every step.
//
// Shapes: B batch, T new tokens, S places of the past, H heads, K key/value heads, G = H/K, d width of a head.
import { scaledMatMul } from './ops.ts';
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
  const places = past.k.shape[2] as number;
  const stacked = tf.reshape(q, [batch, groups, heads / groups, width]);
  const before = tf.add(scaledMatMul(stacked, past.k, false, true, scale), past.mask);
  const scores = tf.concat([before, scaledMatMul(stacked, k, false, true, scale)], 3);
  const [old, own] = tf.split(tf.softmax(scores), [places, 1], 3) as [tf.Tensor, tf.Tensor];
  return tf.reshape(tf.add(tf.matMul(old, past.v), tf.matMul(own, v)), q.shape);
}
