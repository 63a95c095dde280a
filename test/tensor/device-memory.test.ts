// Values that stay on the device between runs, on `--provider webgpu`: what crosses in a step, and that nothing is left behind.
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../tensor/backend/backend.ts';
import { flush } from '../../tensor/backend/flush.ts';
import { createReplay } from '../../tensor/backend/replay.ts';
import { tensorStats } from '../../tensor/backend/stats.ts';
import { tf } from '../../tensor/tf.ts';
import { unusable } from './usable.ts';

const options = { backend: 'onnx', provider: 'webgpu' } as const;
const reason = unusable(options);
if (reason !== undefined) console.warn(`skipped: values on a device: ${reason}`);

const width = 32;
const weightBytes = 4 * width * width;

/** x W = y by Adam: the loss of each step. */
function training(w: tf.Variable) {
  const optimizer = tf.train.adam(0.01);
  const x = new Float32Array(4 * width).map((_, i) => Math.sin(i));
  const step = () => {
    const loss = optimizer.minimize(() => tf.mean(tf.square(tf.matMul(tf.tensor2d(x, [4, width]), w))), true);
    const [value] = (loss as tf.Scalar).dataSync();
    loss?.dispose();
    return value as number;
  };
  return { step, end: () => optimizer.dispose() };
}

const crossed = () => {
  const { fed_bytes, fetched_bytes } = tensorStats();
  return { fed_bytes, fetched_bytes };
};

describe.skipIf(reason !== undefined)('values on a device', () => {
  beforeAll(() => useBackend(options));

  it('a step hands over its batch and takes back its loss: weights and moments stay', () => {
    const w = tf.variable(tf.ones([width, width]));
    const { step, end } = training(w);
    const losses = [step(), step(), step()];
    const { fed_bytes, fetched_bytes } = crossed();
    losses.push(step());
    const after = crossed();
    expect(after.fetched_bytes - fetched_bytes).toBe(4);
    expect(after.fed_bytes - fed_bytes).toBeGreaterThanOrEqual(4 * 4 * width);
    expect(after.fed_bytes - fed_bytes).toBeLessThan(weightBytes);
    expect(losses).toEqual([...losses].sort((a, b) => b - a));
    end();
    w.dispose();
  });

  it('what no tensor has is freed, and what steps make does not add up', () => {
    flush();
    const before = tensorStats().device_bytes;
    const w = tf.variable(tf.ones([width, width]));
    const { step, end } = training(w);
    step();
    const held = tensorStats().device_bytes;
    expect(held).toBeGreaterThanOrEqual(before + 3 * weightBytes); // the weights and their two moments
    for (let i = 0; i < 5; i++) step();
    expect(tensorStats().device_bytes).toBe(held);
    end();
    w.dispose();
    flush();
    expect(tensorStats().device_bytes).toBe(before);
  });

  it('reads what it keeps, as often as it is asked, in each type and shape', () => {
    const made = tf.tidy(() => [
      tf.mul(tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]), 2),
      tf.cast(tf.tensor1d([0, 2, 0]), 'bool'),
    ]);
    const [doubled, truths] = made as [tf.Tensor, tf.Tensor];
    expect([...doubled.dataSync()]).toEqual([2, 4, 6, 8, 10, 12]);
    expect([...tf.reshape(doubled, [6]).dataSync()]).toEqual([2, 4, 6, 8, 10, 12]);
    expect([...tf.add(tf.reshape(doubled, [3, 2]), 1).dataSync()]).toEqual([3, 5, 7, 9, 11, 13]);
    expect([...truths.dataSync()]).toEqual([0, 1, 0]);
    expect([...tf.cast(doubled, 'int32').dataSync()]).toEqual([2, 4, 6, 8, 10, 12]);
    tf.dispose(made);
  });

  it('an array that a second run reads is handed over once more, then no more', () => {
    const weights = tf.tensor2d(new Float32Array(weightBytes / 4).fill(0.5), [width, width]);
    const sum = () => tf.tidy(() => tf.sum(weights).dataSync()[0]);
    const costs = [0, 1, 2, 3].map(() => {
      const { fed_bytes } = crossed();
      expect(sum()).toBe(width * width * 0.5);
      return crossed().fed_bytes - fed_bytes;
    });
    expect(costs).toEqual([weightBytes, weightBytes, 0, 0]);
    expect(weights.dataSync()[5]).toBe(0.5);
    weights.dispose();
  });

  it('a replay answers in this process, and its fixed tensors stay on the device', async () => {
    const weights = tf.tensor2d(new Float32Array(weightBytes / 4).fill(0.5), [width, width]);
    const replay = createReplay(([x]) => [tf.matMul(x as tf.Tensor2D, weights)]);
    const input = { data: new Float32Array(width).fill(1), shape: [1, width] };
    const costs: number[] = [];
    for (let i = 0; i < 3; i++) {
      const { fed_bytes } = crossed();
      const [row] = await replay([input]);
      expect([...(row as Float32Array)]).toEqual(new Array(width).fill(width * 0.5));
      costs.push(crossed().fed_bytes - fed_bytes);
    }
    expect(costs).toEqual([weightBytes + 4 * width, weightBytes + 4 * width, 4 * width]);
    weights.dispose();
  });

  it('holds tensors without elements', () => {
    const none = tf.tidy(() => tf.mul(tf.zeros([0, 3]), 2));
    expect(none.dataSync()).toHaveLength(0);
    none.dispose();
  });
});
