// Boundaries: layers of equal structure share one compiled graph, values and gradients stay what they are, and nothing is held too long.
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../tensor/backend/backend.ts';
import { consumeArrays } from '../../tensor/backend/backing.ts';
import { clearSessions, tensorStats } from '../../tensor/backend/stats.ts';
import { boundary } from '../../tensor/ops.ts';
import { tf } from '../../tensor/tf.ts';
import { createRandom } from '../../util/random.ts';

const [rows, width, layers] = [2048, 512, 5];

/** A net whose layers make 4 MiB an operator, or (`rows` 4) next to nothing. */
function net(count: number, between: (x: tf.Tensor2D) => tf.Tensor2D) {
  const random = createRandom('pieces');
  const matrix = (n: number, m: number, scale: number) =>
    tf.tensor2d(
      Float32Array.from({ length: n * m }, () => scale * random.normal()),
      [n, m],
    );
  const x = matrix(count, width, 1);
  const weights = Array.from({ length: layers }, () => tf.variable(matrix(width, width, 0.05)));
  const loss = () => {
    let h = between(x);
    for (const weight of weights) h = between(tf.add(h, tf.tanh(tf.sigmoid(tf.matMul(h, weight)))));
    return tf.mean<tf.Scalar>(tf.square(h));
  };
  const gradients = () => {
    const { value, grads } = tf.variableGrads(loss);
    const tensors = [value, ...weights.map(({ name }) => grads[name] as tf.Tensor)];
    const arrays = tensors.map((tensor) => (tensor.dataSync() as Float32Array).slice());
    tf.dispose(tensors);
    return arrays;
  };
  /** The same, in the order in which they are there. */
  const consumed = () => {
    const { value, grads } = tf.variableGrads(loss);
    const order: [number, Float32Array][] = [];
    const tensors = [value, ...weights.map(({ name }) => grads[name] as tf.Tensor)];
    consumeArrays(tensors.map((tensor, i) => [tensor, (values) => order.push([i, values.slice()])]));
    tf.dispose(tensors);
    return order;
  };
  return { gradients, consumed, dispose: () => tf.dispose([x, ...weights]) };
}

/** Sessions compiled and run by `work`, and what it leaves behind. */
function counted<T>(work: () => T) {
  const before = tensorStats();
  const result = work();
  const after = tensorStats();
  const counts = { compiled: after.compiled - before.compiled, runs: after.runs - before.runs };
  return { result, counts, left: [after.tensors - before.tensors, after.pending, after.nodes] };
}

/** Equal bits; `toEqual` takes a minute for arrays so long. */
const isLike = (expected: readonly Float32Array[]) => (array: Float32Array, i: number) =>
  Buffer.from(array.buffer).equals(Buffer.from((expected[i] as Float32Array).buffer));

describe('boundaries on backend onnx', () => {
  beforeAll(() => useBackend({ backend: 'onnx' }));

  it('the layers between them are run one by one, by few sessions, to the same bits', () => {
    clearSessions();
    const one = net(rows, (x) => x);
    const cut = net(rows, boundary);
    const expected = one.gradients();
    const { result, counts, left } = counted(cut.gradients);
    expect(result.map(isLike(expected))).toEqual(expected.map(() => true));
    // a layer forward; the loss with its gradient; a layer backward, of which the last and the first are others
    expect(counts).toEqual({ compiled: 5, runs: 2 * layers + 1 });
    expect(left).toEqual([0, 0, 0]);
    const again = counted(cut.gradients);
    expect(again.result.map(isLike(expected))).toEqual(expected.map(() => true));
    expect(again.counts.compiled).toBe(0);
    one.dispose();
    cut.dispose();
  });

  it('a gradient is handed out when its layer is done, the last layer first', () => {
    const cut = net(rows, boundary);
    const expected = cut.gradients();
    const { result, left } = counted(cut.consumed);
    expect(result.map(([i]) => i)).toEqual([0, 5, 4, 3, 2, 1]);
    for (const [i, values] of result) expect(isLike(expected)(values, i), `array ${i}`).toBe(true);
    expect(left).toEqual([0, 0, 0]);
    cut.dispose();
  });

  it('where a layer is small, all is run at once', () => {
    const cut = net(4, boundary);
    expect(counted(cut.gradients).counts).toEqual({ compiled: 1, runs: 1 });
    cut.dispose();
  });
});

it.each(['cpu', 'onnx'] as const)('a boundary on backend %s changes neither value nor gradient', async (backend) => {
  await useBackend({ backend });
  const [value, gradient] = tf.tidy(() => {
    const { value, grad } = tf.valueAndGrad((x) => tf.sum(tf.square(boundary(x))))(tf.tensor1d([1, -2]));
    return [value.dataSync()[0], [...grad.dataSync()]];
  });
  expect([value, gradient]).toEqual([5, [2, -4]]);
});
