// The operators as nodes of an ONNX graph; a value is its name there. Norms and softmax are float32 in every precision.

import type { ExpertMatrices } from '../../tensor/experts.ts';
import type { ModelConfig } from '../architecture/model-config.ts';
import type { AttentionPlace, HeadValues, PassOperators } from '../forward/block.ts';
import type { Operators } from '../operators/operators.ts';
import type { OnnxFrame, Rotation } from './frame.ts';
import type { OnnxBuilder, Value } from './graph.ts';
import { timesTransposed } from './linear.ts';

/** The operators that add their nodes to `graph`. */
export function graphOperators(graph: OnnxBuilder): Operators<Value> {
  const wide = (x: Value) => graph.cast(x, graph.float, 'float32');
  const narrow = (x: Value) => graph.cast(x, 'float32', graph.float);
  return {
    add: (a, b) => graph.add('Add', [a, b]),
    mul: (a, b) => graph.add('Mul', [a, b]),
    scale: (x, by) => (by === graph.number(1) ? x : graph.add('Mul', [x, by])),
    matmul: (a, b, { a: turnA = false, b: turnB = false } = {}) => {
      if (!turnA && !turnB) return graph.add('MatMul', [a, b]);
      const attributes = { ...(turnA && { transA: { int: 1 } }), ...(turnB && { transB: { int: 1 } }) };
      return graph.add('Gemm', [a, b], { attributes });
    },
    transpose: (x) => transpose(graph, x, [1, 0]),
    addDiagonal: (sum, x, diagonal) => addDiagonal(graph, sum, x, diagonal),
    identity: (x) => identity(graph, x),
    rmsNorm(x, weight, eps) {
      // the form that runtimes know how to fuse
      const exact = wide(x);
      const squares = graph.add('Pow', [exact, graph.number(2, 'float32')]);
      const mean = graph.add('ReduceMean', [squares, graph.ints(-1)]);
      const root = graph.add('Sqrt', [graph.add('Add', [mean, graph.number(eps, 'float32')])]);
      return graph.add('Mul', [narrow(graph.add('Div', [exact, root])), weight]);
    },
    swiglu(gate, up) {
      const activated = graph.add('Mul', [gate, graph.add('Sigmoid', [gate])]);
      return graph.add('Mul', [activated, up]);
    },
    chosenExperts: (scores, active) => narrow(chosenExperts(graph, wide(scores), active)),
    spreadFactors(hidden, factors) {
      const axis = { axis: { int: 0 } };
      const sizes = graph.add('Concat', [graph.add('Shape', [factors]), graph.ints(-1)], { attributes: axis });
      const spread = graph.add('Unsqueeze', [factors, graph.ints(2)]);
      const made = graph.add('Mul', [graph.add('Reshape', [hidden, sizes]), spread]);
      return graph.add('Reshape', [made, graph.add('Shape', [hidden])]);
    },
    throughExperts: (x, chosen, experts) => narrow(throughExperts(graph, x, chosen, experts)),
    wide,
    narrow,
  };
}

/** scores [N, E] -> [N, E], float32 both. */
function chosenExperts(graph: OnnxBuilder, scores: Value, active: number): Value {
  const attributes = { axis: { int: 1 } };
  const [, places] = graph.addAll('TopK', [scores, graph.ints(active)], 2, { attributes }) as [Value, Value];
  const ones = graph.add('Expand', [graph.number(1, 'float32'), graph.add('Shape', [places])]);
  return graph.add('ScatterElements', [zerosOf(graph, scores), places, ones], { attributes });
}

