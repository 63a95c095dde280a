// A Llama as an ONNX graph with Hugging Face Optimum's inputs and outputs: tokens and past keys and values in, logits and keys and values out.
//
// B batch, T tokens, P past tokens, S = P + T, N = B*T rows, D hidden, H heads, K key/value heads, G = H/K, hd head size, V vocabulary.
// Hidden states are [N, D], as in llama.ts. Norms and softmax are float32 in every precision.
import type { OnnxValueInfo } from '../../formats/tensors/onnx.ts';
import type { ModelConfig } from '../architecture/model-config.ts';
import { finalNormName, headName, tensorName } from '../architecture/tensors.ts';
import { frameOf, type OnnxFrame, type Rotation } from './frame.ts';
import type { OnnxBuilder, Value } from './graph.ts';
import { addMlp, type Project } from './mlp.ts';
import type { OnnxWeights } from './weights.ts';

/** The weights that the graph is built on. */
export interface DecoderWeights extends Pick<OnnxWeights, 'vector' | 'matrix' | 'embedding'> {
  /** The matrices of the layers as they work. */
  readonly project: Project;
  /** True where layer `layer` (from 1) has no MLP. */
  isPruned(layer: number): boolean;
}

/** Adds the decoder to `graph`; returns the graph's inputs and outputs. */
export async function addDecoder(
  graph: OnnxBuilder,
  config: ModelConfig,
  weights: DecoderWeights,
): Promise<{ inputs: OnnxValueInfo[]; outputs: OnnxValueInfo[] }> {
  const decoder = { graph, config, weights, frame: frameOf(graph, config) };
  const ids = graph.add('Reshape', ['input_ids', graph.ints(-1)]);
  let h = (await weights.embedding()).rows(ids);
  for (let layer = 1; layer <= config.num_hidden_layers; layer++) h = await addLayer(decoder, layer, h);
  graph.scope = 'head';
  await addHead(decoder, h);
  return portsOf(graph, config);
}

interface Decoder {
  readonly graph: OnnxBuilder;
  readonly config: ModelConfig;
  readonly weights: DecoderWeights;
  readonly frame: OnnxFrame;
}

async function addLayer(decoder: Decoder, layer: number, h: Value): Promise<Value> {
  const { graph, weights } = decoder;
  graph.scope = `layers.${layer - 1}/attention`; // counted from 0, as the weights' names are
  const attended = graph.add('Add', [h, await addAttention(decoder, layer, await addNorm(decoder, layer, h))]);
  if (weights.isPruned(layer)) return attended;
  graph.scope = `layers.${layer - 1}/mlp`;
  const normed = await addNorm(decoder, layer, attended, 'mlp_norm');
  return graph.add('Add', [attended, await addMlp(graph, weights.project, layer, normed)]);
}

function addNorm(
  decoder: Decoder,
  layer: number,
  h: Value,
  name: 'attention_norm' | 'mlp_norm' = 'attention_norm',
): Promise<Value> {
  return addRmsNorm(decoder, h, tensorName(decoder.config, layer, name));
}

/** x / sqrt(mean(x^2) + eps) w: the form that runtimes know how to fuse. */
async function addRmsNorm({ graph, config, weights }: Decoder, h: Value, name: string): Promise<Value> {
  const x = graph.cast(h, graph.float, 'float32');
  const squares = graph.add('Pow', [x, graph.number(2, 'float32')]);
  const mean = graph.add('ReduceMean', [squares, graph.ints(-1)]);
  const root = graph.add('Sqrt', [graph.add('Add', [mean, graph.number(config.rms_norm_eps, 'float32')])]);
  const normed = graph.cast(graph.add('Div', [x, root]), 'float32', graph.float);
  return graph.add('Mul', [normed, await weights.vector(name)]);
}

/** Grouped-query attention over the past and the tokens: x [N, D] -> [N, D], before the residual add. */
async function addAttention(decoder: Decoder, layer: number, x: Value): Promise<Value> {
  const { graph, config, weights, frame } = decoder;
  const { num_attention_heads: heads, num_key_value_heads: groups, head_dim } = config;
  const linear = (role: 'q' | 'k' | 'v' | 'o', x: Value) => weights.project(layer, role, x);
  const perHead = async (name: 'q' | 'k' | 'v', count: number) => {
    const shape = graph.add('Concat', [frame.extent, graph.ints(count, head_dim)], {
      attributes: { axis: { int: 0 } },
    });
    return graph.add('Reshape', [await linear(name, x), shape]); // [B, T, count, hd]
  };
  const q = turned(graph, await perHead('q', heads), frame.query);
  const k = withPast(graph, layer, 'key', turned(graph, await perHead('k', groups), frame.key));
  const v = withPast(graph, layer, 'value', await perHead('v', groups));
  const mixed = mix(graph, { q: grouped(graph, q, config), k, v }, frame.mask);
  return linear('o', joined(graph, mixed, config));
}

