// The constants of a forward pass that depend on the number of tokens alone: position tables and the causal mask.
import { tf } from '../tensor/tf.ts';
import type { LlamaConfig } from './config.ts';
import { ropeTables, rotateHalfMatrix } from './rope.ts';

/** Constants for sequences of T tokens; G query heads share one key head. */
export interface Frame {
  readonly tokens: number;
  /** cos and sin [T, hd]; those of the queries carry the softmax scale 1/sqrt(hd), which costs nothing here. */
  readonly query: { readonly cos: tf.Tensor2D; readonly sin: tf.Tensor2D };
  readonly key: { readonly cos: tf.Tensor2D; readonly sin: tf.Tensor2D };
  /** [hd, hd]: x R = rotate_half(x). */
  readonly rotate: tf.Tensor2D;
  /** [G*T, T]: 0 where a query may see a key, else so low that its weight is 0. */
  readonly mask: tf.Tensor2D;
  dispose(): void;
}

const hidden = -1e9;

/** Makes the frame for `tokens` tokens; the caller frees it. */
export function createFrame(config: LlamaConfig, tokens: number): Frame {
  const { head_dim } = config;
  const groupSize = config.num_attention_heads / config.num_key_value_heads;
  const kept: tf.Tensor[] = [];
  const constant = (values: Float32Array, rows: number, columns: number): tf.Tensor2D => {
    const tensor = tf.keep(tf.tensor2d(values, [rows, columns], 'float32'));
    kept.push(tensor);
    return tensor;
  };
  const table = (scale: number) => {
    const { cos, sin } = ropeTables(config, tokens, scale);
    return { cos: constant(cos, tokens, head_dim), sin: constant(sin, tokens, head_dim) };
  };
  return {
    tokens,
    query: table(1 / Math.sqrt(head_dim)),
    key: table(1),
    rotate: constant(rotateHalfMatrix(head_dim), head_dim, head_dim),
    mask: constant(causalMask(tokens, groupSize), groupSize * tokens, tokens),
    dispose: () => kept.forEach((tensor) => void tensor.dispose()),
  };
}

/** Row g*T + t, column s: may the query at t see the key at s, that is, is s <= t. */
function causalMask(tokens: number, groupSize: number): Float32Array {
  const mask = new Float32Array(groupSize * tokens * tokens);
  for (let row = 0; row < groupSize * tokens; row++) {
    mask.fill(hidden, row * tokens + (row % tokens) + 1, (row + 1) * tokens);
  }
  return mask;
}
