// Matrix products.
import { binary, unary } from '../graph/build.ts';
import { type Recorder, scalarConstant, type Value } from '../graph/graph.ts';
import { type Inputs, input, type KernelTable } from '../graph/kernel.ts';
import { matMul } from '../graph/product.ts';

export const MATRIX: KernelTable = {
  BatchMatMul: (g, inputs, attrs) => product(g, inputs, attrs),
  _FusedMatMul: fusedMatMul,
  Einsum: (g, inputs, attrs) => einsum(g, Object.values(inputs), attrs.equation as string),
};

type Attrs = Readonly<Record<string, unknown>>;

function product(g: Recorder, inputs: Inputs, attrs: Attrs): Value {
  return matMul(g, input(inputs, 'a'), input(inputs, 'b'), attrs.transposeA === true, attrs.transposeB === true);
}

function fusedMatMul(g: Recorder, inputs: Inputs, attrs: Attrs): Value {
  const result = product(g, inputs, attrs);
  const biased = inputs.bias === undefined ? result : binary(g, 'Add', result, inputs.bias);
  return activate(g, biased, inputs, attrs);
}

function activate(g: Recorder, x: Value, inputs: Inputs, attrs: Attrs): Value {
  switch (attrs.activation ?? 'linear') {
    case 'linear':
      return x;
    case 'relu':
      return unary(g, 'Relu', x);
    case 'sigmoid':
      return unary(g, 'Sigmoid', x);
    case 'elu':
      return unary(g, 'Elu', x);
    case 'relu6':
      return g.add('Clip', [x, scalarConstant('float32', 0), scalarConstant('float32', 6)], x.shape, 'float32');
    case 'leakyrelu':
      return unary(g, 'LeakyRelu', x, 'float32', { alpha: { float: (attrs.leakyreluAlpha as number) ?? 0.2 } });
    case 'prelu':
      return binary(g, 'PRelu', x, input(inputs, 'preluActivationWeights'));
    default:
      throw new Error(`fused matMul: activation '${attrs.activation}' is not in the onnx backend`);
  }
}

/** Shape from the equation: each letter has one length. */
function einsum(g: Recorder, values: Value[], equation: string): Value {
  const [left, right] = equation.replaceAll(' ', '').split('->') as [string, string];
  const lengths = new Map<string, number>();
  left.split(',').forEach((term, i) => {
    [...term].forEach((letter, axis) => {
      lengths.set(letter, (values[i] as Value).shape[axis] as number);
    });
  });
  const shape = [...right].map((letter) => lengths.get(letter) as number);
  return g.add('Einsum', values, shape, 'float32', { equation: { string: equation } });
}
