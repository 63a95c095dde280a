// The work of several plans together: what is the same before any key is known, and what it will take.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Plan, PlanNode } from '../../contract/plan.ts';
import type { CostQuery, StageDefinition } from '../../contract/stage.ts';
import type { Device } from '../../runner/estimate/devices.ts';
import { deviceNamed, deviceNames } from '../../runner/estimate/devices.ts';
import { estimateWork, type StageEstimate } from '../../runner/estimate/estimate.ts';
import { refuseTooLarge, tooLargeText } from '../../runner/estimate/memory.ts';
import { inspectTogether } from '../../runner/estimate/work.ts';
import { memoryOf } from '../../runner/survey/cost.ts';
import { inspect, inspectSurvey } from '../../runner/survey/inspect.ts';
import { createMemoryStore } from '../../store/memory-store.ts';
import { emptyFolder } from '../store/drafts.ts';
import { toyRegistry } from './fixtures/toy-stages.mjs';
import { openToy } from './harness.ts';
import { node, plan } from './toy-plan.ts';

const together = (...plans: Plan[]) => inspectTogether(plans, toyRegistry, createMemoryStore(emptyFolder()));

/** `stage: requested/distinct/cached/run` of every stage. */
async function counts(...plans: Plan[]): Promise<string[]> {
  const { stages } = await together(...plans);
  return stages.map(
    ({ stage, requested, distinct, cached, run }) => `${stage}: ${requested}/${distinct}/${cached}/${run}`,
  );
}

/** A source that is not there, and two stages on top of it. */
const absent = (path: string, more: Partial<PlanNode> = {}): PlanNode[] => [
  node('text', 'value', { path }, {}, { paths: ['/path'] }),
  node('units', 'split', { parts: 2 }, { a: 'text' }, more),
  node('sum', 'total', {}, { a: 'units' }, more),
];

describe('work that plans share', () => {
  it('is requested by every node of every plan, and counted once where it is the same', async () => {
    const one = plan(
      node('a', 'split', { parts: 3 }),
      node('b', 'split', { parts: 2 }),
      node('s', 'total', {}, { a: 'a' }),
    );
    const two = plan(node('x', 'split', { parts: 4 }), node('s', 'total', {}, { a: 'x' }));
    expect(await counts(one, two)).toEqual(['split: 9/4/0/4', 'total: 2/2/0/2']);
  });

  it('is found before the sources are there, by their paths', async () => {
    const work = await together(plan(...absent('/none/a')), plan(...absent('/none/a')), plan(...absent('/none/b')));
    expect(work.stages.map(({ stage, requested, distinct }) => [stage, requested, distinct])).toEqual([
      ['value', 3, 2],
      ['split', 6, 4],
      ['total', 3, 2],
    ]);
    expect(work.absent).toEqual([
      { source: '/none/a', reason: 'it does not exist' },
      { source: '/none/b', reason: 'it does not exist' },
    ]);
    const [first] = work.inspections;
    expect(first?.counts).toEqual({ hit: 0, run: 0, depends: 4 });
    expect(first?.items[0]).toMatchObject({ status: 'depends', key: null, absent: ['/none/a'] });
  });

  it('is refused where a stage sees what would stop it, but what is there can be looked up', async () => {
    const path = join(emptyFolder(), 'data');
    for (const name of [path, `${path}.stop`]) writeFileSync(name, '');
    const stages = [
      node('first', 'value', { value: 1 }),
      node('late', 'careful', { path }, { before: 'first' }, { paths: ['/path'] }),
    ];
    await expect(together(plan(...stages))).rejects.toThrow("stage 'late': expected good data");
    const found = await inspect(plan(...stages), toyRegistry, createMemoryStore(emptyFolder()));
    expect(found.counts).toEqual({ hit: 0, run: 1, depends: 1 });
  });

  it('differs where something differs that will be in the key, however far below, and nowhere else', async () => {
    const seeded = (seed: number) => plan(node('a', 'seeded', {}, {}, { seed }), node('b', 'add', {}, { a: 'a' }));
    expect(await counts(seeded(1), seeded(2))).toEqual(['seeded: 2/2/0/2', 'add: 2/2/0/2']);
    const unseeded = (seed: number) => plan(...absent('/none/a', { seed }));
    expect(await counts(unseeded(1), unseeded(2))).toEqual(['value: 2/1/0/1', 'split: 4/2/0/2', 'total: 2/1/0/1']);
    const numerics = { backend: 'onnx', provider: 'cpu', precision: 'float32', threads: 2 } as const;
    const threads = plan(node('n', 'numeric', {}, {}, { numerics }));
    expect(await counts(plan(node('n', 'numeric')), threads)).toEqual(['numeric: 2/2/0/2']);
  });

  it('differs where other units of the same input are read', async () => {
    const reads = (of: string[]) =>
      plan(
        ...absent('/none/a').slice(0, 2),
        node('e', 'each', { of }, { a: 'units' }),
        node('t', 'total', {}, { a: 'e' }),
      );
    expect(await counts(reads(['part 1', 'part 2']), reads(['part 2']))).toEqual([
      'value: 2/1/0/1',
      'split: 3/2/0/2',
      'each: 3/2/0/2',
      'total: 2/2/0/2',
    ]);
  });

  it('counts a node as one unit while its units are unknown, and says so', async () => {
    const open = (value: number) =>
      plan(node('n', 'number', { value }), node('c', 'count', {}, { a: 'n' }), node('t', 'total', {}, { a: 'c' }));
    const { stages } = await together(open(3), open(3), open(4));
    expect(stages.find(({ stage }) => stage === 'count')).toMatchObject({
      requested: 3,
      distinct: 2,
      run: 2,
      unknown: 3,
    });
    expect(stages.find(({ stage }) => stage === 'total')).toMatchObject({ requested: 3, distinct: 2, unknown: 0 });
  });

  it('is cached where one plan has run it, also for the others', async () => {
    const toy = await openToy();
    const both = (parts: number) => plan(node('a', 'split', { parts }), node('s', 'total', {}, { a: 'a' }));
    await toy.run(both(2));
    const { stages } = await inspectTogether([both(2), both(3)], toyRegistry, toy.store);
    expect(stages).toEqual([
      { stage: 'split', requested: 5, distinct: 3, cached: 2, run: 1, unknown: 0 },
      { stage: 'total', requested: 2, distinct: 2, cached: 1, run: 1, unknown: 0 },
    ]);
  });

  it('without sources is still refused where a parameter is impossible', async () => {
    const bad = plan(...absent('/none/a').slice(0, 2), node('e', 'each', { of: ['part 9'] }, { a: 'units' }));
    await expect(together(bad)).rejects.toThrow("needs 'part 9'");
  });
});

