// The forward pass of a model, in pieces, so that a caller can stop at any layer.
//
// B batch, T tokens, N = B*T rows, D hidden, V vocabulary. Weights are [out, in], so products are x W^T.
// Sequences are padded on the right: causal attention keeps padding out of the tokens before it, and padded positions are
// masked in the loss, so no padding mask is needed.
import { boundary, gatherRows, rmsNorm } from '../../tensor/ops.ts';
import { recomputed } from '../../tensor/recomputed.ts';
import { tf } from '../../tensor/tf.ts';
import { hasRope } from '../architecture/model-config.ts';
import { embeddingName, finalNormName, headName } from '../architecture/tensors.ts';
import { layerSteps } from '../sharing/parallel-layers.ts';
import { type Attend, causal, type Heads } from './attend.ts';
import { type BlockOutputs, block, blockParts, carriedKeysAndValues } from './block.ts';
import { layerPair } from './layer-pair.ts';
import { layerWeights, stepVariables } from './layer-weights.ts';
import { inputOf, linear } from './linear.ts';
import type { Model } from './model.ts';
import { type Extent, passOperators, placed } from './pass-operators.ts';

/** Token ids [B, T] (int32) -> hidden states [N, D]. */
export function embed(model: Model, ids: tf.Tensor2D): tf.Tensor2D {
  return gatherRows(model.weights.get(embeddingName) as tf.Tensor2D, tf.reshape(ids, [-1])) as tf.Tensor2D;
}

/**
 * One decoder layer (from 1): h [N, D] -> h [N, D], with the residual stream between attention and MLP (`attended`) and the
 * input of its MLP, which SLW learns from, [N, D] both. `attend` says what its tokens see; by default all before them.
 */
export function runBlock(
  model: Model,
  layer: number,
  h: tf.Tensor2D,
  extent: Extent,
  attend: Attend = causal(model, extent.tokens),
): BlockOutputs<tf.Tensor2D> {
  const ops = passOperators(model.config, extent, attend);
  return block<tf.Tensor>(ops, model.config, layer, layerWeights(model, layer), h) as BlockOutputs<tf.Tensor2D>;
}

/** One step of the stack, h [N, D] -> h [N, D]: a layer (from 1), or two that run side by side. */
export function runStep(
  model: Model,
  step: readonly number[],
  h: tf.Tensor2D,
  extent: Extent,
  attend: Attend = causal(model, extent.tokens),
): tf.Tensor2D {
  const [layer, beside] = step as [number, number?];
  const parallel = model.recovery?.parallel;
  if (beside === undefined || parallel === undefined) return runBlock(model, layer, h, extent, attend).h;
  const ops = passOperators(model.config, extent, attend);
  const pair = step.map((each) => ({ layer: each, weights: layerWeights(model, each) }));
  return layerPair<tf.Tensor>(ops, model.config, parallel.variant, pair, h) as tf.Tensor2D;
}

/** Keys and values [B, K, T, hd] that layer `layer` (from 1), which attends, keeps of states h [N, D] when the rest of it is skipped. */
export function carriedHeads(
  model: Model,
  layer: number,
  h: tf.Tensor2D,
  extent: Extent,
  attend: Attend,
): Pick<Heads, 'k' | 'v'> {
  const ops = passOperators(model.config, extent, attend);
  const parts = blockParts<tf.Tensor>(ops, model.config, layer, layerWeights(model, layer));
  return placed(attend, carriedKeysAndValues(parts, h), hasRope(model.config, layer));
}

/** All layers: ids [B, T] -> hidden states before the final norm [N, D]. */
export function hiddenStates(model: Model, ids: tf.Tensor2D, attend?: Attend): tf.Tensor2D {
  const [states] = statesAfter(model, ids, [model.config.num_hidden_layers], attend);
  return states as tf.Tensor2D;
}

/** ids [B, T] -> hidden states [N, D] after each of `layers` (from 1, ascending), which end a step; what comes after the last of them is not run. */
export function statesAfter(model: Model, ids: tf.Tensor2D, layers: readonly number[], attend?: Attend): tf.Tensor2D[] {
  const [batch, tokens] = ids.shape;
  const wanted = new Set(layers);
  const states: tf.Tensor2D[] = [];
  let h = boundary(embed(model, ids));
  for (const step of layerSteps(model.config.num_hidden_layers, model.recovery?.parallel)) {
    if (states.length === layers.length) break;
    const run = (h: tf.Tensor2D) => runStep(model, step, h, { batch, tokens }, attend);
    h = boundary(model.recomputes ? recomputed(run, h, stepVariables(model, step)) : run(h));
    if (wanted.has(step.at(-1) as number)) states.push(h);
  }
  return states;
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

/** What the head multiplies of normed hidden states [R, D], and with which weight [V, D]. */
export function headProduct(model: Model, h: tf.Tensor2D): { input: tf.Tensor2D; weight: tf.Tensor2D } {
  return { input: inputOf(model.weights, headWeight(model), h), weight: headOf(model) };
}

/** The head's weight [V, D]. */
export function headOf(model: Model): tf.Tensor2D {
  return model.weights.get(headWeight(model)) as tf.Tensor2D;
}

/** ids [B, T] (int32) -> logits [B, T, V]. */
export function forward(model: Model, ids: tf.Tensor2D): tf.Tensor3D {
  return tf.tidy(() =>
    tf.reshape(head(model, finalNorm(model, hiddenStates(model, ids))), [...ids.shape, model.config.vocab_size]),
  );
}
