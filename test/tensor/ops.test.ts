// Our fused functions against the same mathematics in ordinary TensorFlow.js operators with automatic gradients.
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../tensor/backend/backend.ts';
import {
  attention,
  causalMask,
  gatherRows,
  meanSquaredError,
  rmsNorm,
  rotary,
  swiglu,
  tokenLosses,
} from '../../tensor/ops.ts';
import { tf } from '../../tensor/tf.ts';
import { createRandom } from '../../util/random.ts';

/** Largest |got - expected| / (1 + |expected|): float32 in another order. */
const TOLERANCE = 2e-5;

type Differentiable = (...tensors: tf.Tensor[]) => tf.Tensor;

interface Pair {
  readonly name: string;
  readonly shapes: number[][];
  readonly fused: Differentiable;
  readonly plain: Differentiable;
}

const ids = () => tf.tensor2d([3, 0, 3, 1, 3, 4], [2, 3], 'int32');
const labels = () => tf.tensor1d([1, 0, 4, 2], 'int32');
const angles = (f: (x: number) => number) =>
  tf.tensor2d(
    Float32Array.from({ length: 6 }, (_, i) => f(i)),
    [3, 2],
  );

const PAIRS: Pair[] = [
  {
    name: 'gatherRows',
    shapes: [[5, 4]],
    fused: (table) => gatherRows(table as tf.Tensor2D, ids()),
    plain: (table) =>
      tf.reshape(
        tf.matMul(tf.oneHot(tf.reshape(ids(), [6]), 5).toFloat() as tf.Tensor2D, table as tf.Tensor2D),
        [2, 3, 4],
      ),
  },
  {
    name: 'rmsNorm',
    shapes: [[2, 3, 8], [8]],
    fused: (x, w) => rmsNorm(x as tf.Tensor, w as tf.Tensor, 1e-5),
    plain: (x, w) => plainNorm(x as tf.Tensor, w as tf.Tensor),
  },
  {
    name: 'swiglu',
    shapes: [
      [3, 7],
      [3, 7],
    ],
    fused: (x, y) => swiglu(x as tf.Tensor, y as tf.Tensor),
    plain: (x, y) => tf.mul(tf.mul(x as tf.Tensor, tf.sigmoid(x as tf.Tensor)), y as tf.Tensor),
  },
  {
    name: 'rotary',
    shapes: [[2, 3, 2, 4]],
    fused: (x) => rotary(x as tf.Tensor, angles(Math.cos), angles(Math.sin)),
    plain: (x) => plainRotary(x as tf.Tensor),
  },
  {
    name: 'attention with one key head for two query heads',
    shapes: [
      [2, 4, 3, 5],
      [2, 2, 3, 5],
      [2, 2, 3, 5],
    ],
    fused: (q, k, v) => attention(q as tf.Tensor, k as tf.Tensor, v as tf.Tensor, causalMask(3), 0.3),
    plain: (q, k, v) => plainAttention(q as tf.Tensor, k as tf.Tensor, v as tf.Tensor),
  },
  {
    name: 'tokenLosses',
    shapes: [[4, 5]],
    fused: (x) => tokenLosses(x as tf.Tensor, labels()),
    plain: (x) => tf.neg(tf.sum(tf.mul(tf.logSoftmax(x as tf.Tensor), tf.oneHot(labels(), 5)), 1)),
  },
  {
    name: 'meanSquaredError',
    shapes: [[3, 7]],
    fused: (x) => meanSquaredError(x as tf.Tensor, normal([3, 7], 'target')),
    plain: (x) => tf.mean(tf.squaredDifference(x as tf.Tensor, normal([3, 7], 'target'))),
  },
];

describe.each(['onnx', 'cpu'] as const)('on %s', (backend) => {
  beforeAll(() => useBackend({ backend }));

  it.each(PAIRS)('$name and its gradients equal the plain form', ({ name, shapes, fused, plain }) => {
    const tensors = () => shapes.map((shape, i) => normal(shape, `${name} ${i}`));
    const got = tf.tidy(() => outcomes(fused, tensors()));
    const want = tf.tidy(() => outcomes(plain, tensors()));
    expect(got.length).toBe(want.length);
    got.forEach((x, i) => {
      expect(Math.abs(x - (want[i] as number)) / (1 + Math.abs(want[i] as number))).toBeLessThan(TOLERANCE);
    });
  });

  it('tokenLosses of an impossible label is its distance, not infinity', () => {
    // softmax of [0, 200] gives the first label e^-200, which float32 cannot hold; its loss is 200 + log(1 + e^-200) = 200
    const loss = tf.tidy(() => tokenLosses(tf.tensor2d([[0, 200]]), tf.tensor1d([0], 'int32')).dataSync()[0]);
    expect(loss).toBeCloseTo(200, 3);
  });
});

function outcomes(f: Differentiable, tensors: tf.Tensor[]): number[] {
  const value = f(...tensors);
  const loss = (...xs: tf.Tensor[]) => tf.sum(tf.mul(f(...xs), normal(value.shape, 'weights'))) as tf.Scalar;
  const gradients = tf.grads(loss as Parameters<typeof tf.grads>[0])(tensors);
  return [value, ...gradients].flatMap((tensor) => Array.from(tensor.dataSync()));
}

function normal(shape: number[], label: string): tf.Tensor {
  const random = createRandom('ops', label);
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, () => random.normal()),
    shape,
    'float32',
  );
}

function plainNorm(x: tf.Tensor, w: tf.Tensor): tf.Tensor {
  return tf.mul(tf.div(x, tf.sqrt(tf.add(tf.mean(tf.square(x), -1, true), 1e-5))), w);
}

function plainRotary(x: tf.Tensor): tf.Tensor {
  const [left, right] = tf.split(x, 2, 3) as [tf.Tensor, tf.Tensor];
  const turned = tf.concat([tf.neg(right), left], 3);
  const table = (f: (x: number) => number) => tf.reshape(tf.concat([angles(f), angles(f)], 1), [1, 3, 1, 4]);
  return tf.add(tf.mul(x, table(Math.cos)), tf.mul(turned, table(Math.sin)));
}

function plainAttention(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor): tf.Tensor {
  const repeat = (x: tf.Tensor) => tf.reshape(tf.tile(tf.expandDims(x, 2), [1, 1, 2, 1, 1]), [2, 4, 3, 5]);
  const scores = tf.mul(tf.matMul(q, repeat(k), false, true), 0.3);
  return tf.matMul(tf.softmax(tf.add(scores, causalMask(3))), repeat(v));
}
