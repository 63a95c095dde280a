// The conformance suite's table: one line per kernel and per function of our own, with the shapes and arguments it is tried on.
import { adamStep } from '../../tensor/adam.ts';
import { chosenExperts, type ExpertMatrices, spreadFactors, throughExperts } from '../../tensor/experts.ts';
import {
  attention,
  causalMask,
  gatherRows,
  MASKED,
  meanSquaredError,
  rmsNorm,
  rotary,
  scaledMatMul,
  swiglu,
  tokenLosses,
} from '../../tensor/ops.ts';
import { pastAttention } from '../../tensor/past-attention.ts';
import { tf } from '../../tensor/tf.ts';
import { createRandom } from '../../util/random.ts';

/** A tensor to make: values are seeded by the case's name. */
export interface Operand {
  readonly shape: number[];
  readonly kind: 'any' | 'positive' | 'unit' | 'distinct' | 'int' | 'bool' | 'index';
  /** For `index`: values are in [0, below). For `int`: in (-below, below). */
  readonly below: number;
}

/** One function of some tensors, compared between backends, with its gradients in the float operands if `grad`. */
export interface Case {
  readonly name: string;
  readonly operands: readonly Operand[];
  readonly run: (...tensors: tf.Tensor[]) => tf.Tensor | tf.Tensor[];
  readonly grad: boolean;
}

const any = (...shape: number[]): Operand => ({ shape, kind: 'any', below: 0 });
const positive = (...shape: number[]): Operand => ({ shape, kind: 'positive', below: 0 });
const unit = (...shape: number[]): Operand => ({ shape, kind: 'unit', below: 0 });
const distinct = (...shape: number[]): Operand => ({ shape, kind: 'distinct', below: 0 });
const int = (below: number, ...shape: number[]): Operand => ({ shape, kind: 'int', below });
const index = (below: number, ...shape: number[]): Operand => ({ shape, kind: 'index', below });
const bool = (...shape: number[]): Operand => ({ shape, kind: 'bool', below: 0 });

const cases: Case[] = [];
const add = (name: string, operands: Operand[], run: Case['run'], grad = true) => {
  cases.push({ name: `${name} ${operands.map((o) => `[${o.shape}]`).join(' ')}`, operands, run, grad });
};

/** The operand's values, the same in every process. */
export function valuesOf(name: string, position: number, operand: Operand): Float32Array | Int32Array | Uint8Array {
  const random = createRandom('conformance', name, position);
  const size = operand.shape.reduce((a, b) => a * b, 1);
  const floats = (next: (i: number) => number) => Float32Array.from({ length: size }, (_, i) => next(i));
  switch (operand.kind) {
    case 'any':
      return floats(() => random.normal());
    case 'positive':
      return floats(() => 0.1 + 2 * random.uniform());
    case 'unit':
      return floats(() => 1.8 * random.uniform() - 0.9);
    case 'distinct':
      return floats((i) => (((i * 7919) % 104729) / 104729) * 4 - 2);
    case 'int':
      return Int32Array.from({ length: size }, () => random.below(2 * operand.below - 1) - operand.below + 1);
    case 'index':
      return Int32Array.from({ length: size }, () => random.below(operand.below));
    case 'bool':
      return Uint8Array.from({ length: size }, () => random.below(2));
  }
}

const SHAPES = [[], [1], [5], [2, 3], [2, 1, 4], [2, 3, 1, 2], [1, 2, 2, 1, 3]];
const PAIRS = [
  [[], []],
  [[3], []],
  [
    [2, 3],
    [2, 3],
  ],
  [[2, 3], [3]],
  [
    [2, 1],
    [1, 4],
  ],
  [
    [2, 1, 3],
    [4, 1],
  ],
  [
    [1, 2, 1, 2, 3],
    [2, 1, 1],
  ],
  [[0, 3], [3]],
] as [number[], number[]][];

type Unary = (x: tf.Tensor) => tf.Tensor;
type Binary = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;

