// Single-layer warm-up: it reaches the closed-form optimum, is exact over a kill, and shrinks the error of Direct Sharing.
import { beforeAll, describe, expect, it } from 'vitest';
import { createRecovery, throughMatrix } from '../../model/sharing/recovery.ts';
import { recoveryName } from '../../model/sharing/recovery-shapes.ts';
import { tensorProduct } from '../../model/sharing/tensor-matrix.ts';
import { adamDefaults } from '../../model/train/optimizer.ts';
import { type SlwSettings, warmUp } from '../../model/train/slw.ts';
import { type ActivationRows, rowBatches } from '../../model/train/slw-batches.ts';
import { train } from '../../model/train/train.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { meanSquaredError } from '../../tensor/ops.ts';
import { tf } from '../../tensor/tf.ts';
import { fixture, type Packed, scratch, unpack } from './fixtures.ts';
import { llamaName } from './llama-name.ts';
import { normals, tinyConfig, tinyWeights } from './tiny.ts';

const config = tinyConfig({ hidden_size: 16, intermediate_size: 24 });
const settings: SlwSettings = {
  init: 'default',
  seed: 3,
  lr: 5e-3,
  epochs: 5,
  batch_tokens: 32,
  granularity: 'mlp',
};
const pair = { reference: 2, target: 3, candidate: 'g0', rank: 4 };

function rowsOf(values: Float32Array, width: number): ActivationRows {
  return {
    rows: values.length / width,
    read: async (start, count) => values.slice(start * width, (start + count) * width),
  };
}

const activations = rowsOf(normals(300 * 16, 'activations'), 16);

interface RankCase {
  projection: 'gate' | 'down';
  rank: number;
  x: Packed;
  reference: Packed;
  target: Packed;
  start_loss: number;
  best_loss: number;
}

beforeAll(() => useBackend({ backend: 'onnx' }));

describe('SLW', () => {
  it.each(fixture<{ cases: RankCase[] }>('reduced-rank.json').cases)(
    'Adam on $projection with alpha fixed comes within 1 % of reduced-rank regression (methods A.6, by numpy)',
    async ({ projection, rank, x, reference, target, start_loss, best_loss }) => {
      const [d, f] = reference.shape as [number, number];
      const size = tinyConfig({ hidden_size: d, intermediate_size: f, num_attention_heads: 1 });
      const recovery = createRecovery(size, [{ ...pair, rank }], settings);
      // make.py gives Theta [d, f]; weights are [out, in]
      const theta = (packed: Packed) =>
        tf.tidy(() => {
          const matrix = tf.tensor2d(unpack(packed), [d, f]);
          return projection === 'down' ? matrix.clone() : tf.transpose(matrix);
        });
      const [from, to] = [theta(reference), theta(target)];
      const input = tf.tensor2d(unpack(x), x.shape as [number, number]);
      const y = tf.matMul(input, to, false, true) as tf.Tensor2D;
      const factors = ['A', 'B'].map((name) => recoveryName(3, projection, name));
      const { losses } = await train({
        variables: new Map([...recovery.parameters].filter(([name]) => factors.includes(name))),
        steps: 400,
        adam: adamDefaults,
        learningRate: (step) => 0.03 * (1 - step / 400),
        batches: () => [null],
        loss: () =>
          meanSquaredError(
            throughMatrix(
              { ...pair, rank },
              projection,
              input,
              tensorProduct(() => from),
              recovery.parameters,
            ),
            y,
          ),
      });
      expect(losses[0]).toBeCloseTo(start_loss, 4);
      expect(losses.at(-1)).toBeGreaterThan(best_loss * 0.9999);
      expect(losses.at(-1)).toBeLessThan(best_loss * 1.01);
    },
  );

  it.each(['mlp', 'projection'] as const)(
    'granularity %s brings the error down from Direct Sharing',
    async (granularity) => {
      const { losses } = await warmUp(tinyWeights(config), pair, activations, { ...settings, granularity, epochs: 12 });
      expect(losses).toHaveLength(12 * 9); // 300 rows make 9 batches of 32
      expect(losses.at(-1)).toBeLessThan(0.85 * (losses[0] as number));
    },
  );

  it('a target equal to its reference has nothing to learn', async () => {
    const weights = tinyWeights(config);
    const same = { config, get: (name: string) => weights.get(name.replace('layers.2', 'layers.1')) };
    const { losses } = await warmUp(same, pair, activations, settings);
    expect(losses[0]).toBe(0);
  });

  it('killed and started again, it ends with the same bytes', async () => {
    const folder = await scratch();
    const save = { folder, every_steps: 4 };
    const killed = (step: number) => {
      if (step === 11) throw new Error('killed');
    };
    await expect(
      warmUp(tinyWeights(config), pair, activations, settings, { save, onProgress: killed }),
    ).rejects.toThrow('killed');
    const resumed = await warmUp(tinyWeights(config), pair, activations, settings, { save });
    const whole = await warmUp(tinyWeights(config), pair, activations, settings);
    expect(resumed.losses).toEqual(whole.losses);
    for (const [name, variable] of whole.recovery.parameters) {
      expect(await resumed.recovery.parameters.get(name)?.data(), name).toEqual(await variable.data());
    }
  });

  it('rank 0 is Direct Sharing: nothing to train', async () => {
    const { recovery, losses } = await warmUp(tinyWeights(config), { ...pair, rank: 0 }, activations, settings);
    expect([recovery.parameters.size, losses.length]).toEqual([0, 0]);
  });

  it("only the pair's MLPs are asked for", async () => {
    const weights = tinyWeights(config);
    const asked = new Set<string>();
    const get = (name: string) => {
      asked.add(name);
      return weights.get(name);
    };
    await warmUp({ config, get }, pair, activations, { ...settings, epochs: 1 });
    const names = [2, 3].flatMap((layer) =>
      (['gate', 'up', 'down'] as const).map((projection) => llamaName(layer, projection)),
    );
    expect([...asked].toSorted()).toEqual(names.toSorted());
  });
});

describe('rows of activations', () => {
  const rows = rowsOf(
    Float32Array.from({ length: 100 }, (_, i) => i),
    1,
  );
  const seen = async (window_bytes: number | undefined, epoch: number) => {
    const { steps, batch } = rowBatches(rows, 1, { epochs: 2, batch_tokens: 8, seed: 1, window_bytes });
    const perEpoch = steps / 2;
    const values: number[] = [];
    for (let k = 0; k < perEpoch; k++) values.push(...(await batch(epoch * perEpoch + k)).x);
    return values;
  };

  it('come in whole batches, none twice in an epoch, in another order each epoch', async () => {
    const first = await seen(undefined, 0);
    expect(first).toHaveLength(96);
    expect(new Set(first).size).toBe(96);
    expect(await seen(undefined, 0)).toEqual(first);
    expect(await seen(undefined, 1)).not.toEqual(first);
  });

  it('are shuffled within windows when they do not fit in memory', async () => {
    const first = await seen(4 * 24, 0); // windows of 24 rows: 4 whole ones, and 4 rows that make no batch
    expect(new Set(first).size).toBe(96);
    for (let at = 0; at < 96; at += 24) {
      const window = first.slice(at, at + 24).map((row) => Math.floor(row / 24));
      expect(new Set(window).size).toBe(1);
    }
  });

  it('without a row there is nothing to fit', () => {
    expect(() => rowBatches({ ...rows, rows: 0 }, 1, { epochs: 1, batch_tokens: 8, seed: 1 })).toThrow(
      'the activations hold no tokens',
    );
  });
});
