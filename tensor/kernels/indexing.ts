// Kernels that read or write by index, and kernels that make tensors from numbers.
import { binary, cast, expand, positiveAxis, reshape, splat, where } from '../graph/build.ts';
import { concrete, constant, type Recorder, type Shape, scalarConstant, sizeOf, type Value } from '../graph/graph.ts';
import { input, type KernelTable } from '../graph/kernel.ts';
import type { tf } from '../tf.ts';
import { type Narrow, widenedCopy } from '../widen.ts';

export const INDEXING: KernelTable = {
  GatherV2: (g, inputs, attrs) =>
    gather(g, input(inputs, 'x'), input(inputs, 'indices'), attrs as unknown as tf.GatherV2Attrs),
  GatherNd: (g, inputs) => gatherNd(g, input(inputs, 'params'), input(inputs, 'indices')),
  ScatterNd: (g, inputs, attrs) =>
    scatterNd(g, input(inputs, 'indices'), input(inputs, 'updates'), attrs.shape as number[]),
  TensorScatterUpdate: (g, inputs) =>
    scatterUpdate(g, input(inputs, 'tensor'), input(inputs, 'indices'), input(inputs, 'updates')),
  UnsortedSegmentSum: (g, inputs, attrs) =>
    segmentSum(g, input(inputs, 'x'), input(inputs, 'segmentIds'), attrs.numSegments as number),
  OneHot: (g, inputs, attrs) => oneHot(g, input(inputs, 'indices'), attrs as unknown as tf.OneHotAttrs),
  Fill: (g, _inputs, attrs) => fill(g, attrs as unknown as tf.FillAttrs),
  Range: (_g, _inputs, attrs) => range(attrs as unknown as tf.RangeAttrs),
  LinSpace: (_g, _inputs, attrs) => linSpace(attrs as unknown as tf.LinSpaceAttrs),
};

function gather(g: Recorder, x: Value, indices: Value, attrs: tf.GatherV2Attrs): Value {
  const rank = x.shape.length;
  const axis = positiveAxis(attrs.axis, rank);
  const batchDims = positiveAxis(attrs.batchDims, indices.shape.length);
  if (batchDims > 0) return batchedGather(g, x, indices, axis, batchDims);
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  const narrow = x.numbers?.narrow;
  const rows = indices.numbers?.data;
  if (narrow !== undefined && axis === 0 && rows !== undefined) {
    return concrete('float32', narrowRows(narrow, x.shape[0] as number, rows), shape);
  }
  return g.add('Gather', [x, cast(g, indices, 'int32')], shape, x.type, { axis: { int: axis } });
}

/** The rows of a matrix of 16-bit numbers at once: a run would widen the whole matrix for a few of them. */
function narrowRows({ dtype, bits }: Narrow, rows: number, indices: ArrayLike<number>): Float32Array {
  const width = bits.length / rows;
  const chosen = new Uint16Array(indices.length * width);
  for (let i = 0; i < indices.length; i++) {
    const row = indices[i] as number;
    chosen.set(bits.subarray(row * width, (row + 1) * width), i * width);
  }
  return widenedCopy({ dtype, bits: chosen });
}

/** As one gather of rows: x is [batch, outer, n, inner], and row (b, o, i) is number (b outer + o) n + i. */
function batchedGather(g: Recorder, x: Value, indices: Value, axis: number, batchDims: number): Value {
  const batch = sizeOf(x.shape.slice(0, batchDims));
  const outer = sizeOf(x.shape.slice(batchDims, axis));
  const n = x.shape[axis] as number;
  const innerShape = x.shape.slice(axis + 1);
  const picked = sizeOf(indices.shape.slice(batchDims));
  const offsets = constant(
    'int32',
    Array.from({ length: batch * outer }, (_, i) => i * n),
    [batch, outer, 1],
  );
  const rows = binary(g, 'Add', reshape(g, cast(g, indices, 'int32'), [batch, 1, picked]), offsets);
  const flat = reshape(g, x, [batch * outer * n, sizeOf(innerShape)]);
  const result = g.add('Gather', [flat, rows], [batch, outer, picked, sizeOf(innerShape)], x.type, {
    axis: { int: 0 },
  });
  return reshape(g, result, [...x.shape.slice(0, axis), ...indices.shape.slice(batchDims), ...innerShape]);
}

function gatherNd(g: Recorder, x: Value, indices: Value): Value {
  const depth = indices.shape[indices.shape.length - 1] as number;
  const shape = [...indices.shape.slice(0, -1), ...x.shape.slice(depth)];
  return g.add('GatherND', [x, cast(g, indices, 'int64')], shape, x.type);
}