const smooth: Record<string, Unary> = {
  abs: tf.abs,
  ceil: tf.ceil,
  cos: tf.cos,
  cosh: tf.cosh,
  elu: tf.elu,
  erf: tf.erf,
  exp: tf.exp,
  expm1: tf.expm1,
  floor: tf.floor,
  neg: tf.neg,
  relu: tf.relu,
  relu6: tf.relu6,
  round: tf.round,
  selu: tf.selu,
  sigmoid: tf.sigmoid,
  sign: tf.sign,
  sin: tf.sin,
  sinh: tf.sinh,
  softplus: tf.softplus,
  square: tf.square,
  tanh: tf.tanh,
  step: (x) => tf.step(x, 0.25),
  atan: tf.atan,
  asinh: tf.asinh,
  leakyRelu: (x) => tf.leakyRelu(x, 0.1),
  clipByValue: (x) => tf.clipByValue(x, -0.5, 0.7),
  clone: tf.clone,
  logSigmoid: tf.logSigmoid,
  zerosLike: tf.zerosLike,
  onesLike: tf.onesLike,
};
for (const [name, f] of Object.entries(smooth)) for (const shape of SHAPES) add(name, [any(...shape)], f);
const onPositive: Record<string, Unary> = {
  log: tf.log,
  log1p: tf.log1p,
  reciprocal: tf.reciprocal,
  rsqrt: tf.rsqrt,
  sqrt: tf.sqrt,
  acosh: (x) => tf.acosh(tf.add(x, 1)),
};
for (const [name, f] of Object.entries(onPositive)) for (const shape of SHAPES) add(name, [positive(...shape)], f);
const onUnit: Record<string, Unary> = { acos: tf.acos, asin: tf.asin, atanh: tf.atanh, tan: tf.tan };
for (const [name, f] of Object.entries(onUnit)) add(name, [unit(2, 3)], f);
for (const name of ['isNaN', 'isInf', 'isFinite'] as const) {
  add(name, [any(2, 3)], (x) => tf[name](tf.div(x, tf.tensor1d([0, 1, 2]))), false);
}

const arithmetic: Record<string, Binary> = {
  add: tf.add,
  sub: tf.sub,
  mul: tf.mul,
  maximum: tf.maximum,
  minimum: tf.minimum,
  squaredDifference: tf.squaredDifference,
};
for (const [name, f] of Object.entries(arithmetic)) {
  for (const [a, b] of PAIRS) {
    add(name, [any(...a), any(...b)], f as Case['run']);
    add(`${name} int32`, [int(9, ...a), int(9, ...b)], f as Case['run'], false);
  }
}
for (const [a, b] of PAIRS) {
  add('div', [any(...a), positive(...b)], tf.div as Case['run']);
  add('pow', [positive(...a), any(...b)], tf.pow as Case['run']);
  add('atan2', [any(...a), any(...b)], tf.atan2 as Case['run']);
  add('mod', [any(...a), positive(...b)], tf.mod as Case['run'], false);
  add('mod by negative', [any(...a), positive(...b)], (x, y) => tf.mod(x as tf.Tensor, tf.neg(y as tf.Tensor)), false);
  add(
    'floorDiv',
    [int(50, ...a), index(7, ...b)],
    (x, y) => tf.floorDiv(x as tf.Tensor, tf.add(y as tf.Tensor, tf.scalar(1, 'int32'))),
    false,
  );
  add(
    'mod int32',
    [int(50, ...a), index(7, ...b)],
    (x, y) => tf.mod(x as tf.Tensor, tf.add(y as tf.Tensor, tf.scalar(1, 'int32'))),
    false,
  );
  for (const compare of ['greater', 'greaterEqual', 'less', 'lessEqual', 'equal', 'notEqual'] as const) {
    add(compare, [int(3, ...a), int(3, ...b)], (x, y) => tf[compare](x as tf.Tensor, y as tf.Tensor), false);
    add(`${compare} float`, [any(...a), any(...b)], (x, y) => tf[compare](x as tf.Tensor, y as tf.Tensor), false);
  }
  for (const logic of ['logicalAnd', 'logicalOr', 'logicalXor'] as const) {
    add(logic, [bool(...a), bool(...b)], (x, y) => tf[logic](x as tf.Tensor, y as tf.Tensor), false);
  }
}
add('equal bool', [bool(2, 3), bool(3)], (a, b) => tf.equal(a as tf.Tensor, b as tf.Tensor), false);
add('logicalNot', [bool(2, 3)], (x) => tf.logicalNot(x as tf.Tensor), false);
add('pow of negatives by 2', [any(2, 3)], (x) => tf.pow(x as tf.Tensor, 2));
add('addN', [any(2, 3), any(2, 3), any(2, 3)], (...xs) => tf.addN(xs));
add('prelu', [any(2, 3), any(3)], (x, a) => tf.prelu(x as tf.Tensor, a as tf.Tensor));
add('where', [bool(2, 3), any(2, 3), any(2, 3)], (c, a, b) => tf.where(c as tf.Tensor, a as tf.Tensor, b as tf.Tensor));

