// What SLW keeps of frozen matrices: the same fit wherever it lies, within its bytes, and the same after a kill.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { roundTokens } from '../../model/forward/int8-tokens.ts';
import { originalMlp, replacedMlp } from '../../model/forward/mlp.ts';
import { takesKnown } from '../../model/methods/known.ts';
import { methodNamed, methodNames } from '../../model/methods/registry.ts';
import { createRecovery } from '../../model/sharing/recovery.ts';
import { type KeptRows, keptInFile, keptInMemory } from '../../model/train/kept-rows.ts';
import { adamDefaults } from '../../model/train/optimizer.ts';
import { type SlwRun, type SlwSettings, type SlwWeights, warmUp } from '../../model/train/slw.ts';
import { type ActivationRows, rowBatches } from '../../model/train/slw-batches.ts';
import { frozenColumns, type KeptLimits, placesOf } from '../../model/train/slw-columns.ts';
import { train } from '../../model/train/train.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { meanSquaredError } from '../../tensor/ops.ts';
import { tf } from '../../tensor/tf.ts';
import { scratch } from './fixtures.ts';
import { normals, tinyConfig, tinyWeights } from './tiny.ts';

const [d, f, count] = [16, 24, 1100]; // more rows than are computed together
const config = tinyConfig({ hidden_size: d, intermediate_size: f });
const weights = tinyWeights(config);
const values = normals(count * d, 'kept');
const rows: ActivationRows = {
  rows: count,
  read: async (start, n) => values.slice(start * d, (start + n) * d),
};
const base: SlwSettings = { init: 'default', seed: 3, lr: 5e-3, epochs: 2, batch_tokens: 200, granularity: 'mlp' };
const of = (candidate: string) => ({ reference: 2, target: 3, candidate, rank: 4 });
const everything: KeptLimits = { memory_bytes: 2 ** 29, scratch_bytes: 2 ** 29 };
const files: KeptLimits = { memory_bytes: 0, scratch_bytes: 2 ** 29 };
const nothing: KeptLimits = { memory_bytes: 0, scratch_bytes: 0 };

/** Losses and parameters of a fit. */
async function fitted(candidate: string, run: SlwRun, over: Partial<SlwSettings> = {}, given: SlwWeights = weights) {
  const { recovery, losses } = await warmUp(given, of(candidate), rows, { ...base, ...over }, run);
  const parameters = [...recovery.parameters.values()].flatMap((variable) => [...variable.dataSync()]);
  for (const variable of recovery.parameters.values()) variable.dispose();
  return { losses, parameters };
}

async function inFiles(): Promise<SlwRun> {
  return { kept: files, save: { folder: await scratch(), every_steps: 1000 } };
}

beforeAll(() => useBackend({ backend: 'onnx' }));

describe.each(methodNames.filter((name) => methodNamed(name).grouped === undefined))('a fit of %s', (candidate) => {
  it.each(['mlp', 'projection'] as const)(
    'with granularity %s is the same to the bit, kept in memory, in files or nowhere',
    async (granularity) => {
      const kept = await fitted(candidate, { kept: everything }, { granularity });
      expect(kept.losses).toHaveLength(10);
      expect(await fitted(candidate, await inFiles(), { granularity })).toEqual(kept);
      expect(await fitted(candidate, { kept: nothing }, { granularity })).toEqual(kept);
    },
  );

  it('is that of a loop which computes everything in every step, to 1e-6', async () => {
    const kept = await fitted(candidate, {});
    const recovery = createRecovery(config, [of(candidate)], base, weights);
    const { steps, batch } = rowBatches(rows, d, base);
    const { losses } = await train({
      variables: recovery.parameters,
      steps,
      adam: adamDefaults,
      learningRate: () => base.lr,
      batches: async (step) => [await batch(step)],
      loss({ x }) {
        const input = tf.tensor2d(x, [base.batch_tokens, d]);
        const output = replacedMlp(weights, of(candidate), input, recovery.parameters);
        return meanSquaredError(output, originalMlp(weights, 3, input));
      },
    });
    const apart = losses.map((loss, i) => Math.abs(loss - (kept.losses[i] as number)) / loss);
    console.log(`${candidate}: losses with kept products and without are apart by at most ${Math.max(...apart)}`);
    expect(Math.max(...apart)).toBeLessThan(1e-6);
  });
});

