// Small builders over the recorder: one recorded operator each, with shapes worked out and trivial work left out.

import type { Narrow } from '../widen.ts';
import {
  type Attributes,
  constant,
  type ElementType,
  narrowValue,
  type Recorder,
  type Shape,
  scalarConstant,
  sizeOf,
  type Value,
} from './graph.ts';

/** True when two shapes are equal. */
export function sameShape(a: Shape, b: Shape): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The shape of `a` and `b` broadcast together. Throws when they do not fit. */
export function broadcastShape(a: Shape, b: Shape): Shape {
  if (sameShape(a, b)) return a;
  const rank = Math.max(a.length, b.length);
  const out = new Array<number>(rank);
  for (let i = 1; i <= rank; i++) {
    const x = a[a.length - i] ?? 1;
    const y = b[b.length - i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) throw new Error(`shapes [${a}] and [${b}] do not broadcast together`);
    out[rank - i] = x === 1 ? y : x;
  }
  return out;
}

/** `axis` counted from the front. */
export function positiveAxis(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

/** An elementwise operator of one value. */
export function unary(g: Recorder, op: string, x: Value, type: ElementType = x.type, attributes?: Attributes): Value {
  return g.add(op, [x], x.shape, type, attributes);
}

/** An elementwise operator of two values that broadcast; an operand that was only expanded is taken before its expansion. */
export function binary(
  g: Recorder,
  op: string,
  a: Value,
  b: Value,
  type?: ElementType,
  attributes?: Attributes,
): Value {
  const shape = broadcastShape(a.shape, b.shape);
  const left = withoutExpand(a, b, shape);
  const right = withoutExpand(b, left, shape);
  return g.add(op, [left, right], shape, type ?? a.type, attributes);
}

function withoutExpand(x: Value, other: Value, shape: Shape): Value {
  if (x.node === undefined || x.node.signature.op !== 'Expand') return x;
  const source = x.node.inputs[0] as Value;
  return sameShape(broadcastShape(source.shape, other.shape), shape) ? source : x;
}

/** `x` as another element type; float to integer truncates, anything to bool is `x != 0`. */
export function cast(g: Recorder, x: Value, type: ElementType): Value {
  if (x.type === type) return x;
  const to = { float32: 1, int32: 6, int64: 7, bool: 9, float16: 10, float64: 11, bfloat16: 16 }[type];
  return g.add('Cast', [x], x.shape, type, { to: { int: to } });
}

/** `x` in another shape of the same size; a concrete value is viewed, without a node. Cached per value. */
export function reshape(g: Recorder, x: Value, shape: Shape): Value {
  if (sameShape(x.shape, shape)) return x;
  x.views ??= new Map();
  const key = shape.join();
  let view = x.views.get(key);
  if (view === undefined) {
    view = x.pending || x.constant ? reshapeNode(g, x, shape) : x.viewed(shape);
    x.views.set(key, view);
  }
  return view;
}

function reshapeNode(g: Recorder, x: Value, shape: Shape): Value {
  const attributes = shape.includes(0) ? { allowzero: { int: 1 } } : undefined;
  const source = x.node?.signature.op === 'Reshape' ? (x.node.inputs[0] as Value) : x;
  if (sameShape(source.shape, shape)) return source;
  return g.add('Reshape', [source, constant('int64', shape)], shape, x.type, attributes);
}

/** `x` with its axes in the order `perm`; where only axes of length 1 move, a reshape. */
export function transpose(g: Recorder, x: Value, perm: readonly number[]): Value {
  const shape = perm.map((axis) => x.shape[axis] as number);
  const moved = perm.filter((axis) => x.shape[axis] !== 1);
  if (moved.every((axis, i) => i === 0 || axis > (moved[i - 1] as number))) return reshape(g, x, shape);
  return g.add('Transpose', [x], shape, x.type, { perm: { ints: perm } });
}

/** `x` repeated along its axes of length 1 (and new leading ones) to `shape`. */
export function expand(g: Recorder, x: Value, shape: Shape): Value {
  if (sameShape(x.shape, shape)) return x;
  return g.add('Expand', [x, constant('int64', shape)], shape, x.type);
}

/** A value of `shape` filled with one number that belongs to the graph's structure. */
export function splat(g: Recorder, type: ElementType, x: number, shape: Shape): Value {
  return expand(g, scalarConstant(type, x), shape);
}

/** The shape that remains when `axes` are reduced. */
export function reducedShape(shape: Shape, axes: readonly number[], keepDims: boolean): Shape {
  return keepDims ? shape.map((n, i) => (axes.includes(i) ? 1 : n)) : shape.filter((_, i) => !axes.includes(i));
}

/** A reduction (`ReduceSum`, `ReduceMax`, ...) over `axes`, all of them counted from the front. */
export function reduce(g: Recorder, op: string, x: Value, axes: readonly number[], keepDims: boolean): Value {
  const shape = reducedShape(x.shape, axes, keepDims);
  if (axes.length === 0) return x;
  if (op !== 'ReduceSumSquare' && axes.every((axis) => x.shape[axis] === 1)) return reshape(g, x, shape);
  if (isLongSum(op, x, axes)) return reshape(g, sumInSteps(g, op, x, axes), shape);
  return g.add(op, [x, constant('int64', axes)], shape, x.type, { keepdims: { int: keepDims ? 1 : 0 } });
}

/** Beyond so many terms a sum is made of sums. */
const longSum = 2 ** 17;

function isLongSum(op: string, { shape, type }: Value, axes: readonly number[]): boolean {
  if (type !== 'float32' || (op !== 'ReduceSum' && op !== 'ReduceMean')) return false;
  return axes.reduce((count, axis) => count * (shape[axis] as number), 1) > longSum;
}

/**
 * One axis after the other, the last one first, and a long one in two parts: ONNX Runtime adds term after term to a float32, which is off by 1e-4
 * after four million. The axes stay, with length 1.
 */
function sumInSteps(g: Recorder, op: string, x: Value, axes: readonly number[]): Value {
  const whole = [...axes].sort((a, b) => a - b);
  const last = whole.pop() as number;
  const parts = whole.length > 0 ? 1 : partsOf(x.shape[last] as number);
  const shape = [...x.shape.slice(0, last), parts, (x.shape[last] as number) / parts, ...x.shape.slice(last + 1)];
  const inner = addReduction(g, op, reshape(g, x, shape), last + 1);
  const rest = parts > 1 ? addReduction(g, op, inner, last) : inner;
  const kept = x.shape.map((length, axis) => (axis === last ? 1 : length));
  return reduce(g, op, reshape(g, rest, kept), whole, true);
}

function addReduction(g: Recorder, op: string, x: Value, axis: number): Value {
  const shape = reducedShape(x.shape, [axis], true);
  return g.add(op, [x, constant('int64', [axis])], shape, x.type, { keepdims: { int: 1 } });
}

/** The divisor of a length that is nearest to its root from below. */
function partsOf(length: number): number {
  let parts = Math.floor(Math.sqrt(length));
  while (length % parts !== 0) parts--;
  return parts;
}

/** ONNX reads this end as the end of an axis, whatever its length. */
const AXIS_END = 2 ** 31 - 1;

/** Contiguous part of `x`: from `begin`, `size` elements along each axis. A part up to the end fits an axis of any length. */
export function slice(g: Recorder, x: Value, begin: readonly number[], size: readonly number[]): Value {
  const axes = begin.map((_, i) => i).filter((i) => begin[i] !== 0 || size[i] !== x.shape[i]);
  if (axes.length === 0) return x;
  const narrow = x.numbers?.narrow;
  if (narrow !== undefined && axes.every((axis) => axis === 0)) return narrowSlice(narrow, begin[0] as number, size);
  const starts = axes.map((i) => begin[i] as number);
  const ends = axes.map((i) => {
    const end = (begin[i] as number) + (size[i] as number);
    return end === x.shape[i] ? AXIS_END : end;
  });
  return g.add('Slice', [x, constant('int64', starts), constant('int64', ends), constant('int64', axes)], size, x.type);
}

/** Rows of 16-bit numbers that lie together, where they are. */
function narrowSlice({ dtype, bits }: Narrow, begin: number, size: Shape): Value {
  const width = sizeOf(size.slice(1));
  return narrowValue({ dtype, bits: bits.subarray(begin * width, (begin + (size[0] as number)) * width) }, size);
}

/** Values joined along `axis`. */
export function concat(g: Recorder, parts: readonly Value[], axis: number): Value {
  const filled = parts.filter((part) => sizeOf(part.shape) > 0);
  const first = (filled[0] ?? parts[0]) as Value;
  if (filled.length <= 1) return first;
  const length = filled.reduce((sum, part) => sum + (part.shape[axis] as number), 0);
  const shape = first.shape.map((n, i) => (i === axis ? length : n));
  return g.add('Concat', filled, shape, first.type, { axis: { int: axis } });
}

/** `condition ? a : b`, elementwise with broadcasting. */
export function where(g: Recorder, condition: Value, a: Value, b: Value): Value {
  const shape = broadcastShape(condition.shape, broadcastShape(a.shape, b.shape));
  return g.add('Where', [condition, a, b], shape, a.type);
}
