// Elementwise kernels of two tensors, comparisons and logic.
import { binary, broadcastShape, cast, expand, sameShape, unary, where } from '../graph/build.ts';
import { type ElementType, type Recorder, scalarConstant, type Value } from '../graph/graph.ts';
import { input, type Kernel, type KernelTable } from '../graph/kernel.ts';

export const BINARY: KernelTable = {
  Add: arithmetic('Add'),
  Sub: arithmetic('Sub'),
  Multiply: arithmetic('Mul'),
  RealDiv: (g, inputs) => realDiv(g, input(inputs, 'a'), input(inputs, 'b')),
  FloorDiv: (g, inputs) => floorDiv(g, input(inputs, 'a'), input(inputs, 'b')),
  Mod: (g, inputs) => floorMod(g, input(inputs, 'a'), input(inputs, 'b')),
  Pow: (g, inputs) => pow(g, input(inputs, 'a'), input(inputs, 'b')),
  Maximum: arithmetic('Max'),
  Minimum: arithmetic('Min'),
  SquaredDifference: (g, inputs) => squaredDifference(g, input(inputs, 'a'), input(inputs, 'b')),
  Atan2: (g, inputs) => atan2(g, input(inputs, 'a'), input(inputs, 'b')),
  Prelu: (g, inputs) =>
    g.add('PRelu', [input(inputs, 'x'), input(inputs, 'alpha')], input(inputs, 'x').shape, 'float32'),
  AddN: (_g, inputs) => addN(_g, Object.values(inputs)),
  Greater: comparison('Greater'),
  GreaterEqual: comparison('GreaterOrEqual'),
  Less: comparison('Less'),
  LessEqual: comparison('LessOrEqual'),
  Equal: comparison('Equal'),
  NotEqual: (g, inputs) => unary(g, 'Not', compare(g, 'Equal', input(inputs, 'a'), input(inputs, 'b')), 'bool'),
  LogicalAnd: arithmetic('And'),
  LogicalOr: arithmetic('Or'),
  LogicalNot: (g, inputs) => unary(g, 'Not', input(inputs, 'x'), 'bool'),
  BitwiseAnd: arithmetic('BitwiseAnd'),
  Select: (g, inputs) => where(g, input(inputs, 'condition'), input(inputs, 't'), input(inputs, 'e')),
};

function arithmetic(op: string): Kernel {
  return (g, inputs) => binary(g, op, input(inputs, 'a'), input(inputs, 'b'));
}

function comparison(op: string): Kernel {
  return (g, inputs) => compare(g, op, input(inputs, 'a'), input(inputs, 'b'));
}

/** ONNX compares the order of numbers only. */
function compare(g: Recorder, op: string, a: Value, b: Value): Value {
  const type: ElementType = a.type === 'bool' ? 'int32' : a.type;
  return binary(g, op, cast(g, a, type), cast(g, b, type), 'bool');
}

/** ONNX's integer division truncates; TensorFlow.js's real division gives floats. */
function realDiv(g: Recorder, a: Value, b: Value): Value {
  return binary(g, 'Div', cast(g, a, 'float32'), cast(g, b, 'float32'));
}

/** Integers go through float64, which holds every quotient of two int32 exactly enough to floor. */
function floorDiv(g: Recorder, a: Value, b: Value): Value {
  const wide = a.type === 'int32' ? 'float64' : a.type;
  const quotient = binary(g, 'Div', cast(g, a, wide), cast(g, b, wide));
  return cast(g, unary(g, 'Floor', quotient), a.type);
}

/** The remainder with the sign of the divisor; ONNX has it for integers, and C's fmod for floats. */
function floorMod(g: Recorder, a: Value, b: Value): Value {
  if (a.type === 'int32') return binary(g, 'Mod', a, b);
  const fmod = { fmod: { int: 1 } };
  const remainder = binary(g, 'Mod', a, b, 'float32', fmod);
  const zero = scalarConstant('float32', 0);
  const negativeA = binary(g, 'Less', a, zero, 'bool');
  const negativeB = binary(g, 'Less', b, zero, 'bool');
  const signsDiffer = binary(g, 'Xor', negativeA, negativeB, 'bool');
  const shifted = binary(g, 'Mod', binary(g, 'Add', remainder, b), b, 'float32', fmod);
  return where(g, signsDiffer, shifted, remainder);
}

function squaredDifference(g: Recorder, a: Value, b: Value): Value {
  const difference = binary(g, 'Sub', a, b);
  return binary(g, 'Mul', difference, difference);
}

/** On WebGPU, ONNX Runtime 1.30 fails where a base is broadcast along its last axis: it is repeated there first. */
function pow(g: Recorder, a: Value, b: Value): Value {
  const shape = broadcastShape(a.shape, b.shape);
  if (g.provider !== 'webgpu' || sameShape(a.shape, shape)) return binary(g, 'Pow', a, b);
  return g.add('Pow', [expand(g, a, shape), b], shape, a.type);
}

/** The angle of (x, y) from the arctangent of the quotient, by quadrant. */
function atan2(g: Recorder, y: Value, x: Value): Value {
  const zero = scalarConstant('float32', 0);
  const pi = scalarConstant('float32', Math.PI);
  const angle = unary(g, 'Atan', binary(g, 'Div', y, x));
  const below = binary(g, 'Less', y, zero, 'bool');
  const left = where(g, below, binary(g, 'Sub', angle, pi), binary(g, 'Add', angle, pi));
  const half = scalarConstant('float32', Math.PI / 2);
  const upright = where(g, below, unary(g, 'Neg', half), where(g, binary(g, 'Greater', y, zero, 'bool'), half, zero));
  const onAxis = where(g, binary(g, 'Less', x, zero, 'bool'), left, angle);
  return where(g, binary(g, 'Equal', x, zero, 'bool'), upright, onAxis);
}

/** Pairwise in order: the sum of gradients that meet in one tensor. */
function addN(g: Recorder, values: Value[]): Value {
  return values.reduce((sum, value) => binary(g, 'Add', sum, value));
}
