// The life of a recording: what runs, what is compiled, what is kept, what leaks, and what a user is told.
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { useBackend } from '../../tensor/backend/backend.ts';
import { flush } from '../../tensor/backend/flush.ts';
import { clearSessions, tensorStats } from '../../tensor/backend/stats.ts';
import { tf } from '../../tensor/tf.ts';
import { mlpLosses, trainMlp } from './mlp.ts';

/** Runs what `npm run build` made, as users do. */
const PROGRAM = fileURLToPath(new URL('./bits.mjs', import.meta.url));

beforeEach(async () => {
  await useBackend({ backend: 'onnx' });
});

describe('sessions', () => {
  it('an equal step compiles nothing, whatever its numbers are', () => {
    const step = (x: number) => tf.tidy(() => tf.sum(tf.mul(tf.fill([4], x), tf.scalar(x + 1))).dataSync()[0]);
    expect(step(2)).toBe(24);
    const { compiled, runs } = tensorStats();
    expect(step(3)).toBe(48);
    expect(tensorStats()).toMatchObject({ compiled, runs: runs + 1 });
  });

  it('another shape, attribute or wiring is another session', () => {
    const before = tensorStats().compiled;
    const read = (f: () => tf.Tensor) => void tf.tidy(() => f().dataSync());
    read(() => tf.softplus(tf.ones([3])));
    read(() => tf.softplus(tf.ones([4])));
    read(() => tf.leakyRelu(tf.ones([3]), 0.1));
    read(() => tf.leakyRelu(tf.ones([3]), 0.2));
    const [a, b] = [tf.tensor1d([1, 2]), tf.tensor1d([3, 4])];
    read(() => tf.atan2(a, b));
    read(() => tf.atan2(a, a));
    tf.dispose([a, b]);
    expect(tensorStats().compiled).toBe(before + 6);
  });

  it('clearSessions releases them, and the next run compiles again', () => {
    clearSessions();
    expect(tensorStats().sessions).toBe(0);
    expect(tf.tidy(() => tf.asinh(tf.zeros([2])).dataSync()[0])).toBe(0);
    expect(tensorStats().sessions).toBe(1);
  });
});

describe('reading', () => {
  it('one read computes everything that is live, in one run', () => {
    const { runs } = tensorStats();
    const x = tf.tensor1d([1, 2, 3]);
    const y = tf.square(x);
    const z = tf.exp(y);
    expect(tensorStats().pending).toBe(2);
    expect(Array.from(y.dataSync())).toEqual([1, 4, 9]);
    expect(z.dataSync()[0]).toBeCloseTo(Math.E, 5);
    expect(tensorStats()).toMatchObject({ runs: runs + 1, pending: 0, nodes: 0 });
    tf.dispose([x, y, z]);
  });

  it('a disposed intermediate still serves what was made from it', () => {
    const x = tf.tensor1d([1, 2, 3]);
    const y = tf.square(x);
    const z = tf.add(y, 1);
    tf.dispose([x, y]);
    expect(Array.from(z.dataSync())).toEqual([2, 5, 10]);
    z.dispose();
  });

  it('flush computes without reading', () => {
    const x = tf.square(tf.tensor1d([3]));
    flush();
    const { runs, pending } = tensorStats();
    expect(pending).toBe(0);
    expect(x.dataSync()[0]).toBe(9);
    expect(tensorStats().runs).toBe(runs);
  });

  it('a small array that changes after it became a tensor does not change the tensor', () => {
    const values = new Float32Array([1, 2]);
    const y = tf.tidy(() => tf.mul(tf.tensor1d(values), 2));
    values.fill(9);
    expect(Array.from(y.dataSync())).toEqual([2, 4]);
    y.dispose();
  });

  it('a part of a larger array is read from its own offset', () => {
    const whole = Float32Array.from({ length: 200_000 }, (_, i) => i);
    const sum = tf.tidy(() =>
      tf
        .sub(tf.tensor1d(whole.subarray(100_000)), 100_000)
        .slice(5, 2)
        .dataSync(),
    );
    expect(Array.from(sum)).toEqual([5, 6]);
  });

  it('asynchronous reads and scalars of every type', async () => {
    const x = tf.tensor1d([1.5, -2.5]);
    const results = [tf.neg(x), tf.cast(x, 'int32'), tf.greater(x, 0)];
    const values = await Promise.all(results.map((result) => result.data()));
    expect(values.map((value) => Array.from(value))).toEqual([
      [-1.5, 2.5],
      [1, -2],
      [1, 0],
    ]);
    expect(values[2]).toBeInstanceOf(Uint8Array);
    tf.dispose([x, ...results]);
  });

  it('a recording of 1,500 nested operators runs without recursion', () => {
    const y = tf.tidy(() => {
      let x: tf.Tensor = tf.tensor1d([0, 1]);
      for (let i = 0; i < 1_500; i++) x = i % 2 === 0 ? tf.add(x, 1) : tf.sub(x, 1);
      return x;
    });
    expect(Array.from(y.dataSync())).toEqual([0, 1]);
    y.dispose();
  });
});

