// The forward pass over rows that may be trees: every token has a position of its own and sees its own sequence only.
//
// B rows, T tokens of a row, D hidden, hd head size.

import type { ReplayInput } from '../../tensor/backend/replay.ts';
import { attention, rotary } from '../../tensor/ops.ts';
import { tf } from '../../tensor/tf.ts';
import type { ModelConfig } from '../architecture/model-config.ts';
import { type Attend, causal } from '../forward/attend.ts';
import type { Model } from '../forward/model.ts';
import { ropeAt, ropeOf } from '../forward/rope.ts';
import type { Pass } from './passes.ts';
import { writeTreeMask } from './token-trees.ts';

/** ids [B, T], and for trees cos and sin [B T, hd/2], a mask [B, 1, T, T], and another one where layers slide. */
export function passInputs(pass: Pass, model: Model): ReplayInput[] {
  const { trees, rows, length } = pass;
  const ids = new Int32Array(rows * length);
  for (const [b, tree] of trees.entries()) ids.set(tree.ids, b * length);
  return [{ data: ids, shape: [rows, length] }, ...(pass.isPlain ? [] : treeInputs(pass, model.config))];
}

/** cos and sin [B T, hd/2], a mask [B, 1, T, T], and another one where layers slide: what the tokens of trees see. */
export function treeInputs({ trees, rows, length }: Pass, config: ModelConfig): ReplayInput[] {
  const positions = new Int32Array(rows * length);
  const { sliding_window: window } = config;
  const mask = new Float32Array(rows * length * length);
  const near = new Float32Array(window === undefined ? 0 : mask.length);
  for (let b = 0; b < rows; b++) {
    const { positions: own = [], parents = [] } = trees[b] ?? {};
    positions.set(own, b * length);
    writeTreeMask(mask, b * length * length, length, parents);
    if (window !== undefined) writeTreeMask(near, b * length * length, length, parents, window);
  }
  const { cos, sin } = ropeAt(ropeOf(config), positions);
  const angles = [rows * length, config.head_dim / 2];
  return [
    { data: cos, shape: angles },
    { data: sin, shape: angles },
    { data: mask, shape: [rows, 1, length, length] },
    ...(window === undefined ? [] : [{ data: near, shape: [rows, 1, length, length] }]),
  ];
}

/** What the tokens of such a pass see, from its inputs. */
export function passAttend(model: Model, [ids, ...given]: readonly tf.Tensor[]): Attend {
  return given.length > 0 ? attendTree(given) : causal(model, ids?.shape[1] as number);
}

/** The same of trees, from the inputs that are theirs. */
export function attendTree([cos, sin, mask, near]: readonly tf.Tensor[]): Attend {
  return {
    turn(x) {
      const [batch, tokens, heads, width] = x.shape as [number, number, number, number];
      const rows = tf.reshape(x, [1, batch * tokens, heads, width]);
      return tf.reshape(rotary(rows, cos as tf.Tensor, sin as tf.Tensor), x.shape);
    },
    mix(_layer, { q, k, v }, { scale, window }) {
      const seen = window !== null && near !== undefined ? near : mask;
      return attention(q, k, v, seen as tf.Tensor, scale);
    },
  };
}
