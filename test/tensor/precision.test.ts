// Products of operands that are rounded to 16 bits: against PyTorch's casts, and what of a training stays float32.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../tensor/backend/backend.ts';
import { exactMatMul } from '../../tensor/ops.ts';
import { tf } from '../../tensor/tf.ts';

interface Products {
  y: number[];
  da: number[];
  db: number[];
}
type Narrow = 'bfloat16' | 'float16';
const file = resolve(import.meta.dirname, '../fixtures/precision/products.json');
const fixture = JSON.parse(readFileSync(file, 'utf8')) as { a: number[]; b: number[]; dy: number[] } & Record<
  Narrow,
  Products
>;

/** Sums of seven products in float32, in another order. */
const TOLERANCE = 1e-6;

afterAll(() => useBackend({ backend: 'onnx' }));

describe.each(['bfloat16', 'float16'] as const)('products in %s', (precision) => {
  it('are those of PyTorch, with their gradients, and not those of float32', async () => {
    await useBackend({ backend: 'onnx', precision });
    const a = tf.tensor2d(fixture.a, [5, 7]);
    const b = tf.tensor2d(fixture.b, [7, 6]);
    const [da, db] = tf.grads((a, b) => tf.matMul(a, b))([a, b], tf.tensor2d(fixture.dy, [5, 6])) as [
      tf.Tensor,
      tf.Tensor,
    ];
    const got = { y: numbersOf(tf.matMul(a, b)), da: numbersOf(da), db: numbersOf(db) };
    for (const name of ['y', 'da', 'db'] as const) {
      expect(farthest(got[name], fixture[precision][name])).toBeLessThan(TOLERANCE);
    }
    expect(farthest(got.y, numbersOf(exactMatMul(a, b)))).toBeGreaterThan(1e-4);
  });

  it('are rounded once where two read the same value', async () => {
    await useBackend({ backend: 'onnx', precision });
    const a = tf.tensor2d(fixture.a, [5, 7]);
    const b = tf.tensor2d(fixture.b, [7, 6]);
    const [once, twice] = [tf.matMul(a, b), tf.matMul(tf.add(a, 0), tf.add(b, 0))];
    expect(numbersOf(once)).toEqual(numbersOf(twice));
  });

  it('take numbers beyond the ends of float16, and none at all', async () => {
    await useBackend({ backend: 'onnx', precision });
    const large = tf.matMul(tf.fill([2, 3], 3e6), tf.fill([3, 2], 1e-9));
    expect(
      farthest(
        numbersOf(large),
        Array.from({ length: 4 }, () => 9e-3),
      ),
    ).toBeLessThan(9e-3 * 2 ** -7);
    expect(numbersOf(tf.matMul(tf.zeros([2, 3]), tf.ones([3, 2])))).toEqual([0, 0, 0, 0]);
  });
});

it('a precision that a backend or a device lacks is refused by name', async () => {
  await expect(useBackend({ backend: 'cpu', precision: 'bfloat16' })).rejects.toThrow(
    "precision 'bfloat16' is of the backend 'onnx', expected float32 with backend 'cpu'",
  );
  await expect(useBackend({ backend: 'onnx', provider: 'webgpu', precision: 'bfloat16' })).rejects.toThrow(
    "WebGPU has no such numbers, expected float16 or float32 with provider 'webgpu'",
  );
});

const numbersOf = (x: tf.Tensor) => [...x.dataSync()];

function farthest(got: readonly number[], want: readonly number[]): number {
  expect(got).toHaveLength(want.length);
  return Math.max(...got.map((x, i) => Math.abs(x - (want[i] as number))));
}
