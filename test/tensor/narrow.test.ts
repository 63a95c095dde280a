// Tensors that are kept in 16 bits: whatever reads them computes the bits of their float32 numbers.
import { beforeAll, describe, expect, it } from 'vitest';
import { float32ToBfloat16, float32ToFloat16 } from '../../formats/tensors/dtype.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { narrowTensor } from '../../tensor/backend/narrow.ts';
import { clearSessions, tensorStats } from '../../tensor/backend/stats.ts';
import { boundary, gatherRows } from '../../tensor/ops.ts';
import { tf } from '../../tensor/tf.ts';
import { createRandom } from '../../util/random.ts';

const [rows, width] = [2048, 512];
const dtypes = ['BF16', 'F16'] as const;
type Loss = (matrix: tf.Tensor2D, variable: tf.Variable) => tf.Scalar;

function numbers(count: number, name: string, scale = 0.05): Float32Array {
  const random = createRandom(name);
  return Float32Array.from({ length: count }, () => scale * random.normal());
}

/** A matrix [width, width] in 16 bits, and the same numbers in float32. */
function both(dtype: (typeof dtypes)[number]): { narrow: tf.Tensor2D; wide: tf.Tensor2D } {
  const values = numbers(width * width, 'matrix');
  const bits = dtype === 'BF16' ? float32ToBfloat16(values) : float32ToFloat16(values);
  const narrow = narrowTensor({ dtype, bits }, [width, width]) as tf.Tensor2D;
  return { narrow, wide: tf.tensor2d(narrow.dataSync().slice() as Float32Array, [width, width]) };
}

/** Value and gradient. */
function trained(loss: Loss, matrix: tf.Tensor2D): Float32Array[] {
  const variable = tf.tidy(() => tf.variable(tf.tensor2d(numbers(rows * width, 'variable', 1), [rows, width])));
  const { value, grads } = tf.variableGrads(() => loss(matrix, variable), [variable]);
  const found = [value, ...Object.values(grads)];
  const arrays = found.map((tensor) => tensor.dataSync().slice() as Float32Array);
  tf.dispose([...found, variable]);
  return arrays;
}

const size = <T extends tf.Tensor>(x: T) => tf.mean<tf.Scalar>(tf.square(x));
const places = Int32Array.from({ length: rows }, (_, i) => (7 * i) % width);

const losses: Record<string, Loss> = {
  'a product': (matrix, x) => size(tf.matMul(x, matrix, false, true)),
  'layers in pieces': (matrix, x) => {
    let h = boundary(x as unknown as tf.Tensor2D);
    for (let layer = 0; layer < 3; layer++) h = boundary(tf.add(h, tf.tanh(tf.sigmoid(tf.matMul(h, matrix)))));
    return size(h);
  },
  'gathered rows': (matrix, x) => size(tf.mul(boundary(gatherRows(matrix, tf.tensor1d(places, 'int32'))), x)),
  'sliced rows': (matrix, x) => size(tf.matMul(x, tf.slice(matrix, [100, 0], [50, -1]), false, true)),
  'sliced columns': (matrix, x) => size(tf.matMul(x, tf.slice(matrix, [0, 100], [-1, 50]))),
  'another shape': (matrix, x) => size(tf.matMul(tf.reshape(x, [2 * rows, -1]), tf.reshape(matrix, [width / 2, -1]))),
};

describe('narrow tensors on backend onnx', () => {
  beforeAll(() => useBackend({ backend: 'onnx' }));

  it.each(dtypes.flatMap((dtype) => Object.keys(losses).map((name) => [dtype, name] as const)))(
    '%s: %s gives the bits of float32, value and gradient',
    (dtype, name) => {
      const before = tensorStats();
      const { narrow, wide } = both(dtype);
      const bytes = (matrix: tf.Tensor2D) =>
        trained(losses[name] as Loss, matrix).map(({ buffer }) => Buffer.from(buffer));
      expect(Buffer.concat(bytes(narrow)).equals(Buffer.concat(bytes(wide)))).toBe(true);
      tf.dispose([narrow, wide]);
      expect(tensorStats().tensors).toBe(before.tensors);
    },
  );

  it('share the graphs of float32 tensors: nothing is compiled for them', () => {
    clearSessions();
    const { narrow, wide } = both('BF16');
    trained(losses['layers in pieces'] as Loss, wide);
    const { compiled } = tensorStats();
    trained(losses['layers in pieces'] as Loss, narrow);
    expect(tensorStats().compiled).toBe(compiled);
    tf.dispose([narrow, wide]);
  });
});
