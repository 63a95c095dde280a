// The conformance suite of one backend: each case's values and gradients against TensorFlow.js's plain JavaScript backend.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BackendOptions, useBackend } from '../../tensor/backend/backend.ts';
import { tf } from '../../tensor/tf.ts';
import { CASES, type Case, type Operand, valuesOf } from './cases.ts';

/** Largest allowed |got - expected| / (1 + |expected|): float32 sums and library functions in another order. */
const TOLERANCE = 1e-5;

/** What is known of a backend and not lamina's to mend. */
export interface Deviations {
  /** Cases that are less exact there, with what is allowed. */
  readonly inexact?: Readonly<Record<string, number>>;
  /** Cases that the backend refuses with an error. */
  readonly refused?: readonly string[];
}

interface Outcome {
  readonly shapes: number[][];
  readonly dtypes: string[];
  readonly values: number[][];
}

/** Declares the suite for a backend, which must be usable. */
export function conformance(
  name: string,
  backend: BackendOptions,
  { inexact = {}, refused = [] }: Deviations = {},
): void {
  const expected = new Map<string, Outcome>();

  beforeAll(async () => {
    await useBackend({ backend: 'cpu' });
    for (const entry of CASES) expected.set(entry.name, evaluate(entry));
    await useBackend(backend);
  });

  let [forward, withGradients] = [0, 0];
  afterAll(() => {
    console.log(
      `conformance on ${name}: ${forward} of ${CASES.length} cases agree with plain JavaScript, ${withGradients} of them with their gradients ` +
        `(${Object.keys(inexact).length} to a wider tolerance, ${refused.length} refused by the backend)`,
    );
  });

  describe(`kernels and gradients on ${name} agree with the cpu backend`, () => {
    it('the table names every case once', () => {
      const names = CASES.map((entry) => entry.name);
      expect(new Set(names).size).toBe(CASES.length);
      expect(names).toEqual(expect.arrayContaining([...Object.keys(inexact), ...refused]));
    });

    it.each(CASES)('$name', (entry) => {
      if (refused.includes(entry.name)) {
        expect(() => evaluate(entry)).toThrow();
        return;
      }
      const want = expected.get(entry.name) as Outcome;
      const got = evaluate(entry);
      expect(got.shapes).toEqual(want.shapes);
      expect(got.dtypes).toEqual(want.dtypes);
      expect(worst(got.values, want.values)).toBeLessThan(inexact[entry.name] ?? TOLERANCE);
      forward++;
      if (entry.grad) withGradients++;
    });
  });
}

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