for (const [from, to] of [
  ['any', 'int32'],
  ['any', 'bool'],
  ['int', 'float32'],
  ['bool', 'float32'],
  ['bool', 'int32'],
  ['int', 'bool'],
] as const) {
  add(`cast ${from} ${to}`, [{ shape: [2, 5], kind: from, below: 4 }], (x) => tf.cast(x as tf.Tensor, to), false);
}

const reductions = ['sum', 'mean', 'max', 'min'] as const;
const REDUCED: [number[], number | number[] | undefined][] = [
  [[], undefined],
  [[5], 0],
  [[5], -1],
  [[2, 3], undefined],
  [[2, 3], 0],
  [[2, 3], -1],
  [
    [2, 3, 4],
    [0, 2],
  ],
  [[2, 3, 4], 1],
  [
    [2, 1, 3, 2, 2],
    [-1, 1],
  ],
  [
    [2, 3, 4, 2, 2],
    [1, 3],
  ],
];
for (const name of reductions) {
  for (const [shape, axis] of REDUCED) {
    for (const keep of [false, true])
      add(`${name} ${axis} ${keep}`, [distinct(...shape)], (x) => tf[name](x as tf.Tensor, axis, keep));
  }
}
add('sum of nothing', [any(0, 3)], (x) => tf.sum(x as tf.Tensor, 0));
add('sum int32', [int(9, 2, 3)], (x) => tf.sum(x as tf.Tensor, 1), false);
add('sum bool', [bool(2, 3)], (x) => tf.sum(x as tf.Tensor, 1), false);
add('mean int32', [int(9, 2, 3)], (x) => tf.mean(x as tf.Tensor, 1), false);
add('prod', [any(2, 3, 2)], (x) => tf.prod(x as tf.Tensor, 1), false);
add('prod gradient along the last axis', [any(2, 5)], (x) => tf.prod(x as tf.Tensor, [1]));
for (const axis of [0, 1, -1]) {
  add(`all ${axis}`, [bool(2, 3)], (x) => tf.all(x as tf.Tensor, axis), false);
  add(`any ${axis}`, [bool(2, 3)], (x) => tf.any(x as tf.Tensor, axis), false);
  add(`argMax ${axis}`, [distinct(3, 4)], (x) => tf.argMax(x as tf.Tensor, axis), false);
  add(`argMin ${axis}`, [distinct(3, 4)], (x) => tf.argMin(x as tf.Tensor, axis), false);
}
add('logSumExp', [any(3, 4)], (x) => tf.logSumExp(x as tf.Tensor, 1));
add('norm', [any(3, 4)], (x) => tf.norm(x as tf.Tensor, 'euclidean', 1));
add('moments', [any(3, 4)], (x) => tf.moments(x as tf.Tensor, [0]).variance);
for (const shape of [[4], [2, 3], [2, 2, 5], [2, 1, 3, 4]]) {
  add('softmax', [any(...shape)], (x) => tf.softmax(x as tf.Tensor));
  add('logSoftmax', [any(...shape)], (x) => tf.logSoftmax(x as tf.Tensor));
}
for (const [shape, axis] of [
  [[5], 0],
  [[2, 3], 0],
  [[2, 3], 1],
  [[2, 3, 4], 0],
  [[2, 3, 4], 1],
  [[2, 3, 4], 2],
] as [number[], number][]) {
  for (const exclusive of [false, true]) {
    for (const reverse of [false, true]) {
      add(`cumsum ${axis} ${exclusive} ${reverse}`, [any(...shape)], (x) =>
        tf.cumsum(x as tf.Tensor, axis, exclusive, reverse),
      );
      if (axis === shape.length - 1) {
        add(
          `cumprod ${axis} ${exclusive} ${reverse}`,
          [any(...shape)],
          (x) => tf.cumprod(x as tf.Tensor, axis, exclusive, reverse),
          false,
        );
      }
    }
  }
}
add(
  'topk',
  [distinct(3, 7)],
  (x) => {
    const { values, indices } = tf.topk(x as tf.Tensor, 3);
    return [values, indices];
  },
  false,
);

