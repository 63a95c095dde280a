// The Llama forward pass, in pieces, so that a caller can stop at any layer.
//
// B batch, T tokens, N = B*T rows, D hidden, F MLP width, H heads, K key/value heads, G = H/K, hd head size, V vocabulary.
// Hidden states are [N, D] throughout: one large matrix product per projection. Weights are [out, in], so products are x W^T.
// Sequences are padded on the right: causal attention keeps padding out of the tokens before it, and padded positions are
// masked in the loss, so no padding mask is needed.
import { gatherRows, rmsNorm } from '../../tensor/ops.ts';
import { tf } from '../../tensor/tf.ts';
import { embeddingName, finalNormName, headName, type NormName, normName } from '../architecture/names.ts';
import { type Attend, causal } from './attend.ts';
import { linear } from './linear.ts';
import { mlp } from './mlp.ts';
import type { Model } from './model.ts';
import { project } from './project.ts';

/** A batch's size; hidden states are [batch*tokens, D]. */
export interface Extent {
  readonly batch: number;
  readonly tokens: number;
}

/** Token ids [B, T] (int32) -> hidden states [N, D]. */
export function embed(model: Model, ids: tf.Tensor2D): tf.Tensor2D {
  return gatherRows(model.weights.get(embeddingName) as tf.Tensor2D, tf.reshape(ids, [-1])) as tf.Tensor2D;
}

/**
 * One decoder layer (from 1): h [N, D] -> h [N, D], with the residual stream between attention and MLP (`attended`) and the
 * input of its MLP, which SLW learns from, [N, D] both. `attend` says what its tokens see; by default all before them.
 */
export function block(
  model: Model,
  layer: number,
  h: tf.Tensor2D,
  extent: Extent,
  attend: Attend = causal(model, extent.tokens),
): { h: tf.Tensor2D; attended: tf.Tensor2D; mlpInput: tf.Tensor2D } {
  const attended = tf.add<tf.Tensor2D>(
    h,
    selfAttention(model, layer, norm(model, layer, 'input_layernorm', h), extent, attend),
  );
  const mlpInput = norm(model, layer, 'post_attention_layernorm', attended);
  const branch = mlp(model, layer, mlpInput);
  return { h: branch === null ? attended : tf.add(attended, branch), attended, mlpInput };
}

/** All layers: ids [B, T] -> hidden states before the final norm [N, D]. */
export function hiddenStates(model: Model, ids: tf.Tensor2D, attend?: Attend): tf.Tensor2D {
  const [batch, tokens] = ids.shape;
  let h = embed(model, ids);
  for (let layer = 1; layer <= model.config.num_hidden_layers; layer++) {
    h = block(model, layer, h, { batch, tokens }, attend).h;
  }
  return h;
}

/** The norm before the head: [N, D] -> [N, D]. */
export function finalNorm(model: Model, h: tf.Tensor2D): tf.Tensor2D {
  return rmsNorm(h, model.weights.get(finalNormName), model.config.rms_norm_eps);
}

/** The name of the output head's weight [V, D]; the embedding itself when tied. */
function headWeight({ config }: Model): string {
  return config.tie_word_embeddings ? embeddingName : headName;
}

/** Normed hidden states, any rows of them [R, D] -> logits [R, V]. */
export function head(model: Model, h: tf.Tensor2D): tf.Tensor2D {
  return linear(model.weights, headWeight(model), h);
}

/** ids [B, T] (int32) -> logits [B, T, V]. */
export function forward(model: Model, ids: tf.Tensor2D): tf.Tensor3D {
  return tf.tidy(() =>
    tf.reshape(head(model, finalNorm(model, hiddenStates(model, ids))), [...ids.shape, model.config.vocab_size]),
  );
}

/** Grouped-query attention with RoPE: x [N, D] -> [N, D], before the residual add. */
function selfAttention(
  model: Model,
  layer: number,
  x: tf.Tensor2D,
  { batch, tokens }: Extent,
  { turn, mix }: Attend,
): tf.Tensor2D {
  const { num_attention_heads: heads, num_key_value_heads: groups, head_dim } = model.config;
  const headsOf = (name: 'q' | 'k' | 'v', count: number): tf.Tensor => {
    const y = project(model, layer, name, x);
    return tf.reshape(y, [batch, tokens, count, head_dim]);
  };
  const perHead = (y: tf.Tensor) => tf.transpose(y, [0, 2, 1, 3]);
  const q = perHead(turn(headsOf('q', heads))); // [B, H, T, hd]
  const k = perHead(turn(headsOf('k', groups))); // [B, K, T, hd]
  const mixed = mix(layer, { q, k, v: perHead(headsOf('v', groups)) }, 1 / Math.sqrt(head_dim));
  const joined = tf.reshape(perHead(mixed), [batch * tokens, heads * head_dim]);
  return project(model, layer, 'o', joined as tf.Tensor2D);
}

function norm(model: Model, layer: number, name: NormName, h: tf.Tensor2D): tf.Tensor2D {
  return rmsNorm(h, model.weights.get(normName(layer, name)), model.config.rms_norm_eps);
}
