// What a token attends to: the one difference between a whole sequence and one more token of a sequence that is kept.
import { attention, rotary } from '../../tensor/ops.ts';
import type { tf } from '../../tensor/tf.ts';
import type { Frame } from './frame.ts';
import type { Model } from './model.ts';

/** A layer's queries [B, H, T, hd], keys and values [B, K, T, hd], turned to their positions where the layer has RoPE. */
export interface Heads {
  readonly q: tf.Tensor;
  readonly k: tf.Tensor;
  readonly v: tf.Tensor;
}

/** How queries and keys of one layer meet. */
export interface Sight {
  /** By what scores are multiplied. */
  readonly scale: number;
  /** Tokens that a token sees, itself among them; null: all before it. */
  readonly window: number | null;
}

/** How the tokens of a pass are placed, and what they see. */
export interface Attend {
  /** Queries or keys [B, T, H, hd], turned by the angles of their positions. */
  turn(x: tf.Tensor): tf.Tensor;
  /** The values that the queries of layer `layer` (from 1) see, mixed: [B, H, T, hd]. */
  mix(layer: number, heads: Heads, sight: Sight): tf.Tensor;
}

/** Whole sequences of `tokens` tokens: positions from 0, and each token sees those before it and itself, within the layer's window. */
export function causal(model: Model, tokens: number): Attend {
  return framed(model.frame(tokens));
}

/** The same from the constants themselves. */
export function framed({ cos, sin, mask }: Pick<Frame, 'cos' | 'sin' | 'mask'>): Attend {
  return {
    turn: (x) => rotary(x, cos, sin),
    mix: (_layer, { q, k, v }, { scale, window }) => attention(q, k, v, mask(window), scale),
  };
}

/** `attend`, with what every layer saw put into `seen`. */
export function keeping({ turn, mix }: Attend, seen: Heads[]): Attend {
  return {
    turn,
    mix(layer, heads, sight) {
      seen.push(heads);
      return mix(layer, heads, sight);
    },
  };
}
