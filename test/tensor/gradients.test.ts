// Gradients that lamina replaces, against central differences, which are exact (up to rounding) for quadratic functions.
import { beforeAll, expect, it } from 'vitest';
import { useBackend } from '../../tensor/backend/backend.ts';
import { tf } from '../../tensor/tf.ts';
import { createRandom } from '../../util/random.ts';

const STEP = 0.25;
const TOLERANCE = 1e-3;

beforeAll(() => useBackend({ backend: 'onnx' }));

type Function2 = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;

const BILINEAR: [string, number[], number[], Function2][] = [
  ['matMul with a shared right operand', [2, 3, 4], [4, 2], (a, b) => tf.matMul(a, b)],
  ['matMul with a broadcast batch axis', [2, 1, 3, 2], [3, 3, 4], (a, b) => tf.matMul(a, b, true, false)],
  ['matMul, both transposed and broadcast', [1, 4, 3], [2, 5, 4], (a, b) => tf.matMul(a, b, true, true)],
  ['squaredDifference with broadcasting', [2, 3], [3], (a, b) => tf.squaredDifference(a, b)],
  ['cumsum along the first axis', [3, 2], [3, 2], (a, b) => tf.mul(tf.cumsum(a, 0), b)],
  ['cumsum along a negative axis', [2, 3, 2], [2, 3, 2], (a, b) => tf.mul(tf.cumsum(a, -2, true, true), b)],
  ['tile of rank 5', [1, 2, 1, 2, 1], [2, 2, 3, 2, 2], (a, b) => tf.mul(tf.tile(a, [2, 1, 3, 1, 2]), b)],
  ['sum over the middle axis', [2, 3, 2], [2, 2], (a, b) => tf.mul(tf.sum(a, 1), b)],
  ['mean over all axes', [2, 3], [4], (a, b) => tf.mul(tf.mean(a), b)],
];

it.each(BILINEAR)('%s', (_name, shapeA, shapeB, f) => {
  check(shapeA, shapeB, f, (i) => createRandom('gradients', i).normal(), STEP);
});

it('are in force again after a package has registered its own, as TensorFlow does', async () => {
  tf.unregisterGradient('Cumsum');
  // the gradient of TensorFlow.js 4.22, which transposes: of a square it has the right shape and the wrong numbers
  const gradFunc: tf.GradFunc = (dy, _saved, attrs) => ({
    x: () => tf.transpose(tf.cumsum(dy as tf.Tensor, attrs.axis as number, false, true), [1, 0]),
  });
  tf.registerGradient({ kernelName: 'Cumsum', inputsToSave: ['x'], gradFunc });
  await useBackend({ backend: 'cpu' });
  await useBackend({ backend: 'onnx' });
  check(
    [3, 3],
    [3, 3],
    (a, b) => tf.mul(tf.cumsum(a, 0), b),
    (i) => createRandom('square', i).normal(),
    STEP,
  );
});

it('maximum and minimum with broadcasting', () => {
  // values at least 0.1 apart and a step of 0.01: no choice changes within a difference
  const value = (i: number) => ((i * 37) % 101) / 10;
  check([2, 3], [3], (a, b) => tf.add(tf.maximum(a, b), tf.mul(tf.minimum(a, b), 3)), value, 0.01);
});

it('matMul broadcasts batch axes of both operands (the cpu backend of TensorFlow.js 4.22 gives NaN there)', () => {
  const a = Float32Array.from({ length: 24 }, (_, i) => Math.sin(i));
  const b = Float32Array.from({ length: 60 }, (_, i) => Math.cos(i));
  const got = tf.tidy(() => tf.matMul(tf.tensor(a, [2, 1, 4, 3]), tf.tensor(b, [3, 4, 5]), true, false).dataSync());
  let at = 0;
  for (let p = 0; p < 2; p++) {
    for (let q = 0; q < 3; q++) {
      for (let i = 0; i < 3; i++) {
        for (let j = 0; j < 5; j++) {
          let sum = 0;
          for (let k = 0; k < 4; k++) sum += (a[p * 12 + k * 3 + i] as number) * (b[q * 20 + k * 5 + j] as number);
          expect(Math.abs((got[at++] as number) - sum)).toBeLessThan(1e-6);
        }
      }
    }
  }
});

function check(shapeA: number[], shapeB: number[], f: Function2, value: (i: number) => number, step: number): void {
  const sizeA = shapeA.reduce((x, y) => x * y, 1);
  const sizeB = shapeB.reduce((x, y) => x * y, 1);
  const start = Float32Array.from({ length: sizeA + sizeB }, (_, i) => value(i));
  const loss = (a: tf.Tensor, b: tf.Tensor) => tf.sum(tf.mul(f(a, b), weights(f(a, b).shape))) as tf.Scalar;
  const lossAt = (x: Float32Array) => tf.tidy(() => loss(...split(x, shapeA, shapeB, sizeA)).dataSync()[0] as number);
  const got = tf.tidy(() => {
    const [da, db] = tf.grads(loss as Parameters<typeof tf.grads>[0])(split(start, shapeA, shapeB, sizeA)) as [
      tf.Tensor,
      tf.Tensor,
    ];
    return [...da.dataSync(), ...db.dataSync()];
  });
  got.forEach((gradient, i) => {
    const up = lossAt(start.map((x, j) => (i === j ? x + step : x)));
    const down = lossAt(start.map((x, j) => (i === j ? x - step : x)));
    const difference = (up - down) / (2 * step);
    expect(Math.abs(gradient - difference) / (1 + Math.abs(difference))).toBeLessThan(TOLERANCE);
  });
}

function split(x: Float32Array, shapeA: number[], shapeB: number[], sizeA: number): [tf.Tensor, tf.Tensor] {
  return [tf.tensor(x.slice(0, sizeA), shapeA), tf.tensor(x.slice(sizeA), shapeB)];
}

function weights(shape: number[]): tf.Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => Math.sin(1 + 1.7 * i)),
    shape,
  );
}