for (const [shape, perm] of [
  [
    [2, 3],
    [1, 0],
  ],
  [
    [2, 3, 4],
    [0, 2, 1],
  ],
  [
    [2, 3, 4],
    [2, 0, 1],
  ],
  [
    [2, 3, 4, 5],
    [0, 2, 1, 3],
  ],
  [
    [1, 3, 1, 2],
    [2, 3, 0, 1],
  ],
  [
    [1, 2, 3, 1, 2],
    [0, 3, 1, 2, 4],
  ],
] as [number[], number[]][]) {
  add(`transpose ${perm}`, [any(...shape)], (x) => tf.transpose(x as tf.Tensor, perm));
}
add('reshape', [any(2, 6)], (x) => tf.mul(tf.reshape(x as tf.Tensor, [3, 4]), 2));
add('reshape of a pending value twice', [any(2, 6)], (x) =>
  tf.reshape(tf.reshape(tf.exp(x as tf.Tensor), [3, 4]), [12]),
);
add('reshape of nothing', [any(0, 6)], (x) => tf.mul(tf.reshape(tf.exp(x as tf.Tensor), [3, 0]), 2));
add('expandDims and squeeze', [any(2, 3)], (x) => tf.squeeze(tf.expandDims(tf.exp(x as tf.Tensor), -1)));
add('slice', [any(4, 5)], (x) => tf.slice(x as tf.Tensor, [1, 0], [2, 3]));
add('slice 3d', [any(3, 4, 2)], (x) => tf.slice(x as tf.Tensor, [0, 1, 1], [-1, 2, 1]));
add('stridedSlice', [any(4, 5)], (x) => tf.stridedSlice(x as tf.Tensor, [3, 0], [0, 5], [-1, 2]), false);
add(
  'stridedSlice to the start',
  [any(4, 5)],
  (x) => tf.stridedSlice(x as tf.Tensor, [3, 4], [0, 0], [-2, -1], 0, 3),
  false,
);
for (const axis of [0, 1, -1]) {
  add(`split ${axis}`, [any(4, 6)], (x) => tf.split(x as tf.Tensor, 2, axis));
  add(`concat ${axis}`, [any(2, 2), any(2, 2), any(2, 2)], (...xs) => tf.concat(xs, axis));
  add(`stack ${axis}`, [any(2, 3), any(2, 3)], (...xs) => tf.stack(xs, axis));
  add(`unstack ${axis}`, [any(2, 3)], (x) => tf.unstack(x as tf.Tensor, axis));
}
add('split by sizes', [any(2, 6)], (x) => tf.split(x as tf.Tensor, [1, 2, 3], 1));
add('concat with nothing', [any(0, 3), any(2, 3)], (...xs) => tf.concat(xs, 0));
add('pad', [any(2, 3)], (x) =>
  tf.pad(
    x as tf.Tensor,
    [
      [1, 0],
      [2, 1],
    ],
    0.5,
  ),
);
add('mirrorPad reflect', [any(3, 4)], (x) =>
  tf.mirrorPad(
    x as tf.Tensor,
    [
      [1, 2],
      [2, 1],
    ],
    'reflect',
  ),
);
add('mirrorPad symmetric', [any(3, 4)], (x) =>
  tf.mirrorPad(
    x as tf.Tensor,
    [
      [1, 2],
      [2, 1],
    ],
    'symmetric',
  ),
);
add('tile', [any(2, 3)], (x) => tf.tile(x as tf.Tensor, [2, 3]));
add('tile 5d', [any(1, 2, 1, 2, 2)], (x) => tf.tile(x as tf.Tensor, [2, 1, 3, 2, 1]));
add('broadcastTo', [any(2, 1, 3)], (x) => tf.broadcastTo(x as tf.Tensor, [4, 2, 5, 3]));
add('add after broadcastTo', [any(1, 3), any(2, 3)], (x, y) =>
  tf.add(tf.broadcastTo(x as tf.Tensor, [2, 3]), y as tf.Tensor),
);
for (const axis of [0, 1, [0, 1], -1]) add(`reverse ${axis}`, [any(2, 3)], (x) => tf.reverse(x as tf.Tensor, axis));