describe('training', () => {
  it('30 Adam steps of a two-layer MLP give the losses of the cpu backend', async () => {
    const got = mlpLosses(30);
    await useBackend({ backend: 'cpu' });
    const want = mlpLosses(30);
    expect(want[29] as number).toBeLessThan((want[0] as number) / 2);
    got.forEach((loss, i) => {
      expect(Math.abs(loss - (want[i] as number))).toBeLessThan(1e-4);
    });
  });

  it('50 steps leave tensors, buffers, nodes and sessions as they were after the third', () => {
    const seen: object[] = [];
    trainMlp(50, () => {
      const { tensors, buffers, pending, nodes, sessions, compiled } = tensorStats();
      seen.push({ tensors, buffers, pending, nodes, sessions, compiled });
    });
    expect(new Set(seen.slice(2).map((counts) => JSON.stringify(counts))).size).toBe(1);
  });

  it('gradients of weights that are not asked for are not computed', () => {
    const x = tf.ones([4, 8]) as tf.Tensor2D;
    const frozen = tf.ones([8, 8]) as tf.Tensor2D;
    const w = tf.variable(tf.ones([8, 8]) as tf.Tensor2D);
    const { grads, value } = tf.variableGrads(
      () => tf.sum(tf.matMul(tf.matMul(tf.matMul(x, frozen), w), frozen)) as tf.Scalar,
      [w],
    );
    const recorded = tensorStats().nodes;
    // forward: 3 products and a sum; backward: the spread sum, one product to reach w and one for w itself
    expect(recorded).toBe(3 + 1 + 1 + 2);
    tf.dispose([x, frozen, w, value, grads]);
  });

  it('two processes give the same bits', () => {
    const hashes = [1, 2].map(() => execFileSync(process.execPath, [PROGRAM], { encoding: 'utf8' }));
    expect(hashes[0]).toMatch(/^[0-9a-f]{64}\n$/);
    expect(hashes[1]).toBe(hashes[0]);
  });
});

describe('refusals', () => {
  it('a kernel we lack is named with the way out', () => {
    expect(() =>
      tf.tidy(() => tf.conv2d(tf.zeros([1, 4, 4, 1]) as tf.Tensor4D, tf.zeros([2, 2, 1, 1]) as tf.Tensor4D, 1, 'same')),
    ).toThrow("kernel 'Conv2D' is not in the onnx backend; run with --backend cpu or add it in 'tensor/kernels/'");
  });

  it('complex tensors are refused', () => {
    expect(() => tf.complex([1], [2])).toThrow("kernel 'Complex' is not in the onnx backend");
  });

  it('threads must be a whole number', async () => {
    await expect(useBackend({ backend: 'onnx', threads: 0 })).rejects.toThrow(
      'threads: expected a whole number of 1 to 256, got 0',
    );
    await expect(useBackend({ backend: 'onnx', threads: 5000 })).rejects.toThrow('of 1 to 256, got 5000');
  });

  it('a backend that is not installed says what to install', async () => {
    const here = process.cwd();
    process.chdir(tmpdir()); // away from a folder '.gpu' that may be here
    onTestFinished(() => process.chdir(here));
    await expect(useBackend({ backend: 'tensorflow' })).rejects.toThrow(
      "backend 'tensorflow' needs '@tensorflow/tfjs-node-gpu' or '@tensorflow/tfjs-node', and neither is installed; " +
        "install one with 'lamina doctor --install tensorflow'",
    );
  });

  it('a provider without its libraries says what to install', async () => {
    await expect(useBackend({ backend: 'onnx', provider: 'cuda' })).rejects.toThrow(
      /^provider 'cuda' is not usable here: /,
    );
  });
});