/** x [B, T, heads, hd] turned by the angles of its positions. */
function turned(graph: OnnxBuilder, x: Value, { cos, sin }: Rotation): Value {
  const halves = { axis: { int: -1 }, num_outputs: { int: 2 } };
  const [first, second] = graph.addAll('Split', [x], 2, { attributes: halves }) as [Value, Value];
  const swapped = graph.add('Concat', [second, first], { attributes: { axis: { int: -1 } } });
  return graph.add('Add', [graph.add('Mul', [x, cos]), graph.add('Mul', [swapped, sin])]);
}

/** Keys or values [B, T, K, hd] behind those of the past: [B, K, S, hd], an output of the graph. */
function withPast(graph: OnnxBuilder, layer: number, kind: 'key' | 'value', x: Value): Value {
  const perHead = transpose(graph, x, [0, 2, 1, 3]);
  return graph.add('Concat', [`past_key_values.${layer - 1}.${kind}`, perHead], {
    attributes: { axis: { int: 2 } },
    outputs: [`present.${layer - 1}.${kind}`],
  });
}

/** Queries [B, T, H, hd] -> [B, K, G*T, hd]: those that share a key are rows of one matrix, and no key is copied. */
function grouped(graph: OnnxBuilder, q: Value, config: ModelConfig): Value {
  const { num_attention_heads: heads, num_key_value_heads: groups, head_dim } = config;
  if (heads === groups) return transpose(graph, q, [0, 2, 1, 3]);
  const perGroup = graph.add('Reshape', [q, graph.ints(0, 0, groups, heads / groups, head_dim)]);
  return graph.add('Reshape', [transpose(graph, perGroup, [0, 2, 3, 1, 4]), graph.ints(0, 0, -1, head_dim)]);
}

/** softmax(q k^T + mask) v: [B, K, G*T, hd]. */
function mix(graph: OnnxBuilder, { q, k, v }: { q: Value; k: Value; v: Value }, mask: Value): Value {
  const scores = graph.add('MatMul', [q, transpose(graph, k, [0, 1, 3, 2])]);
  const masked = graph.add('Add', [graph.cast(scores, graph.float, 'float32'), mask]);
  const shares = graph.add('Softmax', [masked], { attributes: { axis: { int: -1 } } });
  return graph.add('MatMul', [graph.cast(shares, 'float32', graph.float), v]);
}

/** [B, K, G*T, hd] -> [N, H*hd]. */
function joined(graph: OnnxBuilder, mixed: Value, config: ModelConfig): Value {
  const { num_attention_heads: heads, num_key_value_heads: groups, head_dim } = config;
  const flat = graph.ints(-1, heads * head_dim);
  if (heads === groups) return graph.add('Reshape', [transpose(graph, mixed, [0, 2, 1, 3]), flat]);
  const perGroup = graph.add('Reshape', [mixed, graph.ints(0, 0, heads / groups, -1, head_dim)]);
  return graph.add('Reshape', [transpose(graph, perGroup, [0, 3, 1, 2, 4]), flat]);
}

function transpose(graph: OnnxBuilder, x: Value, perm: readonly number[]): Value {
  return graph.add('Transpose', [x], { attributes: { perm: { ints: perm } } });
}

async function addHead(decoder: Decoder, h: Value): Promise<void> {
  const { graph, config, weights, frame } = decoder;
  const product = await (config.tie_word_embeddings ? weights.embedding() : weights.matrix(headName));
  const rows = product.times(product.input(await addRmsNorm(decoder, h, finalNormName)));
  const axis = { axis: { int: 0 } };
  const shape = graph.add('Concat', [frame.extent, graph.ints(config.vocab_size)], { attributes: axis });
  graph.add('Reshape', [graph.cast(rows, graph.float, 'float32'), shape], { outputs: ['logits'] });
}

function portsOf(
  { float }: OnnxBuilder,
  { num_hidden_layers: layers, num_key_value_heads: groups, head_dim, vocab_size }: ModelConfig,
): { inputs: OnnxValueInfo[]; outputs: OnnxValueInfo[] } {
  const cache = (prefix: string, length: string): OnnxValueInfo[] => {
    const names = Array.from({ length: layers }, (_, i) => [`${prefix}.${i}.key`, `${prefix}.${i}.value`]).flat();
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