for (const [shape, indexShape, axis] of [
  [[5, 3], [4], 0],
  [[5, 3], [2, 3], 0],
  [[2, 5], [4], 1],
  [[2, 5, 3], [2, 2], 1],
  [[5], [], 0],
] as [number[], number[], number][]) {
  add(`gather ${axis}`, [any(...shape), index(5, ...indexShape)], (x, i) =>
    tf.gather(x as tf.Tensor, i as tf.Tensor, axis),
  );
}
add('gather batched', [any(2, 5, 3), index(5, 2, 4)], (x, i) => tf.gather(x as tf.Tensor, i as tf.Tensor, 1, 1), false);
add(
  'gather batched with an outer axis',
  [any(2, 3, 5), index(5, 2, 4)],
  (x, i) => tf.gather(x as tf.Tensor, i as tf.Tensor, 2, 1),
  false,
);
add('gatherND', [any(3, 4, 2), index(3, 5, 2)], (x, i) => tf.gatherND(x as tf.Tensor, i as tf.Tensor), false);
add('scatterND', [index(4, 6, 1), any(6, 3)], (i, u) => tf.scatterND(i as tf.Tensor, u as tf.Tensor, [4, 3]), false);
add(
  'scatterND 2d',
  [index(3, 6, 2), any(6, 2)],
  (i, u) => tf.scatterND(i as tf.Tensor, u as tf.Tensor, [3, 4, 2]),
  false,
);
add(
  'unsortedSegmentSum',
  [any(6, 3), index(4, 6)],
  (x, i) => tf.unsortedSegmentSum(x as tf.Tensor, tf.sub(i as tf.Tensor, tf.scalar(1, 'int32')) as tf.Tensor1D, 2),
  false,
);
add('oneHot', [int(4, 2, 3)], (i) => tf.oneHot(i as tf.Tensor, 3, 2, -1), false);
add(
  'fill, range and linspace',
  [any(3)],
  (x) => tf.addN([x, tf.fill([3], 2.5), tf.range(0, 3), tf.linspace(0, 1, 3)]),
  false,
);
add('bandPart', [any(3, 4)], (x) => tf.linalg.bandPart(x as tf.Tensor, 1, 0), false);

for (const [a, b, ta, tb] of [
  [[3, 4], [4, 5], false, false],
  [[4, 3], [4, 5], true, false],
  [[3, 4], [5, 4], false, true],
  [[4, 3], [5, 4], true, true],
  [[2, 3, 4], [2, 4, 5], false, false],
  [[2, 4, 3], [2, 5, 4], true, true],
  [[2, 3, 2, 4], [2, 3, 5, 4], false, true],
  [[2, 3, 4], [4, 5], false, false],
  [[1, 3, 4], [2, 4, 5], false, false],
  [[1, 1], [1, 1], false, false],
  [[64, 33], [33, 17], false, false],
] as [number[], number[], boolean, boolean][]) {
  add(`matMul ${ta} ${tb}`, [any(...a), any(...b)], (x, y) => tf.matMul(x as tf.Tensor, y as tf.Tensor, ta, tb));
}
for (const activation of ['linear', 'relu', 'sigmoid', 'elu', 'relu6', 'leakyrelu'] as const) {
  add(
    `fused.matMul ${activation}`,
    [any(3, 4), any(4, 2), any(2)],
    (a, b, bias) => tf.fused.matMul({ a: a as tf.Tensor, b: b as tf.Tensor, bias: bias as tf.Tensor, activation }),
    activation === 'linear' || activation === 'relu',
  );
}
add('einsum', [any(2, 3), any(3, 4)], (a, b) => tf.einsum('ij,jk->ik', a as tf.Tensor, b as tf.Tensor), false);
add('dot', [any(4), any(4)], (a, b) => tf.dot(a as tf.Tensor, b as tf.Tensor));
add('layer norm by hand', [any(3, 4), any(4)], (x, w) => {
  const { mean, variance } = tf.moments(x as tf.Tensor, -1, true);
  return tf.mul(tf.div(tf.sub(x as tf.Tensor, mean), tf.sqrt(tf.add(variance, 1e-5))), w as tf.Tensor);
});

