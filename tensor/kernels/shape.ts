// Kernels that move elements without changing them.
import { concat, expand, positiveAxis, reshape, sameShape, slice, transpose } from '../graph/build.ts';
import { constant, type Recorder, type Shape, scalarConstant, sizeOf, type Value } from '../graph/graph.ts';
import { input, type KernelTable } from '../graph/kernel.ts';
import { tf } from '../tf.ts';

export const SHAPE: KernelTable = {
  Transpose: (g, inputs, attrs) => transpose(g, input(inputs, 'x'), attrs.perm as number[]),
  Slice: (g, inputs, attrs) => sliceKernel(g, input(inputs, 'x'), attrs),
  StridedSlice: (g, inputs, attrs) => stridedSlice(g, input(inputs, 'x'), attrs as unknown as tf.StridedSliceAttrs),
  SplitV: (g, inputs, attrs) => splitV(g, input(inputs, 'x'), attrs as unknown as tf.SplitVAttrs),
  Concat: (g, inputs, attrs) => joined(g, Object.values(inputs), attrs.axis as number),
  Pack: (g, inputs, attrs) => pack(g, Object.values(inputs), attrs.axis as number),
  Unpack: (g, inputs, attrs) => unpack(g, input(inputs, 'value'), attrs.axis as number),
  PadV2: (g, inputs, attrs) => pad(g, input(inputs, 'x'), attrs as unknown as tf.PadV2Attrs),
  MirrorPad: (g, inputs, attrs) => mirrorPad(g, input(inputs, 'x'), attrs as unknown as tf.MirrorPadAttrs),
  Tile: (g, inputs, attrs) => tile(g, input(inputs, 'x'), attrs.reps as number[]),
  BroadcastTo: (g, inputs, attrs) => expand(g, input(inputs, 'x'), attrs.shape as number[]),
  Reverse: (g, inputs, attrs) => reverse(g, input(inputs, 'x'), [attrs.dims as number | number[]].flat()),
};

/** ONNX reads this start or end as the far side of an axis that is walked backwards. */
const BEFORE_START = -(2 ** 31);

type Attrs = Readonly<Record<string, unknown>>;

function sliceKernel(g: Recorder, x: Value, attrs: Attrs): Value {
  const [begin, size] = tf.slice_util.parseSliceParams(
    { shape: x.shape, rank: x.shape.length } as unknown as tf.Tensor,
    attrs.begin as number[],
    attrs.size as number[],
  );
  return slice(g, x, begin as number[], size as number[]);
}

function stridedSlice(g: Recorder, x: Value, attrs: tf.StridedSliceAttrs): Value {
  const info = tf.slice_util.sliceInfo(
    x.shape as number[],
    attrs.begin,
    attrs.end,
    attrs.strides,
    attrs.beginMask,
    attrs.endMask,
    attrs.ellipsisMask,
    attrs.newAxisMask,
    attrs.shrinkAxisMask,
  );
  const strided = walk(g, x, info.begin, info.end, info.strides);
  return reshape(g, strided, info.finalShape);
}

function walk(g: Recorder, x: Value, begin: number[], end: number[], strides: number[]): Value {
  const shape = tf.slice_util.computeOutShape(begin, end, strides);
  const ends = end.map((stop, i) => (stop < 0 && (strides[i] as number) < 0 ? BEFORE_START : stop));
  const axes = begin.map((_, i) => i);
  const parts = [begin, ends, axes, strides].map((part) => constant('int64', part));
  return sizeOf(shape) === 0 ? emptyLike(g, x, shape) : g.add('Slice', [x, ...parts], shape, x.type);
}

function emptyLike(g: Recorder, x: Value, shape: Shape): Value {
  return expand(g, scalarConstant(x.type, 0), shape);
}

