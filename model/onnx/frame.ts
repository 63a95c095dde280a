// What all layers of an ONNX decoder share: shapes, the mask, and the angles of RoPE, computed from the graph's inputs.
import { type ModelConfig, windowOf } from '../architecture/model-config.ts';
import { ropeOf } from '../forward/rope.ts';
import { floatBytes, type OnnxBuilder, type Value } from './graph.ts';

/** Values that do not depend on the layer; B batch, T tokens, S past and tokens, G queries per key. */
export interface OnnxFrame {
  /** The vector [B, T]. */
  readonly extent: Value;
  /** [B, 1, G*T, S], float32: 0 where a token sees another, the lowest number elsewhere; `window`: of the last tokens alone. */
  mask(window: number | null): Value;
  /** cos and signed sin [B, T, 1, hd] of the keys; those of the queries are scaled by 1/sqrt(hd), which scales the scores. */
  readonly key: Rotation;
  readonly query: Rotation;
  /** 1/sqrt(hd), by which the queries of a layer without RoPE are multiplied. */
  scale(): Value;
}

export interface Rotation {
  readonly cos: Value;
  readonly sin: Value;
}

const lowest = -3.4028234663852886e38;

/** The frame of a graph whose inputs are `input_ids`, `attention_mask` and `position_ids`. */
export function frameOf(graph: OnnxBuilder, config: ModelConfig): OnnxFrame {
  const extent = graph.add('Shape', ['input_ids']);
  const masks = masksOf(graph, config);
  const scale = () => graph.number(1 / Math.sqrt(config.head_dim));
  return { extent, mask: (window) => masks.get(window) as Value, scale, ...rotationsOf(graph, config) };
}

/** A token sees those before it and itself, where the attention mask is not 0. A token that sees none (padding) mixes them all. */
function masksOf(graph: OnnxBuilder, config: ModelConfig): Map<number | null, Value> {
  const { num_attention_heads: heads, num_key_value_heads: groups, num_hidden_layers } = config;
  const places = placesOf(graph);
  const real = graph.add('Unsqueeze', [graph.cast('attention_mask', 'int64', 'bool'), graph.ints(1, 2)]);
  const windows = new Set(Array.from({ length: num_hidden_layers }, (_, i) => windowOf(config, i + 1)));
  const maskOf = (window: number | null) => {
    const near = window === null ? places.causal : graph.add('And', [places.causal, places.within(window)]);
    const seen = graph.add('And', [real, near]); // [B, 1, T, S]
    const mask = graph.add('Where', [seen, graph.number(0, 'float32'), graph.number(lowest, 'float32')]);
    return groups === heads ? mask : graph.add('Tile', [mask, graph.ints(1, 1, heads / groups, 1)]);
  };
  return new Map([...windows].map((window) => [window, maskOf(window)]));
}

/** Which of the places [S] lie before a query's own or at it, and which of them within a window that ends there: [T, S]. */
function placesOf(graph: OnnxBuilder): { causal: Value; within: (window: number) => Value } {
  const length = (input: Value) => {
    const along = graph.add('Shape', [input], { attributes: { start: { int: 1 }, end: { int: 2 } } });
    return graph.add('Squeeze', [along, graph.ints(0)]);
  };
  const [tokens, all] = [length('input_ids'), length('attention_mask')];
  const range = (from: Value) => graph.add('Range', [from, all, graph.int(1)]);
  const queries = graph.add('Unsqueeze', [range(graph.add('Sub', [all, tokens])), graph.ints(1)]);
  const keys = range(graph.int(0));
  return {
    causal: graph.add('LessOrEqual', [keys, queries]),
    within: (window) => graph.add('Greater', [keys, graph.add('Sub', [queries, graph.int(window)])]),
  };
}

/** Angles in float32, as transformers has them; sin with the sign of its half: x turned is x cos + swapped(x) sin. */
function rotationsOf(graph: OnnxBuilder, config: ModelConfig): { key: Rotation; query: Rotation } {
  const rope = ropeOf(config);
  const frequencies = Float32Array.from(rope.frequencies);
  const inverse = graph.constant('rope.inv_freq', 'float32', [frequencies.length], floatBytes('float32', frequencies));
  const positions = graph.cast(graph.add('Unsqueeze', ['position_ids', graph.ints(2, 3)]), 'int64', 'float32');
  const angles = graph.add('Mul', [positions, inverse]); // [B, T, 1, hd/2]
  const joined = (halves: Value[]) => graph.add('Concat', halves, { attributes: { axis: { int: -1 } } });
  const [cos, sin] = [graph.add('Cos', [angles]), graph.add('Sin', [angles])];
  const whole = [joined([cos, cos]), joined([graph.add('Neg', [sin]), sin])] as const;
  const scaled = (by: number) => (value: Value) =>
    by === 1 ? value : graph.add('Mul', [value, graph.number(by, 'float32')]);
  const rotation = (of: (value: Value) => Value) => {
    const [cos, sin] = whole.map((value) => graph.cast(of(value), 'float32', graph.float)) as [Value, Value];
    return { cos, sin };
  };
  return { key: rotation(scaled(rope.scale)), query: rotation(scaled(rope.scale / Math.sqrt(config.head_dim))) };
}
