// What a token attends to: the one difference between a whole sequence and one more token of a sequence that is kept.
import { attention, rotary } from '../../tensor/ops.ts';
import type { tf } from '../../tensor/tf.ts';
import type { Model } from './model.ts';

/** A layer's queries [B, H, T, hd], keys and values [B, K, T, hd], turned to their positions. */
export interface Heads {
  readonly q: tf.Tensor;
  readonly k: tf.Tensor;
  readonly v: tf.Tensor;
}

/** How the tokens of a pass are placed, and what they see. */
export interface Attend {
  /** Queries or keys [B, T, H, hd], turned by the angles of their positions. */
  turn(x: tf.Tensor): tf.Tensor;
  /** The values that the queries of layer `layer` (from 1) see, mixed: [B, H, T, hd]. */
  mix(layer: number, heads: Heads, scale: number): tf.Tensor;
}

/** Whole sequences of `tokens` tokens: positions from 0, and each token sees those before it and itself. */
export function causal(model: Model, tokens: number): Attend {
  const { cos, sin, mask } = model.frame(tokens);
  return {
    turn: (x) => rotary(x, cos, sin),
    mix: (_layer, { q, k, v }, scale) => attention(q, k, v, mask, scale),
  };
}

/** `attend`, with what every layer saw put into `seen`. */
export function keeping({ turn, mix }: Attend, seen: Heads[]): Attend {
  return {
    turn,
    mix(layer, heads, scale) {
      seen.push(heads);
      return mix(layer, heads, scale);
    },
  };
}
