// The product of few rows with a large matrix, against sums in float64.
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { useBackend } from '../../tensor/backend/backend.ts';
import { timesTransposed } from '../../tensor/few-rows.ts';
import { tf } from '../../tensor/tf.ts';
import { createRandom } from '../../util/random.ts';

const [out, within] = [1024, 256] as const; // 2^18 elements: the least that is turned

function matrix(rows: number, columns: number): Float32Array {
  const random = createRandom('few rows', rows, columns);
  return Float32Array.from({ length: rows * columns }, () => random.normal());
}

function exact(x: Float32Array, weight: Float32Array, width: number): Float64Array {
  const [rows, columns] = [x.length / width, weight.length / width];
  return Float64Array.from({ length: rows * columns }, (_, at) => {
    const [row, column] = [Math.floor(at / columns), at % columns];
    let sum = 0;
    for (let i = 0; i < width; i++) sum += (x[row * width + i] as number) * (weight[column * width + i] as number);
    return sum;
  });
}

describe.each(['onnx', 'cpu'] as const)('on backend %s', (backend) => {
  beforeAll(() => useBackend({ backend }));

  it.each([1, 3, 4, 8, 32, 33])('%i rows give the product, within its rounding', (rows) => {
    const [x, weight] = [matrix(rows, within), matrix(out, within)];
    const tensors = [tf.tensor2d(x, [rows, within]), tf.tensor2d(weight, [out, within])] as const;
    const product = timesTransposed(...tensors);
    onTestFinished(() => tf.dispose([...tensors, product]));
    expect(product.shape).toEqual([rows, out]);
    const found = product.dataSync();
    const apart = exact(x, weight, within).map((value, i) => Math.abs(value - (found[i] as number)));
    expect(apart.toSorted().at(-1)).toBeLessThan(1e-4); // sums of 256 products, their size about 16
  });

  it('leaves small matrices to the plain product, to the bit', () => {
    const tensors = [tf.tensor2d(matrix(8, 64), [8, 64]), tf.tensor2d(matrix(32, 64), [32, 64])] as const;
    const [found, plain] = [timesTransposed(...tensors), tf.matMul(...tensors, false, true)];
    onTestFinished(() => tf.dispose([...tensors, found, plain]));
    expect(found.dataSync()).toEqual(plain.dataSync());
  });
});
