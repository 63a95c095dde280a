// Elementwise kernels of one tensor.
import { binary, cast, splat, unary, where } from '../graph/build.ts';
import { type Recorder, scalarConstant, type Value } from '../graph/graph.ts';
import { input, type Kernel, type KernelTable } from '../graph/kernel.ts';

/** Kernels that are one ONNX operator. */
const DIRECT: Readonly<Record<string, string>> = {
  Abs: 'Abs',
  Acosh: 'Acosh',
  Asinh: 'Asinh',
  Atan: 'Atan',
  Atanh: 'Atanh',
  Ceil: 'Ceil',
  Cos: 'Cos',
  Cosh: 'Cosh',
  Erf: 'Erf',
  Exp: 'Exp',
  Floor: 'Floor',
  Log: 'Log',
  Neg: 'Neg',
  Reciprocal: 'Reciprocal',
  Relu: 'Relu',
  Round: 'Round',
  Sigmoid: 'Sigmoid',
  Sign: 'Sign',
  Sin: 'Sin',
  Sinh: 'Sinh',
  Softplus: 'Softplus',
  Sqrt: 'Sqrt',
  Tan: 'Tan',
  Tanh: 'Tanh',
};

const SELU = { alpha: 1.6732632423543772, gamma: 1.0507009873554805 };

export const UNARY: KernelTable = {
  ...Object.fromEntries(Object.entries(DIRECT).map(([name, op]) => [name, direct(op)])),
  Asin: (g, inputs) => asin(g, input(inputs, 'x')),
  Acos: (g, inputs) => acos(g, input(inputs, 'x')),
  Square: (g, inputs) => binary(g, 'Mul', input(inputs, 'x'), input(inputs, 'x')),
  Rsqrt: (g, inputs) => unary(g, 'Reciprocal', unary(g, 'Sqrt', input(inputs, 'x'))),
  Expm1: (g, inputs) => expm1(g, input(inputs, 'x')),
  Log1p: (g, inputs) => log1p(g, input(inputs, 'x')),
  Relu6: (g, inputs) => clip(g, input(inputs, 'x'), 0, 6),
  ClipByValue: (g, inputs, attrs) =>
    clip(g, input(inputs, 'x'), attrs.clipValueMin as number, attrs.clipValueMax as number),
  LeakyRelu: (g, inputs, attrs) => withAlpha(g, 'LeakyRelu', input(inputs, 'x'), attrs.alpha as number),
  Elu: (g, inputs) => withAlpha(g, 'Elu', input(inputs, 'x'), 1),
  Selu: (g, inputs) =>
    unary(g, 'Selu', input(inputs, 'x'), 'float32', { alpha: { float: SELU.alpha }, gamma: { float: SELU.gamma } }),
  EluGrad: (g, inputs) => eluGrad(g, input(inputs, 'dy'), input(inputs, 'y')),
  Step: (g, inputs, attrs) => step(g, input(inputs, 'x'), attrs.alpha as number),
  IsNan: (g, inputs) => unary(g, 'IsNaN', cast(g, input(inputs, 'x'), 'float32'), 'bool'),
  IsInf: (g, inputs) => unary(g, 'IsInf', cast(g, input(inputs, 'x'), 'float32'), 'bool'),
  IsFinite: (g, inputs) => finite(g, cast(g, input(inputs, 'x'), 'float32')),
  Cast: (g, inputs, attrs) => castTo(g, input(inputs, 'x'), attrs.dtype as string),
};

function direct(op: string): Kernel {
  return (g, inputs) => unary(g, op, input(inputs, 'x'));
}

function castTo(g: Recorder, x: Value, dtype: string): Value {
  if (dtype !== 'float32' && dtype !== 'int32' && dtype !== 'bool') {
    throw new Error(`cast: backend 'onnx' expects float32, int32 or bool, got '${dtype}'`);
  }
  return cast(g, x, dtype);
}

function clip(g: Recorder, x: Value, min: number, max: number): Value {
  return g.add('Clip', [x, scalarConstant(x.type, min), scalarConstant(x.type, max)], x.shape, x.type);
}

function withAlpha(g: Recorder, op: string, x: Value, alpha: number): Value {
  return unary(g, op, x, 'float32', { alpha: { float: alpha } });
}

/** WebGPU's own is off by 1.4e-4, its arctangent is not: asin x = 2 atan(x / (1 + sqrt((1 - x)(1 + x)))). */
function asin(g: Recorder, x: Value): Value {
  if (g.provider !== 'webgpu') return unary(g, 'Asin', x);
  const one = scalarConstant('float32', 1);
  const adjacent = unary(g, 'Sqrt', binary(g, 'Mul', binary(g, 'Sub', one, x), binary(g, 'Add', one, x)));
  const half = unary(g, 'Atan', binary(g, 'Div', x, binary(g, 'Add', one, adjacent)));
  return binary(g, 'Add', half, half);
}

/** On WebGPU what asin leaves of a right angle. */
function acos(g: Recorder, x: Value): Value {
  if (g.provider !== 'webgpu') return unary(g, 'Acos', x);
  return binary(g, 'Sub', scalarConstant('float32', Math.PI / 2), asin(g, x));
}

/** tanh(x/2) (exp(x) + 1) = exp(x) - 1 without cancellation near zero. */
function expm1(g: Recorder, x: Value): Value {
  const half = unary(g, 'Tanh', binary(g, 'Mul', x, scalarConstant('float32', 0.5)));
  return binary(g, 'Mul', half, binary(g, 'Add', unary(g, 'Exp', x), scalarConstant('float32', 1)));
}

/** Kahan's log(u) x / (u - 1) with u = 1 + x, which is exact near zero; x itself where u is 1 or infinite. */
function log1p(g: Recorder, x: Value): Value {
  const one = scalarConstant('float32', 1);
  const u = binary(g, 'Add', x, one);
  const ratio = binary(g, 'Div', x, binary(g, 'Sub', u, one));
  const plain = binary(g, 'Or', binary(g, 'Equal', u, one, 'bool'), unary(g, 'IsInf', u, 'bool'));
  return where(g, plain, x, binary(g, 'Mul', unary(g, 'Log', u), ratio));
}

function eluGrad(g: Recorder, dy: Value, y: Value): Value {
  const positive = binary(g, 'GreaterOrEqual', y, scalarConstant('float32', 0), 'bool');
  return where(g, positive, dy, binary(g, 'Mul', dy, binary(g, 'Add', y, scalarConstant('float32', 1))));
}

/** 1 above zero, `alpha` elsewhere, NaN stays. */
function step(g: Recorder, x: Value, alpha: number): Value {
  const positive = binary(g, 'Greater', x, scalarConstant(x.type, 0), 'bool');
  const stepped = where(g, positive, scalarConstant(x.type, 1), scalarConstant(x.type, alpha));
  return x.type === 'float32' ? where(g, unary(g, 'IsNaN', x, 'bool'), x, stepped) : stepped;
}

function finite(g: Recorder, x: Value): Value {
  const odd = binary(g, 'Or', unary(g, 'IsNaN', x, 'bool'), unary(g, 'IsInf', x, 'bool'));
  return unary(g, 'Not', odd, 'bool');
}

/** ZerosLike and OnesLike. */
export const LIKE: KernelTable = {
  ZerosLike: (g, inputs) => filledLike(g, input(inputs, 'x'), 0),
  OnesLike: (g, inputs) => filledLike(g, input(inputs, 'x'), 1),
};

function filledLike(g: Recorder, x: Value, value: number): Value {
  return splat(g, x.type, value, x.shape);
}