/** x [N, D] -> [N, D] in float32: each expert's rows are gathered, and what it makes of them is added in their places. */
function throughExperts(graph: OnnxBuilder, x: Value, chosen: Value, experts: readonly ExpertMatrices<Value>[]): Value {
  const { swiglu } = graphOperators(graph);
  let sum = zerosOf(graph, x);
  for (const [e, { gate, up, down }] of experts.entries()) {
    const own = graph.add('Gather', [chosen, graph.int(e)], { attributes: { axis: { int: 1 } } });
    const places = graph.add('Squeeze', [graph.add('NonZero', [own]), graph.ints(0)]);
    const rows = graph.add('Gather', [x, places], { attributes: { axis: { int: 0 } } });
    const hidden = swiglu(timesTransposed(graph, rows, gate), timesTransposed(graph, rows, up));
    const made = graph.cast(timesTransposed(graph, hidden, down), graph.float, 'float32');
    const at = graph.add('Unsqueeze', [places, graph.ints(1)]);
    sum = graph.add('ScatterND', [sum, at, made], { attributes: { reduction: { string: 'add' } } });
  }
  return sum;
}

/** Zeros of the shape of x, float32. */
function zerosOf(graph: OnnxBuilder, x: Value): Value {
  return graph.add('ConstantOfShape', [graph.add('Shape', [x])]);
}

/** The first columns of sum, as many as the diagonal has numbers, with x times these; and the columns behind them. */
function addDiagonal(graph: OnnxBuilder, sum: Value, x: Value, diagonal: Value): Value {
  const count = graph.add('Shape', [diagonal]);
  const columns = (of: Value, from: Value, to: Value) => graph.add('Slice', [of, from, to, graph.ints(1)]);
  const first = (of: Value) => columns(of, graph.ints(0), count);
  const made = graph.add('Add', [first(sum), graph.add('Mul', [first(x), diagonal])]);
  const rest = columns(sum, count, graph.ints(Number.MAX_SAFE_INTEGER));
  return graph.add('Concat', [made, rest], { attributes: { axis: { int: 1 } } });
}

function identity(graph: OnnxBuilder, x: Value): Value {
  const rows = graph.add('Shape', [x], { attributes: { start: { int: 0 }, end: { int: 1 } } });
  const empty = graph.add('ConstantOfShape', [graph.add('Concat', [rows, rows], { attributes: { axis: { int: 0 } } })]);
  return graph.cast(graph.add('EyeLike', [empty]), 'float32', graph.float);
}

/** The operators of a pass over the graph's inputs: tokens behind a past, whose keys and values are inputs and outputs of the graph. */
export function decoderOperators(graph: OnnxBuilder, config: ModelConfig, frame: OnnxFrame): PassOperators<Value> {
  return {
    ...graphOperators(graph),
    heads(x, count) {
      const sizes = [frame.extent, graph.ints(count, config.head_dim)];
      return graph.add('Reshape', [x, graph.add('Concat', sizes, { attributes: { axis: { int: 0 } } })]);
    },
    spliced(a, b, half) {
      const columns = (x: Value, from: number, to: number) =>
        graph.add('Slice', [x, graph.ints(from), graph.ints(to), graph.ints(1)]);
      const parts = [columns(a, 0, half), columns(b, half, Number.MAX_SAFE_INTEGER)];
      return graph.add('Concat', parts, { attributes: { axis: { int: 1 } } });
    },
    attend: (heads, place) => attend({ graph, config, frame }, heads, place),
  };
}

interface Decoder {
  readonly graph: OnnxBuilder;
  readonly config: ModelConfig;
  readonly frame: OnnxFrame;
}

/** B batch, T tokens, S = past and tokens, H heads, K key/value heads, G = H/K, hd head size -> [N, H*hd]. */
function attend({ graph, config, frame }: Decoder, heads: HeadValues<Value>, place: AttentionPlace): Value {
  const { layer, rope, window } = place;
  const q = rope ? turned(graph, heads.q, frame.query) : graph.add('Mul', [heads.q, frame.scale()]);
  const k = withPast(graph, layer, 'key', rope ? turned(graph, heads.k, frame.key) : heads.k);
  const v = withPast(graph, layer, 'value', heads.v);
  return joined(graph, mix(graph, { q: grouped(graph, q, config), k, v }, frame.mask(window)), config);
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
function mix(graph: OnnxBuilder, { q, k, v }: HeadValues<Value>, mask: Value): Value {
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
