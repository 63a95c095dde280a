// What is left, estimated by what earlier attempts took: by their operations and bytes, whatever model they were of.
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { foreseenBy, start_ms, timeByPast } from '../../runner/estimate/by-history.ts';
import type { Device } from '../../runner/estimate/devices.ts';
import { historyOf, type PastAttempt } from '../../runner/estimate/history.ts';
import { inspectTogether } from '../../runner/estimate/work.ts';
import { createMemoryStore } from '../../store/memory-store.ts';
import { createRandom } from '../../util/random.ts';
import { emptyFolder } from '../store/drafts.ts';
import { toyRegistry } from './fixtures/toy-stages.mjs';
import { openToy } from './harness.ts';
import { node, plan } from './toy-plan.ts';

const device: Device = {
  ...{ name: 'cpu', title: 'a toy', memory_bytes: 10e9, flops_per_second: 100e9, products: 'float32', start_s: 0 },
  ...{ utilisation: 0.2, source: 'made up' },
};
const past = (flops: number, duration_ms: number, moved_bytes = 0): PastAttempt => ({
  ...{ engine: 'onnx cpu', duration_ms, read_bytes: 0, written_bytes: 0, work: { flops, moved_bytes } },
});
const time = (before: readonly PastAttempt[], flops: number, moved_bytes = 0) =>
  timeByPast(before, { work: { flops, moved_bytes }, read_bytes: undefined }, device);
const beyondStart = (before: readonly PastAttempt[], flops: number) => (time(before, flops) ?? Number.NaN) - start_ms;

describe('the time of an attempt, by earlier ones of its stage', () => {
  it('is theirs where it is as large, and twice theirs beyond the start where it has twice the operations', () => {
    expect(time([past(5e9, 7000)], 5e9)).toBe(7000);
    const { uniform: random } = createRandom('history', 7);
    for (let i = 0; i < 200; i++) {
      const ms_per_flop = 10 ** (random() * 3 - 7);
      const sizes = Array.from({ length: 5 }, () => 10 ** (10 + 2 * random()));
      const before = sizes.map((flops) => past(flops, start_ms + ms_per_flop * flops));
      const flops = 10 ** (10 + 2 * random());
      expect(beyondStart(before, 2 * flops) / beyondStart(before, flops)).toBeCloseTo(2, 9);
    }
  });

  it('is of those of its own size first: a model a hundred times larger does not move it, however many attempts it had', () => {
    const own = past(1e9, 900);
    const larger = Array.from({ length: 50 }, () => past(100e9, 600_000));
    expect(time([own, ...larger], 1e9)).toBe(900);
    expect(time([own, ...larger], 2e9)).toBe(start_ms + 2 * 700);
    expect(time([own, ...larger], 100e9)).toBe(600_000);
  });

  it('is by their rate where only larger or smaller ones are known, never by their time', () => {
    expect(time([past(100e9, start_ms + 60_000)], 1e9)).toBeCloseTo(start_ms + 600, 6);
    expect(time([past(1e9, start_ms + 600)], 100e9)).toBeCloseTo(start_ms + 60_000, 6);
    const { uniform: random } = createRandom('history', 8);
    for (let i = 0; i < 200; i++) {
      const before = Array.from({ length: 6 }, () => past(10 ** (9 + 2 * random()), start_ms * (2 + 100 * random())));
      const rates = before.map(({ work, duration_ms }) => (duration_ms - start_ms) / (work?.flops ?? 0));
      const flops = 10 ** (9 + 2 * random());
      const rate = beyondStart(before, flops) / flops;
      expect(rate).toBeGreaterThanOrEqual(Math.min(...rates) * (1 - 1e-9));
      expect(rate).toBeLessThanOrEqual(Math.max(...rates) * (1 + 1e-9));
    }
  });

  it('follows the bytes of a stage that moves bytes', () => {
    const copied = past(0, start_ms + 1000, 2e9);
    expect(time([copied], 0, 4e9)).toBeCloseTo(start_ms + 2000, 6);
    expect(time([copied], 0, 1e9)).toBeCloseTo(start_ms + 500, 6);
    // 20 GFLOP/s and 2 GB/s: a second of each
    expect(time([past(20e9, start_ms + 4000, 2e9)], 40e9, 0)).toBeCloseTo(start_ms + 4000, 6);
  });

  it('is that of short ones, of which half may be the start', () => {
    expect(time([past(1e9, 100)], 1e9)).toBe(100);
    expect(time([past(1e9, 100)], 3e9)).toBeCloseTo(200, 9);
  });

  it('is not known where they are a thousand times larger or smaller, or have no figures', () => {
    expect(time([past(1e9, 900)], 1.1e12)).toBeUndefined();
    expect(time([past(1.1e12, 900)], 1e9)).toBeUndefined();
    expect(time([{ ...past(1e9, 900), work: undefined }], 1e9)).toBeUndefined();
    expect(time([], 1e9)).toBeUndefined();
  });

  it('of a stage without a cost is by what it reads, or theirs where that is not known', () => {
    const before = { ...past(0, start_ms + 1000), work: undefined, read_bytes: 1e6 };
    const read = (read_bytes: number | undefined) => timeByPast([before], { work: undefined, read_bytes }, device);
    expect(read(3e6)).toBeCloseTo(start_ms + 3000, 6);
    expect(read(undefined)).toBe(start_ms + 1000);
  });
});

