// The head's loss in blocks of rows: value and gradients of the whole computed at once, on each backend.
import { describe, expect, it } from 'vitest';
import { useBackend } from '../../tensor/backend/backend.ts';
import { headLoss } from '../../tensor/head-loss.ts';
import { tokenLosses } from '../../tensor/ops.ts';
import { tf } from '../../tensor/tf.ts';
import { createRandom } from '../../util/random.ts';
import { expectClose } from '../model/fixtures.ts';

const [count, width, vocabulary] = [10, 6, 17];

function inputs() {
  const random = createRandom('head loss');
  const matrix = (n: number) =>
    tf.tensor2d(
      Float32Array.from({ length: n * width }, () => random.normal()),
      [n, width],
    );
  const labels = tf.tensor1d(Int32Array.from({ length: count }, (_, i) => (i === 4 ? -100 : (5 * i) % vocabulary)));
  const weights = tf.tensor1d(Float32Array.from({ length: count }, (_, i) => (i === 4 ? 0 : 1 / (i + 1))));
  return { h: matrix(count), head: matrix(vocabulary), labels, weights };
}

/** Loss, gradient of h, gradient of the head, of twice the loss. */
function found(loss: (h: tf.Tensor2D, head: tf.Tensor2D) => tf.Scalar, h: tf.Tensor2D, head: tf.Tensor2D) {
  return tf.tidy(() => {
    const twice = (h: tf.Tensor, head: tf.Tensor) => tf.mul(2, loss(h as tf.Tensor2D, head as tf.Tensor2D));
    const { value, grads } = tf.valueAndGrads(twice)([h, head]);
    return [value, ...grads].map((tensor) => tensor.dataSync().slice() as Float32Array);
  });
}

describe.each(['cpu', 'onnx'] as const)('the loss of the head on backend %s', (backend) => {
  it.each([1, 3, 5, 10, 64])('%i rows at a time are all at once', async (rows) => {
    await useBackend({ backend });
    const { h, head, labels, weights } = inputs();
    const pass = { rows, trained: true };
    const blocked = found((h, head) => headLoss({ h, labels, weights }, head, pass), h, head);
    const whole = found(
      (h, head) => tf.sum(tf.mul(tokenLosses(tf.matMul(h, head, false, true), labels), weights)),
      h,
      head,
    );
    for (const [i, name] of ['loss', 'gradient of h', 'gradient of the head'].entries()) {
      expectClose(blocked[i] as Float32Array, whole[i] as Float32Array, 1e-6, name);
    }
    tf.dispose([h, head, labels, weights]);
  });

  it('a head that is not trained changes nothing of the other gradient', async () => {
    await useBackend({ backend });
    const { h, head, labels, weights } = inputs();
    const [trained, frozen] = [true, false].map(
      (trained) => found((h, head) => headLoss({ h, labels, weights }, head, { rows: 4, trained }), h, head)[1],
    );
    expect(frozen).toEqual(trained);
    tf.dispose([h, head, labels, weights]);
  });
});
