import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Plan } from '../../contract/plan.ts';
import { type Audited, auditUnit } from '../../runner/audit/audit-unit.ts';
import { compareMetrics, relativeDrift } from '../../runner/audit/compare-metrics.ts';
import { candidatesOf, sampleOf } from '../../runner/audit/sample.ts';
import { LocalExecutor } from '../../runner/executor/local.ts';
import { inspectSurvey } from '../../runner/survey/inspect.ts';
import { openFileStore } from '../../store/file-store.ts';
import { emptyFolder } from '../store/drafts.ts';
import { toyRegistry } from './fixtures/toy-stages.mjs';
import { openToy, pathOf, workerUrl } from './harness.ts';
import { node, plan } from './toy-plan.ts';

async function auditAll(folder: string, made: Plan): Promise<{ audited: Audited[]; timings: number; unread: number }> {
  const store = await openFileStore(folder, { mode: 'read' });
  const scratch = await openFileStore(join(emptyFolder(), 'scratch'), { mode: 'write' });
  const executor = new LocalExecutor({ workerUrl, store, jobs: 1 });
  const { survey } = await inspectSurvey(made, toyRegistry, store, 'fails');
  const { units, timings, unread } = await candidatesOf(survey, store);
  const context = { store, scratch, executor, experiment: 'toy', versions: {} };
  const audited = await Promise.all(units.map((unit) => auditUnit(unit, context)));
  await executor.close();
  scratch.close();
  return { audited, timings, unread };
}

describe('an audit', () => {
  it('finds what comes out otherwise, also in a group, and leaves timings out', async () => {
    const made = plan(
      node('a', 'value', { value: 3 }),
      node('r', 'random', {}, { a: 'a' }),
      node('g', 'group', { parts: 2 }),
      node('c', 'clock', { ms: 1 }),
    );
    const toy = await openToy();
    await toy.run(made);
    const { audited, timings, unread } = await auditAll(toy.folder, made);
    expect([timings, unread]).toEqual([1, 0]);
    expect(audited.map(({ stage, unit, status, outputs }) => [stage, unit, status, outputs])).toEqual([
      ['a', '', 'same', []],
      ['r', '', 'drift', ['out']],
      ['g', 'part 1', 'same', []],
      ['g', 'part 2', 'same', []],
    ]);
    expect(audited[0]?.after).toEqual(audited[0]?.before);
  });

  it('says of a unit that cannot be made again why, and leaves out what has lost its inputs', async () => {
    const file = join(emptyFolder(), 'tries');
    const made = plan(
      node('f', 'flaky', { file, fails: 1, how: 'throw' }),
      node('a', 'value', { value: 1 }),
      node('end', 'sha', {}, { a: 'a' }),
    );
    const toy = await openToy();
    const outcome = await toy.run(made, { retries: 1 });
    writeFileSync(file, '');
    rmSync(await pathOf(outcome, 'a'));
    const { audited, unread } = await auditAll(toy.folder, made);
    expect(audited.map(({ stage, status, message }) => [stage, status, message])).toEqual([
      ['f', 'failed', 'not this time'],
      ['a', 'same', null],
    ]);
    expect(unread).toBe(1);
  });
});

describe('a sample', () => {
  const units = Array.from({ length: 40 }, (_, i) => ({ key: String(i) }));
  it('is as large as asked, has each unit once, and does not depend on their order', () => {
    const chosen = sampleOf(units, { count: 7 }, 3);
    expect(new Set(chosen).size).toBe(7);
    expect(sampleOf([...units].reverse(), { count: 7 }, 3)).toEqual(chosen);
    expect(sampleOf(units, { count: 7 }, 4)).not.toEqual(chosen);
    expect(sampleOf(units, { share: 0.05 }, 3)).toHaveLength(2);
    expect(sampleOf(units, { share: 0.001 }, 3)).toHaveLength(1);
    expect(sampleOf(units, { count: 99 }, 3)).toHaveLength(40);
    expect(sampleOf([], { share: 1 }, 3)).toEqual([]);
  });
});

describe('the numbers of two metrics', () => {
  it('that differ are found wherever they stand', () => {
    const before = { perplexity: 2, tasks: { a: [1, 2] }, name: 'x', gone: 1, zero: 0 };
    const after = { perplexity: 2.5, tasks: { a: [1, 3] }, name: 'y', zero: 1 };
    const found = compareMetrics(before, after);
    expect(found).toEqual([
      { field: 'gone', before: 1, after: null },
      { field: 'perplexity', before: 2, after: 2.5 },
      { field: 'tasks.a.1', before: 2, after: 3 },
      { field: 'zero', before: 0, after: 1 },
    ]);
    expect(found.map(relativeDrift)).toEqual([undefined, 0.25, 0.5, Number.POSITIVE_INFINITY]);
    expect(compareMetrics(before, before)).toEqual([]);
  });
});
