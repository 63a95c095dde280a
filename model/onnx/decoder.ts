// A model as an ONNX graph with Hugging Face Optimum's inputs and outputs: tokens and past keys and values in, logits and keys and values out.
//
// The block is model/forward/block.ts over the graph's operators; hidden states are [N, D], N = batch*tokens rows, D hidden.
import type { OnnxValueInfo } from '../../formats/tensors/onnx.ts';
import type { ModelConfig } from '../architecture/model-config.ts';
import { finalNormName, headName } from '../architecture/tensors.ts';
import { block, type LayerWeights, type PassOperators } from '../forward/block.ts';
import { layerPair, type PlacedWeights } from '../forward/layer-pair.ts';
import { layerSteps, type ParallelLayers } from '../sharing/parallel-layers.ts';
import { frameOf, type OnnxFrame } from './frame.ts';
import type { OnnxBuilder, Value } from './graph.ts';
import { decoderOperators } from './graph-operators.ts';
import type { OnnxWeights } from './weights.ts';

/** The weights that the graph is built on. */
export interface DecoderWeights extends Pick<OnnxWeights, 'vector' | 'matrix' | 'embedding'> {
  /** What layer `layer` (from 1) multiplies with, read and written; the block itself then waits for nothing. */
  layer(layer: number): Promise<LayerWeights<Value>>;
  /** The layers that run side by side; none: one after the other. */
  readonly parallel?: ParallelLayers | undefined;
}

/** Adds the decoder to `graph`; returns the graph's inputs and outputs. */
export async function addDecoder(
  graph: OnnxBuilder,
  config: ModelConfig,
  weights: DecoderWeights,
): Promise<{ inputs: OnnxValueInfo[]; outputs: OnnxValueInfo[] }> {
  const frame = frameOf(graph, config);
  const ops = decoderOperators(graph, config, frame);
  const ids = graph.add('Reshape', ['input_ids', graph.ints(-1)]);
  let h = (await weights.embedding()).rows(ids);
  const attending: number[] = [];
  for (const step of layerSteps(config.num_hidden_layers, weights.parallel)) {
    const placed: PlacedWeights<Value>[] = [];
    for (const layer of step) placed.push({ layer, weights: await weights.layer(layer) });
    attending.push(...placed.filter((each) => each.weights.hasAttention).map(({ layer }) => layer));
    h = addStep(ops, config, placed, h, weights.parallel);
  }
  graph.scope = 'head';
  await addHead({ graph, config, weights, frame, ops }, h);
  return portsOf(graph, config, attending);
}

/** A layer, or a pair of layers side by side: h [N, D] -> [N, D]. */
function addStep(
  ops: PassOperators<Value>,
  config: ModelConfig,
  placed: readonly PlacedWeights<Value>[],
  h: Value,
  parallel: ParallelLayers | undefined,
): Value {
  const [{ layer, weights }, beside] = placed as [PlacedWeights<Value>, PlacedWeights<Value>?];
  if (beside === undefined || parallel === undefined) return block(ops, config, layer, weights, h).h;
  return layerPair(ops, config, parallel.variant, placed, h);
}

interface Decoder {
  readonly graph: OnnxBuilder;
  readonly config: ModelConfig;
  readonly weights: DecoderWeights;
  readonly frame: OnnxFrame;
  readonly ops: PassOperators<Value>;
}

async function addHead({ graph, config, weights, frame, ops }: Decoder, h: Value): Promise<void> {
  const product = await (config.tie_word_embeddings ? weights.embedding() : weights.matrix(headName));
  const normed = ops.rmsNorm(h, await weights.vector(finalNormName), config.rms_norm_eps);
  const rows = product.times(product.input(normed));
  const axis = { axis: { int: 0 } };
  const shape = graph.add('Concat', [frame.extent, graph.ints(config.vocab_size)], { attributes: axis });
  graph.add('Reshape', [graph.cast(rows, graph.float, 'float32'), shape], { outputs: ['logits'] });
}

/** A layer that does not attend has no cache; the others keep their numbers, from 0. */
function portsOf(
  { float }: OnnxBuilder,
  { num_key_value_heads: groups, head_dim, vocab_size }: ModelConfig,
  attending: readonly number[],
): { inputs: OnnxValueInfo[]; outputs: OnnxValueInfo[] } {
  const cache = (prefix: string, length: string): OnnxValueInfo[] => {
    const names = attending.flatMap((layer) => ['key', 'value'].map((kind) => `${prefix}.${layer - 1}.${kind}`));
    return names.map((name) => ({ name, type: float, dims: ['batch', groups, length, head_dim] }));
  };
  const ids = (name: string, length: string): OnnxValueInfo => ({ name, type: 'int64', dims: ['batch', length] });
  const all = 'past_sequence + sequence';
  return {
    inputs: [
      ids('input_ids', 'sequence'),
      ids('attention_mask', all),
      ids('position_ids', 'sequence'),
      ...cache('past_key_values', 'past_sequence'),
    ],
    outputs: [{ name: 'logits', type: 'float32', dims: ['batch', 'sequence', vocab_size] }, ...cache('present', all)],
  };
}
