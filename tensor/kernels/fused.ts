// Kernels of our own, behind `tensor/ops.ts` and `tensor/adam.ts`: what ONNX Runtime does in one pass and TensorFlow.js has no kernel for.
import { binary, cast, reduce, reshape, unary } from '../graph/build.ts';
import { constant, type Recorder, scalarConstant, sizeOf, type Value } from '../graph/graph.ts';
import { type Inputs, input, type KernelTable } from '../graph/kernel.ts';
import { exactMatMul, matMul } from '../graph/product.ts';

export const FUSED: KernelTable = {
  LaminaMatMul: (g, inputs, attrs) =>
    (attrs.exact === true ? exactMatMul : matMul)(
      g,
      input(inputs, 'a'),
      input(inputs, 'b'),
      attrs.transposeA === true,
      attrs.transposeB === true,
      attrs.alpha as number,
    ),
  LaminaRmsNorm: (g, inputs, attrs) => rmsNorm(g, input(inputs, 'x'), input(inputs, 'weight'), attrs.eps as number),
  LaminaRotary: (g, inputs) => rotary(g, input(inputs, 'x'), input(inputs, 'cos'), input(inputs, 'sin')),
  LaminaTokenLosses: (g, inputs) => tokenLosses(g, input(inputs, 'logits'), input(inputs, 'labels')),
  LaminaTokenLossesGrad: (g, inputs) =>
    tokenLossesGrad(g, input(inputs, 'probs'), input(inputs, 'labels'), input(inputs, 'dy')),
  LaminaBoundary: (g, inputs) => g.cut(input(inputs, 'x')),
  LaminaAdam: (g, inputs, attrs) => adam(g, inputs, attrs.beta1 as number, attrs.beta2 as number),
};

/** x [N, D] -> [x * rstd * weight, rstd [N, 1]], rstd = 1 / sqrt(mean(x^2) + eps). */
function rmsNorm(g: Recorder, x: Value, weight: Value, eps: number): Value[] {
  const results = [
    { shape: x.shape, type: 'float32' },
    { shape: [...x.shape.slice(0, -1), 1], type: 'float32' },
  ] as const;
  if (g.provider === 'webgpu') return writtenRmsNorm(g, x, weight, eps);
  const attributes = { axis: { int: -1 }, epsilon: { float: eps }, stash_type: { int: 1 } };
  return g.addMany('SimplifiedLayerNormalization', [x, weight], results, attributes);
}

/** In single operators: on WebGPU, ONNX Runtime 1.30 gives the mean of a row for its rstd. */
function writtenRmsNorm(g: Recorder, x: Value, weight: Value, eps: number): Value[] {
  const mean = reduce(g, 'ReduceMean', binary(g, 'Mul', x, x), [x.shape.length - 1], true);
  const rstd = unary(g, 'Reciprocal', unary(g, 'Sqrt', binary(g, 'Add', mean, scalarConstant('float32', eps))));
  return [binary(g, 'Mul', binary(g, 'Mul', x, rstd), weight), rstd];
}

/** x [B, T, H, d] with the angles of position t in row t of cos and sin [T, d/2]; halves are paired as in Llama. */
function rotary(g: Recorder, x: Value, cos: Value, sin: Value): Value {
  const [batch, length, heads, width] = x.shape as [number, number, number, number];
  const flat = reshape(g, x, [batch, length, heads * width]);
  const start = constant('int64', [0]);
  const turned = g.add('com.microsoft:RotaryEmbedding', [flat, start, cos, sin], flat.shape, 'float32', {
    interleaved: { int: 0 },
  });
  return reshape(g, turned, x.shape);
}

/**
 * logits [N, V], labels [N] -> [-log p(label) [N], p [N, V]]. The log is taken of the largest probability, which is at
 * least 1/V, and corrected by the distance of the label's logit to the largest: no underflow, and no second [N, V].
 */
function tokenLosses(g: Recorder, logits: Value, labels: Value): Value[] {
  const probs = unary(g, 'Softmax', logits, 'float32', { axis: { int: 1 } });
  const count = logits.shape[0] as number;
  const chosen = g.add(
    'GatherElements',
    [logits, reshape(g, cast(g, labels, 'int32'), [count, 1])],
    [count, 1],
    'float32',
    {
      axis: { int: 1 },
    },
  );
  const distance = binary(g, 'Sub', reduce(g, 'ReduceMax', logits, [1], true), chosen);
  const logLargest = unary(g, 'Log', reduce(g, 'ReduceMax', probs, [1], true));
  return [reshape(g, binary(g, 'Sub', distance, logLargest), [count]), probs];
}

/** dy (p - onehot(label)): the one-hot is subtracted in place at one element of each row. */
function tokenLossesGrad(g: Recorder, probs: Value, labels: Value, dy: Value): Value {
  const count = sizeOf(labels.shape);
  const column = reshape(g, dy, [count, 1]);
  const scaled = binary(g, 'Mul', probs, column);
  const at = reshape(g, cast(g, labels, 'int32'), [count, 1]);
  const attributes = { axis: { int: 1 }, reduction: { string: 'add' } };
  return g.add('ScatterElements', [scaled, at, unary(g, 'Neg', column)], probs.shape, 'float32', attributes);
}

/** -> [variable, first, second] after one step. */
function adam(g: Recorder, inputs: Inputs, beta1: number, beta2: number): Value[] {
  const times = (x: Value, factor: Value | undefined) => (factor === undefined ? x : binary(g, 'Mul', x, factor));
  const gradient = times(input(inputs, 'gradient'), inputs.clip);
  const aged = (name: string, beta: number) => times(input(inputs, name), scalarConstant('float32', beta));
  const first = binary(g, 'Add', aged('first', beta1), gradient);
  const second = binary(g, 'Add', aged('second', beta2), binary(g, 'Mul', gradient, gradient));
  const denominator = binary(g, 'Add', unary(g, 'Sqrt', second), input(inputs, 'eps'));
  const change = times(binary(g, 'Div', first, denominator), input(inputs, 'rate'));
  return [binary(g, 'Sub', times(input(inputs, 'variable'), inputs.keep), change), first, second];
}
