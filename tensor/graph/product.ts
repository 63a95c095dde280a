// Matrix products: in float32, or of operands that are rounded to 16 bits first.
import { binary, broadcastShape, cast, transpose, unary } from './build.ts';
import { type ElementType, type Recorder, type Rounded, type Shape, scalarConstant, type Value } from './graph.ts';
import { multipliesIn, type NarrowPrecision } from './precision.ts';

/** A product of two matrices as ONNX has it, and whether they are transposed first. */
interface Product {
  readonly a: Value;
  readonly b: Value;
  readonly transA: boolean;
  readonly transB: boolean;
  readonly alpha: number;
}

/**
 * `alpha` times the product of `a` and `b` over their last two axes, either transposed first; leading axes broadcast. In the recorder's
 * precision: the operands are rounded to it, sums are float32, and so is the result.
 */
export function matMul(g: Recorder, a: Value, b: Value, transA = false, transB = false, alpha = 1): Value {
  const product = { a, b, transA, transB, alpha };
  return g.precision === 'float32' ? times(g, product) : roundedProduct(g, product, g.precision);
}

/** The same in float32, whatever the recorder's precision: for sums that are written as products. */
export function exactMatMul(g: Recorder, a: Value, b: Value, transA = false, transB = false, alpha = 1): Value {
  return times(g, { a, b, transA, transB, alpha });
}

/** Of operands of one type, in that type. ONNX Runtime's FusedMatMul reads transposed operands in place. */
function times(g: Recorder, product: Product): Value {
  const { a, b, transA, transB, alpha } = product;
  const rank = a.shape.length;
  const rows = a.shape[rank - (transA ? 1 : 2)] as number;
  const columns = b.shape[b.shape.length - (transB ? 2 : 1)] as number;
  const batch = broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const shape = [...batch, rows, columns];
  if (!transA && !transB && alpha === 1) return g.add('MatMul', [a, b], shape, a.type);
  if (g.provider === 'webgpu') return unfusedTimes(g, product, shape);
  return g.add('com.microsoft:FusedMatMul', [a, b], shape, a.type, {
    transA: { int: transA ? 1 : 0 },
    transB: { int: transB ? 1 : 0 },
    alpha: { float: alpha },
  });
}

/** In ONNX's own operators: on WebGPU, ONNX Runtime would compute a FusedMatMul on the CPU. */
function unfusedTimes(g: Recorder, { a, b, transA, transB, alpha }: Product, shape: Shape): Value {
  if (shape.length === 2) {
    const attributes = { transA: { int: transA ? 1 : 0 }, transB: { int: transB ? 1 : 0 }, alpha: { float: alpha } };
    return g.add('Gemm', [a, b], shape, a.type, attributes);
  }
  const turned = (x: Value, isTransposed: boolean) => (isTransposed ? transpose(g, x, lastTwoSwapped(x)) : x);
  const product = g.add('MatMul', [turned(a, transA), turned(b, transB)], shape, a.type);
  if (alpha === 1) return product;
  return cast(g, binary(g, 'Mul', cast(g, product, 'float32'), scalarConstant('float32', alpha)), a.type);
}

function lastTwoSwapped({ shape }: Value): number[] {
  const axes = shape.map((_, axis) => axis);
  return [...axes.slice(0, -2), axes.length - 1, axes.length - 2];
}

function roundedProduct(g: Recorder, product: Product, precision: NarrowPrecision): Value {
  const a = roundedOperand(g, product.a, precision);
  const b = roundedOperand(g, product.b, precision);
  const result = cast(g, times(g, { ...product, a: a.value, b: b.value }), 'float32');
  if (a.scale === undefined || b.scale === undefined) return result;
  return binary(g, 'Mul', result, binary(g, 'Mul', a.scale, b.scale));
}

/** Each value is rounded once in a piece of the recording: a weight for a product and for its gradient. */
function roundedOperand(g: Recorder, x: Value, precision: NarrowPrecision): Rounded {
  const known = g.rounded.get(x);
  if (known !== undefined) return known;
  const made = precision === 'float16' ? scaledHalf(g, x) : { value: narrowed(g, x, precision), scale: undefined };
  g.rounded.set(x, made);
  return made;
}

/** Where the device has no products of the type, the rounded numbers are multiplied as float32. */
function narrowed(g: Recorder, x: Value, type: NarrowPrecision & ElementType): Value {
  const narrow = cast(g, x, type);
  return multipliesIn(g.provider, type) ? narrow : cast(g, narrow, 'float32');
}

const least = 2 ** -100;

/**
 * float16 ends at 65,504 and at 6e-8, and both activations and gradients go beyond: an operand is divided by a power of two first, after
 * which its largest number lies between 1/2 and 1. Sums of less than 65,504 products cannot overflow then.
 */
function scaledHalf(g: Recorder, x: Value): Rounded {
  const largest = reducedMax(g, unary(g, 'Abs', x));
  const safe = binary(g, 'Max', largest, scalarConstant('float32', least));
  const exponent = unary(g, 'Ceil', binary(g, 'Mul', unary(g, 'Log', safe), scalarConstant('float32', 1 / Math.LN2)));
  const scale = binary(g, 'Pow', scalarConstant('float32', 2), exponent);
  return { value: narrowed(g, binary(g, 'Div', x, scale), 'float16'), scale };
}

/** The largest number of all, as a scalar. */
function reducedMax(g: Recorder, x: Value): Value {
  return g.add('ReduceMax', [x], [], 'float32', { keepdims: { int: 0 } });
}
