// What all layers of an ONNX decoder share: shapes, the mask, and the angles of RoPE, computed from the graph's inputs.
import type { ModelConfig } from '../architecture/model-config.ts';
import { ropeOf } from '../forward/rope.ts';
import { floatBytes, type OnnxBuilder, type Value } from './graph.ts';

/** Values that do not depend on the layer; B batch, T tokens, S past and tokens, G queries per key. */
export interface OnnxFrame {
  /** The vector [B, T]. */
  readonly extent: Value;
  /** [B, 1, G*T, S], float32: 0 where a token sees another, the lowest number elsewhere. */
  readonly mask: Value;
  /** cos and signed sin [B, T, 1, hd] of the keys; those of the queries are scaled by 1/sqrt(hd), which scales the scores. */
  readonly key: Rotation;
  readonly query: Rotation;
}

export interface Rotation {
  readonly cos: Value;
  readonly sin: Value;
}

const lowest = -3.4028234663852886e38;

/** The frame of a graph whose inputs are `input_ids`, `attention_mask` and `position_ids`. */
export function frameOf(graph: OnnxBuilder, config: ModelConfig): OnnxFrame {
  const extent = graph.add('Shape', ['input_ids']);
  return { extent, mask: maskOf(graph, config), ...rotationsOf(graph, config) };
}

/** A token sees those before it and itself, where the attention mask is not 0. A token that sees none (padding) mixes them all. */
function maskOf(graph: OnnxBuilder, { num_attention_heads: heads, num_key_value_heads: groups }: ModelConfig): Value {
  const length = (input: Value) => {
    const along = graph.add('Shape', [input], { attributes: { start: { int: 1 }, end: { int: 2 } } });
    return graph.add('Squeeze', [along, graph.ints(0)]);
  };
  const [tokens, all] = [length('input_ids'), length('attention_mask')];
  const range = (from: Value) => graph.add('Range', [from, all, graph.int(1)]);
  const queries = graph.add('Unsqueeze', [range(graph.add('Sub', [all, tokens])), graph.ints(1)]);
  const causal = graph.add('LessOrEqual', [range(graph.int(0)), queries]); // [T, S]
  const real = graph.add('Unsqueeze', [graph.cast('attention_mask', 'int64', 'bool'), graph.ints(1, 2)]);
  const seen = graph.add('And', [real, causal]); // [B, 1, T, S]
  const mask = graph.add('Where', [seen, graph.number(0, 'float32'), graph.number(lowest, 'float32')]);
  return groups === heads ? mask : graph.add('Tile', [mask, graph.ints(1, 1, heads / groups, 1)]);
}

/** Angles in float32, as transformers has them; sin with the sign of its half: x turned is x cos + swapped(x) sin. */
function rotationsOf(graph: OnnxBuilder, config: ModelConfig): { key: Rotation; query: Rotation } {
  const frequencies = Float32Array.from(ropeOf(config).frequencies);
  const inverse = graph.constant('rope.inv_freq', 'float32', [frequencies.length], floatBytes('float32', frequencies));
  const positions = graph.cast(graph.add('Unsqueeze', ['position_ids', graph.ints(2, 3)]), 'int64', 'float32');
  const angles = graph.add('Mul', [positions, inverse]); // [B, T, 1, hd/2]
  const joined = (halves: Value[]) => graph.add('Concat', halves, { attributes: { axis: { int: -1 } } });
  const [cos, sin] = [graph.add('Cos', [angles]), graph.add('Sin', [angles])];
  const whole = [joined([cos, cos]), joined([graph.add('Neg', [sin]), sin])] as const;
  const scale = graph.number(1 / Math.sqrt(config.head_dim), 'float32');
  const rotation = (of: (value: Value) => Value) => {
    const [cos, sin] = whole.map((value) => graph.cast(of(value), 'float32', graph.float)) as [Value, Value];
    return { cos, sin };
  };
  return { key: rotation((value) => value), query: rotation((value) => graph.add('Mul', [value, scale])) };
}