function splitV(g: Recorder, x: Value, attrs: tf.SplitVAttrs): Value[] {
  const axis = positiveAxis(attrs.axis, x.shape.length);
  const sizes = tf.backend_util.prepareSplitSize(
    { shape: x.shape } as unknown as tf.Tensor,
    attrs.numOrSizeSplits,
    axis,
  );
  if (sizes.length === 1) return [x];
  const results = sizes.map((n) => ({ shape: x.shape.map((dim, i) => (i === axis ? n : dim)), type: x.type }));
  return g.addMany('Split', [x, constant('int64', sizes)], results, { axis: { int: axis } });
}

function joined(g: Recorder, parts: Value[], axis: number): Value {
  return concat(g, parts, positiveAxis(axis, (parts[0] as Value).shape.length));
}

function pack(g: Recorder, parts: Value[], axis: number): Value {
  const shape = (parts[0] as Value).shape;
  const at = positiveAxis(axis, shape.length + 1);
  const raised = [...shape.slice(0, at), 1, ...shape.slice(at)];
  if (sizeOf(raised) === 0)
    return emptyLike(
      g,
      parts[0] as Value,
      raised.map((n, i) => (i === at ? parts.length : n)),
    );
  return concat(
    g,
    parts.map((part) => reshape(g, part, raised)),
    at,
  );
}

function unpack(g: Recorder, x: Value, axis: number): Value[] {
  const at = positiveAxis(axis, x.shape.length);
  const count = x.shape[at] as number;
  const shape = x.shape.filter((_, i) => i !== at);
  const attrs = { numOrSizeSplits: new Array<number>(count).fill(1), axis: at };
  return splitV(g, x, attrs).map((part) => reshape(g, part, shape));
}

function pad(g: Recorder, x: Value, attrs: tf.PadV2Attrs): Value {
  const before = attrs.paddings.map((pair) => pair[0]);
  const after = attrs.paddings.map((pair) => pair[1]);
  const shape = x.shape.map((n, i) => n + (before[i] as number) + (after[i] as number));
  if (sameShape(shape, x.shape)) return x;
  const pads = constant('int64', [...before, ...after]);
  if (x.type === 'bool') throw new Error(`pad: backend 'onnx' expects float32 or int32, got 'bool'`);
  return g.add('Pad', [x, pads, scalarConstant(x.type, attrs.constantValue)], shape, x.type);
}

/** Gathers along each axis, which also serves 'symmetric', a mode that ONNX lacks. */
function mirrorPad(g: Recorder, x: Value, attrs: tf.MirrorPadAttrs): Value {
  const offset = attrs.mode === 'reflect' ? 0 : 1;
  return attrs.paddings.reduce((result, [before, after], axis) => {
    const n = x.shape[axis] as number;
    const indices = Array.from({ length: before + n + after }, (_, i) => mirrored(i - before, n, offset));
    const shape = result.shape.map((dim, i) => (i === axis ? indices.length : dim));
    return g.add('Gather', [result, constant('int64', indices)], shape, x.type, { axis: { int: axis } });
  }, x);
}

function mirrored(i: number, n: number, offset: number): number {
  if (i < 0) return -i - offset;
  return i < n ? i : 2 * (n - 1) - i + offset;
}

/** Repeating axes of length 1 is an expansion, which later elementwise operators can skip. */
function tile(g: Recorder, x: Value, reps: number[]): Value {
  const shape = x.shape.map((n, i) => n * (reps[i] as number));
  if (x.shape.every((n, i) => n === 1 || reps[i] === 1)) return expand(g, x, shape);
  return g.add('Tile', [x, constant('int64', reps)], shape, x.type);
}

function reverse(g: Recorder, x: Value, dims: number[]): Value {
  const axes = dims.map((axis) => positiveAxis(axis, x.shape.length));
  if (axes.length === 0 || sizeOf(x.shape) === 0) return x;
  const fill = (n: number) => constant('int64', new Array<number>(axes.length).fill(n));
  return g.add('Slice', [x, fill(-1), fill(BEFORE_START), constant('int64', axes), fill(-1)], x.shape, x.type);
}
