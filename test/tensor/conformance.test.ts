// Every kernel and every gradient on `onnx` against TensorFlow.js's plain JavaScript backend.
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../tensor/backend.ts';
import { tf } from '../../tensor/tf.ts';
import { CASES, type Case, type Operand, valuesOf } from './cases.ts';

/** Largest allowed |got - expected| / (1 + |expected|): float32 sums and library functions in another order. */
const TOLERANCE = 1e-5;

interface Outcome {
  readonly shapes: number[][];
  readonly dtypes: string[];
  readonly values: number[][];
}

const expected = new Map<string, Outcome>();

beforeAll(async () => {
  await useBackend({ backend: 'cpu' });
  for (const entry of CASES) expected.set(entry.name, evaluate(entry));
  await useBackend({ backend: 'onnx' });
});

describe('kernel and gradient agree with the cpu backend', () => {
  it('the table names every case once', () => {
    expect(new Set(CASES.map((entry) => entry.name)).size).toBe(CASES.length);
  });
  it.each(CASES)('$name', (entry) => {
    const want = expected.get(entry.name) as Outcome;
    const got = evaluate(entry);
    expect(got.shapes).toEqual(want.shapes);
    expect(got.dtypes).toEqual(want.dtypes);
    expect(worst(got.values, want.values)).toBeLessThan(TOLERANCE);
  });
});

/** The case's results, then (with `grad`) the gradients of a weighted sum of them in each float operand. */
function evaluate(entry: Case): Outcome {
  return tf.tidy(() => {
    const tensors = entry.operands.map((operand, i) => tensorOf(operand, valuesOf(entry.name, i, operand)));
    const results = [entry.run(...tensors)].flat();
    const all = entry.grad ? [...results, ...gradients(entry, tensors)] : results;
    return {
      shapes: all.map((tensor) => tensor.shape),
      dtypes: all.map((tensor) => tensor.dtype),
      values: all.map((tensor) => Array.from(tensor.dataSync())),
    };
  });
}

function gradients(entry: Case, tensors: tf.Tensor[]): tf.Tensor[] {
  const floats = tensors.filter((tensor) => tensor.dtype === 'float32');
  const loss = (...chosen: tf.Tensor[]) => {
    const left = [...chosen];
    const all = tensors.map((tensor) => (tensor.dtype === 'float32' ? (left.shift() as tf.Tensor) : tensor));
    return tf.addN(
      [entry.run(...all)].flat().map((result, i) => tf.sum(tf.mul(result, weights(result.shape, i)))),
    ) as tf.Scalar;
  };
  return tf.grads(loss as Parameters<typeof tf.grads>[0])(floats);
}

/** Weights that tell the elements of a result apart. */
function weights(shape: number[], seed: number): tf.Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => Math.sin(1 + seed + 1.7 * i)),
    shape,
  );
}

function tensorOf(operand: Operand, values: ReturnType<typeof valuesOf>): tf.Tensor {
  const dtype = operand.kind === 'bool' ? 'bool' : values instanceof Int32Array ? 'int32' : 'float32';
  return tf.tensor(values, operand.shape, dtype);
}

function worst(got: number[][], want: number[][]): number {
  let result = 0;
  got.forEach((values, i) => {
    values.forEach((x, j) => {
      const y = (want[i] as number[])[j] as number;
      if (!Object.is(x, y) && x !== y) result = Math.max(result, distance(x, y));
    });
  });
  return result;
}

function distance(x: number, y: number): number {
  const error = Math.abs(x - y) / (1 + Math.abs(y));
  return Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
}
