// A recording that is replayed: new inputs give new outputs, fixed tensors stay, and nothing is recorded twice.
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../tensor/backend/backend.ts';
import { createReplay } from '../../tensor/backend/replay.ts';
import { clearSessions, tensorStats } from '../../tensor/backend/stats.ts';
import { tf } from '../../tensor/tf.ts';

const vector = (...values: number[]) => ({ data: Float32Array.from(values), shape: [values.length] });

describe.each(['cpu', 'onnx'] as const)('on backend %s', (backend) => {
  beforeAll(() => useBackend({ backend }));

  it('computes what was written down, for inputs read in several shapes', async () => {
    const fixed = tf.tensor1d([1, 10]);
    const replay = createReplay(([x, at]) => [
      tf.mul(x as tf.Tensor, fixed),
      tf.sum(tf.reshape(x as tf.Tensor, [2, 1]), 0),
      tf.gather(fixed, at as tf.Tensor),
    ]);
    const at = (index: number) => ({ data: Int32Array.of(index), shape: [1] });
    const run = async (x: ReturnType<typeof vector>, index: number) =>
      (await replay([x, at(index)])).map((values) => [...values]);
    expect(await run(vector(2, 3), 0)).toEqual([[2, 30], [5], [1]]);
    expect(await run(vector(4, 5), 1)).toEqual([[4, 50], [9], [10]]);
    fixed.dispose();
  });
});

describe('a recording', () => {
  beforeAll(() => useBackend({ backend: 'onnx' }));

  it('is made once, and again when its session is gone', async () => {
    let built = 0;
    const replay = createReplay(([x]) => {
      built++;
      return [tf.exp(tf.neg(x as tf.Tensor))];
    });
    const before = tensorStats();
    for (const x of [0, 1, 2]) expect((await replay([vector(x)]))[0]?.[0]).toBeCloseTo(Math.exp(-x), 6);
    const after = tensorStats();
    expect([built, after.compiled - before.compiled, after.runs - before.runs]).toEqual([1, 1, 3]);
    expect([after.tensors, after.pending, after.nodes]).toEqual([before.tensors, before.pending, 0]);
    clearSessions();
    expect((await replay([vector(3)]))[0]?.[0]).toBeCloseTo(Math.exp(-3), 6);
    expect(built).toBe(2);
  });

  it('serves every length of a free axis', async () => {
    let built = 0;
    const replay = createReplay(([x, y]) => {
      built++;
      const [all, one] = [x, y] as [tf.Tensor, tf.Tensor];
      const joined = tf.softmax(tf.concat([one, tf.matMul(one, all)], 1));
      return [tf.sum(joined), tf.slice(joined, [0, 1])];
    });
    const before = tensorStats();
    for (const length of [3, 70, 1]) {
      const x = { data: new Float32Array(length).fill(1), shape: [1, length], free: 1 };
      const [sum, rest] = await replay([x, { data: Float32Array.of(2), shape: [1, 1] }]);
      expect(sum?.[0]).toBeCloseTo(1, 6);
      expect(rest?.length).toBe(length);
      expect(rest?.[length - 1]).toBeCloseTo(1 / (length + 1), 6); // all of them are 2
    }
    const after = tensorStats();
    expect([built, after.compiled - before.compiled, after.runs - before.runs]).toEqual([1, 1, 3]);
    const reshaped = createReplay(([x]) => [tf.neg(tf.reshape(x as tf.Tensor, [-1, 1]))]);
    await expect(reshaped([{ data: Float32Array.of(1, 2), shape: [2], free: 0 }])).rejects.toThrow(
      'an input with a free axis must be read in its own shape',
    );
  });

  it('reads arrays that change between two runs, however large', async () => {
    const data = new Float32Array(100_000).fill(1);
    const replay = createReplay(([x]) => [tf.sum(x as tf.Tensor)]);
    expect((await replay([{ data, shape: [100_000] }]))[0]?.[0]).toBe(100_000);
    data.fill(2);
    expect((await replay([{ data, shape: [100_000] }]))[0]?.[0]).toBe(200_000);
  });

  it('leaves what others have recorded alone', async () => {
    const pending = tf.square(tf.tensor1d([3]));
    await createReplay(([x]) => [tf.neg(x as tf.Tensor)])([vector(1)]);
    expect((await pending.data())[0]).toBe(9);
    pending.dispose();
  });

  it('must compute each of its outputs', async () => {
    await expect(createReplay(([x]) => [x as tf.Tensor])([vector(1)])).rejects.toThrow(
      'must compute each of its outputs',
    );
  });
});
