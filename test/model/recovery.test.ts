// Recovery parameters: g0 against its explicit matrix, gradients by finite differences, starting values, and files.
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { createCheckpoint } from '../../formats/checkpoint.ts';
import { candidateNamed } from '../../model/candidates.ts';
import { forward } from '../../model/llama.ts';
import { sharedMlp } from '../../model/mlp.ts';
import { createModel, sharingOf } from '../../model/model.ts';
import { mlpName, projections } from '../../model/names.ts';
import { createRecovery, projectionOf, type Recovery, recoveryName } from '../../model/recovery.ts';
import { readRecovery, writeRecovery } from '../../model/recovery-file.ts';
import { pairs } from '../../model/sharing.ts';
import { useBackend } from '../../tensor/backend.ts';
import { tf } from '../../tensor/tf.ts';
import { expectClose, scratch } from './fixtures.ts';
import { normals, tinyConfig, tinyWeights } from './tiny.ts';

const config = tinyConfig();
const settings = { candidate: 'g0', rank: 3, init: 'default', seed: 5 } as const;
const map = [{ reference: 2, targets: [3] }];

/** A recovery whose every number is random, as after training. */
function randomRecovery(): Recovery {
  const recovery = createRecovery(config, pairs(map), settings);
  for (const [name, variable] of recovery.parameters) {
    tf.tidy(() => variable.assign(tf.tensor(normals(variable.size, name), variable.shape)));
  }
  return recovery;
}

describe.each(['cpu', 'onnx'] as const)('g0 on backend %s', (backend) => {
  beforeAll(() => useBackend({ backend }));

  it.each(projections)('%s is the product with alpha Theta + A B', async (projection) => {
    const weights = tinyWeights(config);
    const recovery = randomRecovery();
    const weight = weights.get(mlpName(2, projection)) as tf.Tensor2D;
    const x = tf.tensor2d(normals(5 * (weight.shape[1] as number), 'x'), [5, weight.shape[1] as number]);
    const parameter = (name: string) => recovery.parameters.get(recoveryName(3, projection, name)) as tf.Variable;
    const found = projectionOf(recovery, 3, () => weight)(projection, x);
    const low = tf.matMul(parameter('A') as tf.Tensor2D, parameter('B') as tf.Tensor2D); // [d, f]
    const theta = tf.add(
      tf.mul(projection === 'down' ? weight : tf.transpose(weight), parameter('alpha')),
      low,
    ) as tf.Tensor2D;
    const expected = tf.matMul(x, theta, false, projection === 'down');
    expectClose(await found.data(), await expected.data(), 1e-5);
  });

  it('gradients of alpha, A and B are those of finite differences', async () => {
    const weights = tinyWeights(config);
    const recovery = randomRecovery();
    const x = tf.tensor2d(normals(6 * config.hidden_size, 'x'), [6, config.hidden_size]);
    const loss = () => tf.tidy(() => tf.mean(tf.square(sharedMlp(weights, 2, 3, x, recovery))) as tf.Scalar);
    const { grads } = tf.variableGrads(loss, [...recovery.parameters.values()]);
    for (const [name, variable] of recovery.parameters) {
      const gradient = await (grads[variable.name] as tf.Tensor).data();
      const values = (await variable.data()).slice() as Float32Array;
      const at = values.length >> 1;
      const step = 1e-2;
      const shifted = async (by: number) => {
        const moved = values.slice();
        moved[at] = (moved[at] as number) + by;
        tf.tidy(() => variable.assign(tf.tensor(moved, variable.shape)));
        return (await loss().data())[0] as number;
      };
      const difference = ((await shifted(step)) - (await shifted(-step))) / (2 * step);
      await shifted(0);
      expect(Math.abs(difference - (gradient[at] as number)) / Math.max(0.1, Math.abs(difference)), name).toBeLessThan(
        2e-2,
      );
    }
  });

  it.each(['default', 'zero_input_side', 'gaussian'] as const)(
    'init %s starts at Direct Sharing, to the bit',
    async (init) => {
      const weights = tinyWeights(config);
      const ids = tf.tensor2d([[1, 2, 3, 4]], undefined, 'int32');
      const direct = forward(createModel(weights, sharingOf(map)), ids);
      const recovery = createRecovery(config, pairs(map), { ...settings, init });
      const started = forward(createModel(weights, sharingOf(map, recovery)), ids);
      expect(await started.data()).toEqual(await direct.data());
      const b = await (recovery.parameters.get(recoveryName(3, 'down', 'B')) as tf.Variable).data();
      expect(b.some((value) => value !== 0)).toBe(init !== 'zero_input_side');
    },
  );
});

describe('recovery parameters', () => {
  it('rank 0 has none', () =>
    expect(createRecovery(config, pairs(map), { ...settings, rank: 0 }).parameters.size).toBe(0));

  it('start the same for a target whatever the other targets are', async () => {
    const one = createRecovery(config, [{ reference: 2, target: 3 }], settings);
    const two = createRecovery(
      config,
      [
        { reference: 1, target: 2 },
        { reference: 1, target: 3 },
      ],
      settings,
    );
    const name = recoveryName(3, 'gate', 'A');
    expect(await one.parameters.get(name)?.data()).toEqual(await two.parameters.get(name)?.data());
  });

  it('count as methods A.3 says', () => {
    const count = candidateNamed('g0').parameterCount(4096, 11008, 400);
    expect(count).toBe(1 + 400 * (4096 + 11008)); // 6.04 M, methods A.3
    const shapes = candidateNamed('g0').shapes(4096, 11008, 400);
    expect(Object.values(shapes).reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0)).toBe(count);
  });
});

describe('recovery files', () => {
  it('one file per pair reads as one recovery with the same numbers', async () => {
    const folder = await scratch();
    const paths: string[] = [];
    const parts: Recovery[] = [];
    for (const target of [4, 2, 3]) {
      const part = createRecovery(config, [{ reference: 1, target }], settings);
      paths.push(join(folder, `${target}.arrow`));
      await writeRecovery(paths.at(-1) as string, part);
      parts.push(part);
    }
    const merged = await readRecovery(paths, config);
    expect(merged.pairs.map(({ target }) => target)).toEqual([2, 3, 4]);
    expect([merged.candidate, merged.rank]).toEqual(['g0', 3]);
    for (const part of parts) {
      for (const [name, variable] of part.parameters) {
        expect(await merged.parameters.get(name)?.data(), name).toEqual(await variable.data());
      }
    }
  });

  it('a target in two files, another rank, another model and another kind of file are refused', async () => {
    const folder = await scratch();
    const write = async (name: string, rank: number) => {
      const path = join(folder, name);
      await writeRecovery(path, createRecovery(config, [{ reference: 2, target: 3 }], { ...settings, rank }));
      return path;
    };
    const [a, b, c] = [await write('a', 3), await write('b', 3), await write('c', 2)];
    await expect(readRecovery([a, b], config)).rejects.toThrow('target layer 3 has recovery parameters already');
    await expect(readRecovery([a, c], config)).rejects.toThrow(
      "expected candidate 'g0' of rank 3 as in the files before it, got 'g0' of rank 2",
    );
    const wider = tinyConfig({ hidden_size: 16 });
    await expect(readRecovery([a], wider)).rejects.toThrow(
      "tensor 'layers.3.mlp.gate.A': expected [16, 3] for this model, got [8, 3]",
    );
    const other = join(folder, 'other');
    await (await createCheckpoint(other, { kind: 'llama' })).close();
    await expect(readRecovery([other], config)).rejects.toThrow(
      "must hold recovery parameters (kind 'recovery'), got kind 'llama'",
    );
  });
});