// tensor/ops.ts, tensor/adam.ts, tensor/past-attention.ts
type Tensors = tf.Tensor[];

for (const [shape, ids] of [
  [[5, 4], [6]],
  [
    [7, 3],
    [2, 3],
  ],
  [
    [1, 2],
    [1, 1],
  ],
] as [number[], number[]][]) {
  add('gatherRows', [any(...shape), index(shape[0] as number, ...ids)], (table, at) =>
    gatherRows(table as tf.Tensor2D, at as tf.Tensor),
  );
}
for (const [shape, eps] of [
  [[4, 8], 1e-5],
  [[2, 3, 8], 1e-5],
  [[1, 1, 5], 1e-6],
  [[2, 2, 2, 6], 0.1],
  [[64, 96], 1e-5],
] as [number[], number][]) {
  add(`rmsNorm ${eps}`, [any(...shape), any(shape.at(-1) as number)], (x, w) =>
    rmsNorm(x as tf.Tensor, w as tf.Tensor, eps),
  );
}
add('rmsNorm of a branch that is added', [any(3, 8), any(8)], (x, w) =>
  tf.add(x as tf.Tensor, rmsNorm(tf.mul(x as tf.Tensor, 3), w as tf.Tensor, 1e-5)),
);
for (const shape of [[3, 7], [2, 3, 5], [1]]) {
  add('swiglu', [any(...shape), any(...shape)], (gate, up) => swiglu(gate as tf.Tensor, up as tf.Tensor));
}
for (const [rows, experts, active] of [
  [3, 4, 2],
  [1, 2, 1],
  [5, 3, 3],
] as [number, number, number][]) {
  add(`chosenExperts ${active}`, [distinct(rows, experts)], (scores) => chosenExperts(scores as tf.Tensor, active));
  add('spreadFactors', [any(rows, 3 * experts), any(rows, experts)], (hidden, factors) =>
    spreadFactors(hidden as tf.Tensor, factors as tf.Tensor),
  );
  const matrices = Array.from({ length: experts }, () => [any(2, 5), any(2, 5), any(5, 2)]).flat();
  add(
    `throughExperts ${active}`,
    [any(rows, 5), distinct(rows, experts), ...matrices],
    (...[x, scores, ...all]) => {
      const of = (e: number) => ({ gate: all[3 * e], up: all[3 * e + 1], down: all[3 * e + 2] }) as ExpertMatrices;
      const chosen = chosenExperts(scores as tf.Tensor, active);
      return throughExperts(
        x as tf.Tensor,
        chosen,
        Array.from({ length: experts }, (_, e) => of(e)),
      );
    },
    false,
  );
}
for (const [batch, length, heads, width] of [
  [2, 3, 2, 4],
  [1, 1, 3, 2],
  [2, 5, 1, 6],
] as [number, number, number, number][]) {
  const angles = [length, width / 2] as const;
  add('rotary', [any(batch, length, heads, width)], (x) =>
    rotary(x as tf.Tensor, tf.cos(fixed(...angles)), tf.sin(fixed(...angles))),
  );
}
for (const [batch, heads, groups, length, width] of [
  [2, 4, 2, 3, 5],
  [1, 2, 2, 4, 3],
  [2, 3, 1, 1, 4],
  [1, 1, 1, 6, 2],
] as [number, number, number, number, number][]) {
  const keys = [any(batch, groups, length, width), any(batch, groups, length, width)];
  add('attention', [any(batch, heads, length, width), ...keys], (...[q, k, v]) =>
    attention(q as tf.Tensor, k as tf.Tensor, v as tf.Tensor, causalMask(length), 0.3),
  );
}
add('attention without a mask that hides', [any(2, 2, 3, 4), any(2, 2, 5, 4), any(2, 2, 5, 4)], (...[q, k, v]) =>
  attention(q as tf.Tensor, k as tf.Tensor, v as tf.Tensor, tf.zeros([1, 1, 3, 5]), 1),
);
add('attention with a row that sees nothing', [any(1, 1, 2, 3), any(1, 1, 2, 3), any(1, 1, 2, 3)], (...[q, k, v]) =>
  attention(q as tf.Tensor, k as tf.Tensor, v as tf.Tensor, tf.fill([1, 1, 2, 2], MASKED), 0.5),
);
for (const [a, b, ta, tb] of [
  [[3, 4], [4, 5], false, false],
  [[4, 3], [4, 5], true, false],
  [[3, 4], [5, 4], false, true],
  [[4, 3], [5, 4], true, true],
  [[2, 3, 4], [2, 5, 4], false, true],
  [[2, 4, 3], [2, 4, 5], true, false],
  [[2, 3, 2, 4], [2, 3, 5, 4], false, true],
  [[2, 3, 4, 2], [1, 3, 5, 4], true, true],
] as [number[], number[], boolean, boolean][]) {
  const run = (...[x, y]: Tensors) => scaledMatMul(x as tf.Tensor, y as tf.Tensor, ta, tb, 0.37);
  add(`scaledMatMul ${ta} ${tb}`, [any(...a), any(...b)], run, false);
}
for (const [rows, width] of [
  [4, 5],
  [1, 2],
  [6, 33],
] as [number, number][]) {
  add('tokenLosses', [any(rows, width), int(width, rows)], (...[x, labels]) =>
    tokenLosses(x as tf.Tensor, labels as tf.Tensor),
  );
}
add('tokenLosses of distant logits', [any(3, 4), index(4, 3)], (...[x, labels]) =>
  tokenLosses(tf.mul(x as tf.Tensor, 40), labels as tf.Tensor),
);
for (const shape of [[3, 7], [2, 2, 4], [1]]) {
  add('meanSquaredError', [any(...shape)], (x) => meanSquaredError(x as tf.Tensor, fixed(...shape)));
}
for (const length of [1, 2, 5]) {
  add(`causalMask ${length}`, [any(length, length)], (x) =>
    tf.add(tf.div(causalMask(length), -MASKED), x as tf.Tensor),
  );
}
for (const shape of [[5], [2, 3]]) {
  const state = [any(...shape), any(...shape), positive(...shape), any(...shape)];
  const factors = () => ({ rate: tf.scalar(0.01), eps: tf.scalar(1e-8) });
  add('adamStep', state, (...tensors) => adamStep(adamTensors(tensors), factors(), { beta1: 0.9, beta2: 0.99 }), false);
  const more = () => ({ ...factors(), clip: tf.scalar(0.5), keep: tf.scalar(0.999) });
  add('adamStep with decay', state, (...x) => adamStep(adamTensors(x), more(), { beta1: 0.9, beta2: 0.99 }), false);
}
for (const [batch, heads, groups, past, width] of [
  [2, 4, 2, 3, 5],
  [1, 2, 2, 1, 4],
] as [number, number, number, number, number][]) {
  const kept = [any(batch, groups, past, width), any(batch, groups, past, width)];
  const own = [any(batch, groups, 1, width), any(batch, groups, 1, width)];
  add(
    'pastAttention',
    [any(batch, heads, 1, width), ...own, ...kept],
    (...x) => {
      const [q, k, v, pastK, pastV] = x as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
      return pastAttention(q, k, v, { k: pastK, v: pastV, mask: tf.zeros([1, 1, 1, past]) }, 0.4);
    },
    false,
  );
}

function adamTensors([variable, first, second, gradient]: Tensors) {
  return { variable, first, second, gradient } as Parameters<typeof adamStep>[0];
}

/** A tensor that gets no gradient: always the same numbers. */
function fixed(...shape: number[]): tf.Tensor {
  return tf.tensor(valuesOf('fixed', 0, any(...shape)), shape, 'float32');
}

export const CASES: readonly Case[] = cases;