describe('the history of a store', () => {
  it('has each attempt once, with the time of all its units and with what its stage said of it', async () => {
    const toy = await openToy();
    await toy.run(plan(node('g', 'group', { parts: 3 }), node('s', 'split', { parts: 2 })));
    const history = await historyOf(toy.store);
    const [group, ...more] = history.get('group') ?? [];
    expect(more).toEqual([]);
    expect(group).toMatchObject({
      engine: '',
      work: { flops: 9e9, moved_bytes: 102 },
      read_bytes: 0,
      written_bytes: 3,
    }); // 103 in three equal parts
    expect(history.get('split')).toHaveLength(2);
    expect(history.get('split')?.[0]).toMatchObject({ work: undefined, read_bytes: 0, written_bytes: 1 });
    let sum = 0;
    for await (const { preimage, about } of toy.store.records())
      if (preimage.stage === 'group') sum += about.duration_ms;
    expect(group?.duration_ms).toBe(sum);
  });

  it('has what an attempt was to do also where that was known only when its inputs had run', async () => {
    const toy = await openToy();
    await toy.run(plan(node('n', 'number', { value: 7 }), node('d', 'double', {}, { a: 'n' })));
    expect((await historyOf(toy.store)).get('double')?.[0]).toMatchObject({ work: { flops: 14, moved_bytes: 1 } });
  });

  it('tells what more of the same takes, and nothing where a stage or an engine is new', async () => {
    const toy = await openToy();
    await toy.run(plan(node('g', 'group', { parts: 2 }), node('n', 'numeric')));
    const history = await historyOf(toy.store);
    const foreseen = async (...nodes: Parameters<typeof plan>) => {
      const empty = createMemoryStore(join(emptyFolder(), 'store'));
      return foreseenBy(history, await inspectTogether([plan(...nodes)], toyRegistry, empty), device, 300);
    };
    const [group] = history.get('group') ?? [];
    const { duration_ms = Number.NaN } = group ?? {};
    const start = Math.min(start_ms, duration_ms / 2);
    const four = await foreseen(node('g', 'group', { parts: 4 }));
    expect(four?.duration_ms).toBeCloseTo(start + 2 * (duration_ms - start), 3);
    expect(four).toMatchObject({ written_bytes: 4, past: 1 });
    expect(await foreseen(node('n', 'numeric'))).toMatchObject({ past: 1 });
    const numerics = { backend: 'onnx', provider: 'cuda', precision: 'float32', threads: 1 } as const;
    expect(await foreseen(node('n', 'numeric', {}, {}, { numerics }))).toBeUndefined();
    expect(await foreseen(node('g', 'group', { parts: 4 }), node('v', 'value', { value: 1 }))).toBeUndefined();
  });
});