/** Sums `updates` into zeros of `shape` at `indices` [..., depth]; equal indices add up, in order. */
function scatterNd(g: Recorder, indices: Value, updates: Value, shape: Shape): Value {
  const depth = indices.shape.length > 1 ? (indices.shape[indices.shape.length - 1] as number) : 1;
  const inner = sizeOf(shape.slice(depth));
  const rows = sizeOf(shape.slice(0, depth));
  const count = sizeOf(indices.shape) / depth;
  const flat = flatIndices(g, reshape(g, indices, [count, depth]), shape.slice(0, depth));
  const scattered = addRows(g, flat, reshape(g, updates, [count, inner]), rows);
  return reshape(g, scattered, shape);
}

/** [count, depth] coordinates as [count, 1] row numbers of a row-major array. */
function flatIndices(g: Recorder, indices: Value, shape: Shape): Value {
  if (shape.length === 1) return indices;
  const strides = shape.map((_, i) => sizeOf(shape.slice(i + 1)));
  const weighted = binary(g, 'Mul', indices, constant('int32', strides));
  const attributes = { keepdims: { int: 1 } };
  return g.add('ReduceSum', [weighted, constant('int64', [1])], [indices.shape[0] as number, 1], 'int32', attributes);
}

/**
 * Sums `updates` [n, inner] into `rows` rows of zeros, at the row numbers `indices` [n, 1]. ScatterElements adds in
 * the order of its updates on one thread; ScatterND would let threads race on equal indices.
 */
export function addRows(g: Recorder, indices: Value, updates: Value, rows: number): Value {
  const inner = updates.shape[1] as number;
  const zeros = splat(g, updates.type, 0, [rows, inner]);
  const spread = expand(g, cast(g, indices, 'int32'), updates.shape);
  const attributes = { axis: { int: 0 }, reduction: { string: 'add' } };
  return g.add('ScatterElements', [zeros, spread, updates], [rows, inner], updates.type, attributes);
}

function scatterUpdate(g: Recorder, x: Value, indices: Value, updates: Value): Value {
  return g.add('ScatterND', [x, cast(g, indices, 'int64'), updates], x.shape, x.type);
}

/** Rows with a segment number outside [0, numSegments) are left out, as in TensorFlow.js. */
function segmentSum(g: Recorder, x: Value, segmentIds: Value, numSegments: number): Value {
  const count = sizeOf(segmentIds.shape);
  const innerShape = x.shape.slice(segmentIds.shape.length);
  const ids = reshape(g, segmentIds, [count, 1]);
  const rows = reshape(g, x, [count, sizeOf(innerShape)]);
  const zero = scalarConstant('int32', 0);
  const tooLow = binary(g, 'Less', ids, zero, 'bool');
  const tooHigh = binary(g, 'GreaterOrEqual', ids, scalarConstant('int32', numSegments), 'bool');
  const outside = binary(g, 'Or', tooLow, tooHigh, 'bool');
  const kept = where(g, outside, scalarConstant(x.type, 0), rows);
  const summed = addRows(g, where(g, outside, zero, ids), kept, numSegments);
  return reshape(g, summed, [numSegments, ...innerShape]);
}

/** By comparison with 0..depth-1: ONNX's OneHot would wrap negative indices, TensorFlow.js gives them no 1. */
function oneHot(g: Recorder, indices: Value, attrs: tf.OneHotAttrs): Value {
  const classes = constant(
    'int32',
    Array.from({ length: attrs.depth }, (_, i) => i),
  );
  const raised = reshape(g, cast(g, indices, 'int32'), [...indices.shape, 1]);
  const type = attrs.dtype === 'int32' || attrs.dtype === 'bool' ? attrs.dtype : 'float32';
  const hit = binary(g, 'Equal', raised, classes, 'bool');
  return where(g, hit, scalarConstant(type, attrs.onValue), scalarConstant(type, attrs.offValue));
}

function fill(g: Recorder, attrs: tf.FillAttrs): Value {
  const value = attrs.value as number;
  const type = attrs.dtype === 'int32' || attrs.dtype === 'bool' ? attrs.dtype : 'float32';
  const Arrays = type === 'float32' ? Float32Array : type === 'int32' ? Int32Array : Uint8Array;
  const scalar = concrete(type, Arrays.of(value), []);
  return expand(g, scalar, attrs.shape);
}

function range(attrs: tf.RangeAttrs): Value {
  const { start, stop, step } = attrs;
  const backwards = start < stop && (step ?? 1) < 0;
  const forwards = start > stop && (step ?? 1) > 1;
  const stride = start > stop && (step ?? 1) === 1 ? -1 : (step ?? 1);
  const length = start === stop || backwards || forwards ? 0 : Math.abs(Math.ceil((stop - start) / stride));
  const numbers = Array.from({ length }, (_, i) => start + i * stride);
  if (attrs.dtype === 'int32') return concrete('int32', Int32Array.from(numbers), [length]);
  return concrete('float32', Float32Array.from(numbers), [length]);
}

function linSpace(attrs: tf.LinSpaceAttrs): Value {
  const step = (attrs.stop - attrs.start) / (attrs.num - 1);
  const data = Float32Array.from({ length: attrs.num }, (_, i) => (i === 0 ? attrs.start : attrs.start + i * step));
  return concrete('float32', data, [attrs.num]);
}
