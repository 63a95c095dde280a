// The operators of a pass on TensorFlow.js: how many texts there are, how their tokens are placed, and what they see.
import { tf } from '../../tensor/tf.ts';
import type { ModelConfig } from '../architecture/model-config.ts';
import { tensorOperators } from '../operators/tensor-operators.ts';
import type { Attend } from './attend.ts';
import type { HeadValues, PassOperators } from './block.ts';

/** A batch's size; hidden states are [batch*tokens, D]. */
export interface Extent {
  readonly batch: number;
  readonly tokens: number;
}

/** The operators for passes of `extent` tokens that see what `attend` says. */
export function passOperators(
  { head_dim }: Pick<ModelConfig, 'head_dim'>,
  { batch, tokens }: Extent,
  { turn, mix }: Attend,
): PassOperators<tf.Tensor> {
  return {
    ...tensorOperators,
    spliced: (a, b, half) => {
      const [rows, width] = a.shape as [number, number];
      return tf.concat([tf.slice(a, [0, 0], [rows, half]), tf.slice(b, [0, half], [rows, width - half])], 1);
    },
    heads: (x, count) => tf.reshape(x, [batch, tokens, count, head_dim]),
    attend({ q, k, v }, { layer, rope, window }) {
      const heads = { q: perHead(rope ? turn(q) : q), ...placed({ turn }, { k, v }, rope) };
      const mixed = mix(layer, heads, { scale: 1 / Math.sqrt(head_dim), window });
      return tf.reshape(perHead(mixed), [batch * tokens, -1]);
    },
  };
}

/** Keys and values [B, T, K, hd] as they are kept, [B, K, T, hd]: keys turned to their positions where the layer has RoPE. */
export function placed(
  { turn }: Pick<Attend, 'turn'>,
  { k, v }: Pick<HeadValues<tf.Tensor>, 'k' | 'v'>,
  rope: boolean,
): Pick<HeadValues<tf.Tensor>, 'k' | 'v'> {
  return { k: perHead(rope ? turn(k) : k), v: perHead(v) };
}

/** [B, T, heads, hd] <-> [B, heads, T, hd]. */
function perHead(x: tf.Tensor): tf.Tensor {
  return tf.transpose(x, [0, 2, 1, 3]);
}
