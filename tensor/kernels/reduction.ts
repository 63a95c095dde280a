// Reductions, scans along an axis, softmax and ordering.
import { binary, cast, concat, positiveAxis, reduce, slice, splat, unary } from '../graph/build.ts';
import { constant, type Recorder, type Value } from '../graph/graph.ts';
import { input, type Kernel, type KernelTable } from '../graph/kernel.ts';

export const REDUCTION: KernelTable = {
  Sum: (g, inputs, attrs) => reduceKernel(g, 'ReduceSum', input(inputs, 'x'), attrs),
  Mean: (g, inputs, attrs) => reduceKernel(g, 'ReduceMean', cast(g, input(inputs, 'x'), 'float32'), attrs),
  Prod: (g, inputs, attrs) => reduceKernel(g, 'ReduceProd', input(inputs, 'x'), attrs),
  Max: (g, inputs, attrs) => reduceKernel(g, 'ReduceMax', input(inputs, 'x'), attrs),
  Min: (g, inputs, attrs) => reduceKernel(g, 'ReduceMin', input(inputs, 'x'), attrs),
  All: (g, inputs, attrs) => reduceBool(g, 'ReduceMin', input(inputs, 'x'), attrs),
  Any: (g, inputs, attrs) => reduceBool(g, 'ReduceMax', input(inputs, 'x'), attrs),
  ArgMax: (g, inputs, attrs) => argReduce(g, 'ArgMax', input(inputs, 'x'), attrs.axis as number),
  ArgMin: (g, inputs, attrs) => argReduce(g, 'ArgMin', input(inputs, 'x'), attrs.axis as number),
  Softmax: (g, inputs, attrs) => alongAxis(g, 'Softmax', input(inputs, 'logits'), attrs.dim as number),
  LogSoftmax: (g, inputs, attrs) => alongAxis(g, 'LogSoftmax', input(inputs, 'logits'), attrs.axis as number),
  Cumsum: (g, inputs, attrs) => cumsum(g, input(inputs, 'x'), attrs),
  Cumprod: (g, inputs, attrs) => cumprod(g, input(inputs, 'x'), attrs),
  TopK: topK,
};

type Attrs = Readonly<Record<string, unknown>>;

function axesOf(x: Value, axis: unknown): number[] {
  const rank = x.shape.length;
  if (axis === undefined || axis === null) return x.shape.map((_, i) => i);
  return [axis].flat().map((a) => positiveAxis(a as number, rank));
}

function reduceKernel(g: Recorder, op: string, x: Value, attrs: Attrs): Value {
  const axes = axesOf(x, attrs.axis ?? attrs.reductionIndices);
  return reduce(g, op, x.type === 'bool' ? cast(g, x, 'int32') : x, axes, attrs.keepDims === true);
}

function reduceBool(g: Recorder, op: string, x: Value, attrs: Attrs): Value {
  return cast(g, reduceKernel(g, op, cast(g, x, 'int32'), attrs), 'bool');
}

function argReduce(g: Recorder, op: string, x: Value, axis: number): Value {
  const at = positiveAxis(axis, x.shape.length);
  const shape = x.shape.filter((_, i) => i !== at);
  const source = x.type === 'bool' ? cast(g, x, 'int32') : x;
  return cast(g, g.add(op, [source], shape, 'int64', { axis: { int: at }, keepdims: { int: 0 } }), 'int32');
}

function alongAxis(g: Recorder, op: string, x: Value, axis: number): Value {
  return unary(g, op, cast(g, x, 'float32'), 'float32', { axis: { int: positiveAxis(axis, x.shape.length) } });
}

function cumsum(g: Recorder, x: Value, attrs: Attrs): Value {
  const axis = constant('int64', [positiveAxis(attrs.axis as number, x.shape.length)], []);
  return g.add('CumSum', [x, axis], x.shape, x.type, {
    exclusive: { int: attrs.exclusive === true ? 1 : 0 },
    reverse: { int: attrs.reverse === true ? 1 : 0 },
  });
}

/** ONNX has no product scan: log2(n) rounds, each multiplying by the value 1, 2, 4, ... places before. */
function cumprod(g: Recorder, x: Value, attrs: Attrs): Value {
  const axis = positiveAxis(attrs.axis as number, x.shape.length);
  const length = x.shape[axis] as number;
  const reverse = attrs.reverse === true;
  let result = attrs.exclusive === true ? shifted(g, x, axis, 1, reverse) : x;
  for (let distance = 1; distance < length; distance *= 2) {
    result = binary(g, 'Mul', result, shifted(g, result, axis, distance, reverse));
  }
  return result;
}

/** `x` moved by `distance` along `axis`, towards its end (or its start), with ones moving in. */
function shifted(g: Recorder, x: Value, axis: number, distance: number, reverse: boolean): Value {
  const length = x.shape[axis] as number;
  const along = (n: number) => x.shape.map((dim, i) => (i === axis ? n : dim));
  const ones = splat(g, x.type, 1, along(Math.min(distance, length)));
  const begin = x.shape.map((_, i) => (i === axis && reverse ? Math.min(distance, length) : 0));
  const kept = slice(g, x, begin, along(Math.max(length - distance, 0)));
  return concat(g, reverse ? [kept, ones] : [ones, kept], axis);
}

function topK(g: Recorder, inputs: Parameters<Kernel>[1], attrs: Attrs): Value[] {
  const x = input(inputs, 'x');
  const k = attrs.k as number;
  const shape = [...x.shape.slice(0, -1), k];
  const results = [
    { shape, type: x.type },
    { shape, type: 'int64' },
  ] as const;
  const sorted = { sorted: { int: attrs.sorted === false ? 0 : 1 } };
  const [values, indices] = g.addMany('TopK', [x, constant('int64', [k])], results, sorted) as [Value, Value];
  return [values, cast(g, indices, 'int32')];
}