describe('an estimate', () => {
  const port = { kind: 'file', summary: 'bytes', extension: 'bin' } as const;
  const define = (name: string, more: Partial<StageDefinition>): StageDefinition => ({
    ...{ name, version: 1, summary: name, params: {}, inputs: { a: port }, outputs: { out: port } },
    ...{ numeric: false, seeded: false, run: () => Promise.reject(new Error('it is only planned')) },
    ...more,
  });
  const units: StageDefinition['units'] = ({ parts }) =>
    Array.from({ length: Number(parts) }, (_, i) => ({ name: `part ${i + 1}`, params: { part: i + 1 } }));
  const seen: CostQuery[] = [];
  const registry = new Map(
    [
      define('make', {
        units,
        grouped: true,
        cost: (query) => {
          seen.push(query);
          return { flops: 1e12, memory_bytes: 5e9, written_bytes: query.units.length * 1e9, assumed: ['so much'] };
        },
      }),
      define('use', {
        cost: ({ params, inputs }) => ({
          flops: 4e12,
          memory_bytes: Number(params.batch_size) * 3e9,
          written_bytes: Number(inputs.a?.size_bytes) / 10,
          assumed: ['so much'],
        }),
      }),
      define('mystery', {}),
    ].map((each) => [each.name, each]),
  );
  const device: Device = {
    ...{ name: 'toy', title: 'a toy', memory_bytes: 10e9, flops_per_second: 10e12, products: 'float32', start_s: 0 },
    ...{ utilisation: 0.5, source: 'made up' },
  };
  const estimate = async (...plans: Plan[]) => {
    const work = await inspectTogether(plans, registry, createMemoryStore(join(emptyFolder(), 'store')));
    return estimateWork(work, { device, utilisation: 0.4, record_tokens: 300 });
  };
  const chain = (parts: number, batch_size = 1) =>
    plan(
      node('m', 'make', { parts }),
      node('u', 'use', { batch_size }, { a: 'm' }),
      node('x', 'mystery', {}, { a: 'u' }),
    );

  it('adds up what different units take: operations over the peak that is reached, bytes over the disk', async () => {
    const { stages, total, assumed } = await estimate(chain(3));
    expect(stages[0]).toMatchObject({ stage: 'make', units: 3, flops: 1e12, written_bytes: 3e9, memory_bytes: 5e9 });
    // 1e12 / (0.4 * 10e12) s, and 3 GB at 2 GB/s
    expect(stages[0]?.duration_ms).toBeCloseTo(250 + 1500);
    // the input has the size that its units were estimated to have, and is read whole
    expect(stages[1]).toMatchObject({ stage: 'use', units: 1, flops: 4e12, read_bytes: 3e9, written_bytes: 0.3e9 });
    expect(total).toMatchObject({ flops: 5e12, memory_bytes: 5e9, written_bytes: 3.3e9 });
    expect(assumed).toEqual(['so much']);
  });

  it('says which units it cannot count', async () => {
    const { stages } = await estimate(chain(1));
    expect(stages[2]).toMatchObject({ stage: 'mystery', units: 0, unknown: 1, flops: 0 });
  });

  it('lets units that run together share one attempt, and asks a second plan for the missing ones alone', async () => {
    seen.length = 0;
    const { stages } = await estimate(chain(2), chain(3));
    expect(seen.map((query) => query.units.map(({ name }) => name))).toEqual([['part 1', 'part 2'], ['part 3']]);
    expect(stages[0]).toMatchObject({ units: 3, flops: 2e12 });
    expect(stages[1]).toMatchObject({ units: 2, read_bytes: 5e9 });
  });

  it('says what does not fit, and the largest batch by halves that would', async () => {
    const { stages } = await estimate(chain(1, 8));
    expect(stages[1]).toMatchObject({ fits: false, memory_bytes: 24e9, fitting: { param: 'batch_size', value: 2 } });
    expect((await estimate(chain(1, 3))).stages[1]?.fits).toBe(true);
  });

  it('refuses to begin what takes more memory than there is, with the numbers and the way out', async () => {
    const surveyed = async (plan: Plan) => {
      const store = createMemoryStore(join(emptyFolder(), 'store'));
      return (await inspectSurvey(plan, registry, store, 'waits')).survey;
    };
    await expect(refuseTooLarge(await surveyed(chain(1, 8)), 10e9)).rejects.toThrow(
      "stage 'use' is estimated to take 24 GB of memory, and this machine has 10 GB: set 'batch_size' to 2, with which it would fit, " +
        'choose a smaller model, or run it all the same with --no-memory-check, if you know better or have swap',
    );
    await expect(refuseTooLarge(await surveyed(chain(1, 8)), 2e9)).rejects.toThrow(
      "stage 'make' is estimated to take 5 GB of memory, and this machine has 2 GB: choose a smaller model, or",
    );
    await refuseTooLarge(await surveyed(chain(1, 8)), 24e9);
    expect(
      tooLargeText({ stage: 'use', memory_bytes: 8e9, fitting: { param: 'batch_size' } } as StageEstimate, 1e9),
    ).toBe(
      "stage 'use' is estimated to take 8 GB of memory, and this machine has 1 GB: choose a smaller model ('batch_size' 1 would not fit either)",
    );
  });

  it('keeps attempts apart by the same figures, and lets those pass whose stage cannot say', async () => {
    const store = createMemoryStore(join(emptyFolder(), 'store'));
    const { survey } = await inspectSurvey(chain(2, 8), registry, store, 'waits');
    const memory = survey.nodes.map((state) => memoryOf([...(state.units?.values() ?? [])]));
    expect(memory).toEqual([5e9, 24e9, 0]);
    const { survey: odd } = await inspectSurvey(plan(node('u', 'use', {})), registry, store, 'waits');
    expect(odd.nodes.map((state) => memoryOf([...(state.units?.values() ?? [])]))).toEqual([0]); // not a number
  });
});

describe('devices', () => {
  it('are all known by name, and reach less than their peak', () => {
    expect(deviceNames).toContain('h100');
    for (const name of deviceNames) expect(deviceNamed(name)?.utilisation).toBeLessThan(1);
    expect(deviceNamed('abacus')).toBeUndefined();
  });
});
