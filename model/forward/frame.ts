// The constants of a forward pass that depend on the number of tokens alone: position tables and the causal mask.
import { causalMask } from '../../tensor/ops.ts';
import { tf } from '../../tensor/tf.ts';
import type { ModelConfig } from '../architecture/model-config.ts';
import { ropeTables } from './rope.ts';

/** Constants for sequences of T tokens. */
export interface Frame {
  /** cos and sin [T, hd/2] of every position's angles. */
  readonly cos: tf.Tensor2D;
  readonly sin: tf.Tensor2D;
  /** [T, T]: 0 where a query may see a key, else so low that its weight is 0; `window`: of the last tokens alone. */
  mask(window: number | null): tf.Tensor2D;
  dispose(): void;
}

/** Makes the frame for `tokens` tokens; the caller frees it. */
export function createFrame(config: ModelConfig, tokens: number): Frame {
  const table = ropeTables(config, tokens);
  const shape: [number, number] = [tokens, config.head_dim / 2];
  const cos = tf.keep(tf.tensor2d(table.cos, shape));
  const sin = tf.keep(tf.tensor2d(table.sin, shape));
  const full = tf.keep(causalMask(tokens));
  const { sliding_window: window } = config;
  const near = window === undefined || window >= tokens ? full : tf.keep(causalMask(tokens, window));
  return {
    cos,
    sin,
    mask: (window) => (window === null ? full : near),
    dispose: () => tf.dispose([cos, sin, full, ...(near === full ? [] : [near])]),
  };
}