describe('what is kept', () => {
  it('is what a method multiplies its input by as it is', () => {
    const taken = (candidate: string) =>
      (['gate', 'up', 'down'] as const).filter((role) => takesKnown(candidate, role));
    expect(Object.fromEntries(methodNames.map((name) => [name, taken(name)]))).toEqual({
      basis: [],
      delta: ['gate', 'up', 'down'],
      g0: ['gate', 'up', 'down'],
      g1: ['gate', 'up'],
      g2: ['down'],
      g3: [],
      g1_plus: ['gate', 'up'],
      g2_plus: ['down'],
      g0_tied: ['gate', 'up', 'down'],
      lora: ['gate', 'up', 'down'],
    });
  });

  it('fits into the bytes of memory and files, the most useful columns first', () => {
    const columns = frozenColumns({ candidate: 'g0', granularity: 'mlp' }, config);
    const places = (memory_bytes: number, scratch_bytes: number) =>
      placesOf(columns, 100, { memory_bytes, scratch_bytes }).map(({ name, place }) => [name, place]);
    const [narrow, wide] = [4 * 100 * d, 4 * 100 * f];
    expect(places(narrow + wide, wide)).toEqual([
      ['output', 'memory'],
      ['shared_gate', 'memory'],
      ['shared_up', 'scratch'],
    ]);
    expect(places(narrow, wide - 1)).toEqual([
      ['output', 'memory'],
      ['shared_gate', 'nowhere'],
      ['shared_up', 'nowhere'],
    ]);
  });

  it('lies in files of its own size while it is fitted, and is gone at the end', async () => {
    const run = await inFiles();
    const folder = run.save?.folder as string;
    const seen: Record<string, number> = {};
    const look = () => {
      for (const name of readdirSync(folder)) seen[name] = statSync(join(folder, name)).size;
    };
    await fitted('g0', { ...run, onProgress: look });
    const [narrow, wide] = [4 * count * d, 4 * count * f];
    expect(seen).toEqual({ 'output.kept': narrow, 'shared_gate.kept': wide, 'shared_up.kept': wide });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is computed again after a kill, with the same end to the bit', async () => {
    const save = { folder: await scratch(), every_steps: 3 };
    const onProgress = (step: number) => {
      if (step === 8) throw new Error('killed');
    };
    await expect(fitted('g0', { kept: files, save, onProgress })).rejects.toThrow('killed');
    expect(await fitted('g0', { kept: files, save })).toEqual(await fitted('g0', { kept: everything }));
  });

  it('of several windows of rows is each window’s own', async () => {
    const seen: number[] = [];
    const order = { ...base, window_bytes: 4 * d * 400 };
    const { steps, batch } = rowBatches(rows, d, order, async (start, x) => void seen.push(start, x.length / d));
    for (let step = 0; step < steps; step++) {
      const { chosen, x } = await batch(step);
      const expected = chosen.flatMap((row) => [...values.subarray(row * d, (row + 1) * d)]);
      expect([...x]).toEqual(expected);
    }
    expect(new Set(seen)).toEqual(new Set([0, 400, 800, 300]));
  });

  it('of inputs that are rounded to int8 is what the products see of them', async () => {
    const rounding = { config, get: weights.get, input: (_: string, x: tf.Tensor2D) => roundTokens(x) };
    const over = { granularity: 'projection' } as const;
    const kept = await fitted('g0', { kept: everything }, over, rounding);
    expect(await fitted('g0', { kept: nothing }, over, rounding)).toEqual(kept);
    expect(kept.losses).not.toEqual((await fitted('g0', { kept: everything }, over)).losses);
  });
});

describe.each(['memory', 'a file'])('rows kept in %s', (place) => {
  it('come back in any order', async () => {
    const kept: KeptRows = place === 'memory' ? keptInMemory(9, 3) : await keptInFile(join(await scratch(), 'k'), 3);
    const row = (n: number) => [n, n + 0.5, -n];
    await kept.write(4, Float32Array.from([4, 5, 6, 7, 8].flatMap(row)));
    await kept.write(0, Float32Array.from([0, 1, 2, 3].flatMap(row)));
    const into = new Float32Array(12);
    await kept.gather([8, 0, 5, 3], into);
    expect([...into]).toEqual([8, 0, 5, 3].flatMap(row));
    await kept.close();
  });
});
