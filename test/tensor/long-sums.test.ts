// Sums of millions of numbers, held against sums in double precision.
import { beforeAll, expect, test } from 'vitest';
import { useBackend } from '../../tensor/backend/backend.ts';
import { meanSquaredError } from '../../tensor/ops.ts';
import { tf } from '../../tensor/tf.ts';
import { createRandom } from '../../util/random.ts';

const count = 2 ** 22;
const values = new Float32Array(count);
let exact = 0;

const numbersOf = (x: tf.Tensor) => Array.from(x.dataSync());

beforeAll(async () => {
  await useBackend({ backend: 'onnx' });
  const random = createRandom('long sums');
  for (let i = 0; i < count; i++) {
    values[i] = random.uniform();
    exact += values[i] as number;
  }
});

test.each([
  [[count], undefined],
  [[1024, 4096], undefined],
  [
    [4096, 1024],
    [0, 1],
  ],
  [[count, 1], [0]],
  [[1, count], [1]],
  [
    [1024, 4, 1024],
    [0, 2],
  ],
  [
    [2, 1024, 2, 1024],
    [1, 3],
  ],
  [[2, count / 2], [1]],
])('of %j over %j', (shape, axes) => {
  const some = tf.tensor(values, shape);
  const sum = numbersOf(tf.sum(some, axes));
  const mean = numbersOf(tf.mean(some, axes, true));
  const total = sum.reduce((a, b) => a + b, 0);
  expect(Math.abs(total / exact - 1)).toBeLessThan(3e-6);
  expect(Math.abs((mean.reduce((a, b) => a + b, 0) * count) / mean.length / exact - 1)).toBeLessThan(3e-6);
});

test('of a length without divisors, which stays one sum', () => {
  const prime = 131_101;
  const sum = tf.sum(tf.tensor1d(values.slice(0, prime))).dataSync()[0] as number;
  const want = values.subarray(0, prime).reduce((a, b) => a + b, 0);
  expect(Math.abs(sum / want - 1)).toBeLessThan(1e-4);
});

test('the mean squared error of a batch as SLW has it for a width of 4,096', () => {
  const x = tf.tensor2d(values, [1024, 4096]);
  const want = values.reduce((sum, value) => sum + (value - 1) ** 2, 0) / count;
  const got = meanSquaredError(x, tf.onesLike(x)).dataSync()[0] as number;
  expect(Math.abs(got / want - 1)).toBeLessThan(3e-6);
});
