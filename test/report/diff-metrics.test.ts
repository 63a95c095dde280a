import { describe, expect, test } from 'vitest';
import type { Plan } from '../../contract/plan.ts';
import { compareSides, type Diff } from '../../report/diff/diff.ts';
import type { MetricChange } from '../../report/diff/metrics.ts';
import { experiment, type Measured, planOf, runOf } from './diff-sides.ts';

const seeded = (seeds: string) =>
  `${experiment.replace('table: {', 'table: { mean_over: [seed],')}`.replace('axes:', `axes:\n  seed: [${seeds}]`);

function compare(before: Plan, after: Plan, old: (cell: string) => Measured, now: (cell: string) => Measured): Diff {
  return compareSides(runOf('a', before, old), runOf('b', after, now));
}

/** The one change of a diff. */
function only(diff: Diff): MetricChange {
  expect(diff.metrics?.changes).toHaveLength(1);
  return diff.metrics?.changes[0] as MetricChange;
}

const isCell = (method: string, data: string) => (cell: string) => cell.includes(method) && cell.includes(data);

describe('numbers', () => {
  const sharp = isCell('sharp,', 'arxiv');

  test('that are equal are counted and not listed', async () => {
    const plan = await planOf({});
    const diff = compare(
      plan,
      plan,
      () => 2,
      () => 2,
    );
    expect(diff).toMatchObject({ equal: true, metrics: { equal: 6, changes: [], only_before: [], only_after: [] } });
  });

  test('of single evaluations have the noise of both standard errors', async () => {
    const plan = await planOf({});
    const diff = compare(
      plan,
      plan,
      () => [2, 0.03],
      (cell) => (sharp(cell) ? [1.9, 0.04] : [2, 0.03]),
    );
    const change = only(diff);
    // 1.959964 * sqrt(0.03^2 + 0.04^2)
    expect(change.noise).toEqual({ half_width: expect.closeTo(0.0979982, 6), kind: 'stderr' });
    expect(change).toMatchObject({ labels: ['SHARP', 'Arxiv-math'], before: 2, after: 1.9, better: true });
    expect(change.delta).toBeCloseTo(-0.1, 12);
    expect(change.relative).toBeCloseTo(-0.05, 12);
    expect(change.beyond_noise).toBe(true);
    const wide = only(
      compare(
        plan,
        plan,
        () => [2, 0.03],
        (cell) => (sharp(cell) ? [2.05, 0.04] : [2, 0.03]),
      ),
    );
    expect(wide).toMatchObject({ beyond_noise: false, better: false });
  });

  test('without standard errors have unknown noise', async () => {
    const plan = await planOf({});
    const change = only(
      compare(
        plan,
        plan,
        () => 2,
        (cell) => (sharp(cell) ? 1.9 : 2),
      ),
    );
    expect(change).toMatchObject({ noise: null, beyond_noise: null, better: true });
  });

  test('over the same seeds are compared seed by seed', async () => {
    const plan = await planOf({ experiment: seeded('1,2,3') });
    const old: Record<string, number> = { 1: 2.5, 2: 2.7, 3: 2.4 };
    const now: Record<string, number> = { 1: 2.4, 2: 2.62, 3: 2.28 };
    const at = (values: Record<string, number>) => (cell: string) =>
      sharp(cell) ? (values[cell.slice(0, 1)] as number) : 5;
    const change = only(compare(plan, plan, at(old), at(now)));
    // differences -0.1, -0.08, -0.12: mean -0.1, standard deviation 0.02; t(2) = 4.303 (table): 4.303 * 0.02 / sqrt(3)
    expect(change.delta).toBeCloseTo(-0.1, 12);
    expect(change.noise).toEqual({ half_width: expect.closeTo(0.0496868, 5), kind: 'paired' });
    expect(change).toMatchObject({
      axes: { method: 'sharp', data: 'arxiv' },
      beyond_noise: true,
      n_before: 3,
      n_after: 3,
    });
  });

  test('over other seeds are compared as two means', async () => {
    const [before, after] = [
      await planOf({ experiment: seeded('1,2,3') }),
      await planOf({ experiment: seeded('4,5') }),
    ];
    const old: Record<string, number> = { 1: 2.5, 2: 2.7, 3: 2.4, 4: 2.4, 5: 2.6 };
    const at = (cell: string) => (sharp(cell) ? (old[cell.slice(0, 1)] as number) : 5);
    const change = only(compare(before, after, at, at));
    // scipy.stats: means 2.53333 and 2.5, pooled variance (0.0466667 + 0.02) / 3, t(3) = 3.182 (table)
    expect(change.delta).toBeCloseTo(-0.0333333, 6);
    expect(change.noise).toEqual({ half_width: expect.closeTo(0.433019, 4), kind: 'pooled' });
    expect(change.beyond_noise).toBe(false);
  });

  test('come with those beyond the noise first, the surest first', async () => {
    const plan = await planOf({});
    const moves: Record<string, number> = {
      'original,arxiv': 0.01,
      'original,dialog': 1,
      'sharp,arxiv': 3,
      'sharp,dialog': -2,
    };
    const diff = compare(
      plan,
      plan,
      () => [5, 0.1],
      (cell) => [5 + (moves[cell] ?? 0), 0.1],
    );
    expect(diff.metrics?.changes.map((change) => change.delta)).toEqual([3, -2, 1, expect.closeTo(0.01, 9)]);
    expect(diff.metrics?.equal).toBe(2);
  });

  test('that one side does not have are no differences', async () => {
    const plan = await planOf({});
    const lost = only(
      compare(
        plan,
        plan,
        () => 2,
        (cell) => (sharp(cell) ? null : 2),
      ),
    );
    expect(lost).toMatchObject({ before: 2, after: null, delta: null, noise: null, better: null });
    const found = only(
      compare(
        plan,
        plan,
        (cell) => (sharp(cell) ? null : 2),
        () => 2,
      ),
    );
    expect(found).toMatchObject({ before: null, after: 2, delta: null });
  });

  test('of other fields are not subtracted', async () => {
    const tokens = await planOf({ experiment: experiment.replace('tuned_ppl.perplexity', 'tuned_ppl.tokens') });
    const diff = compare(
      await planOf({}),
      tokens,
      () => 2,
      () => 2,
    );
    expect(diff.metrics?.changes.map((change) => [change.metric_before, change.metric_after, change.delta])).toEqual([
      ['perplexity', 'tokens', null],
      ['perplexity', 'tokens', null],
    ]);
  });

  test('of cells on one side alone are listed apart', async () => {
    const less = await planOf({ experiment: experiment.replace(/\n {6}dialog: .*/, '') });
    const diff = compare(
      await planOf({}),
      less,
      () => 2,
      () => 2,
    );
    expect(diff.metrics).toMatchObject({ equal: 3, changes: [] });
    expect(diff.metrics?.only_before.map((cell) => cell.labels)).toEqual([
      ['Original', 'DialogSum'],
      ['SHARP w/o f.t.', 'DialogSum'],
      ['SHARP', 'DialogSum'],
    ]);
  });

  test('of a sweep are each compared with the one number of the other side', async () => {
    const swept = await planOf({}, ['rank=5,20']);
    const diff = compare(
      await planOf({}),
      swept,
      () => [2, 0],
      (cell) => [cell.endsWith(',20') ? 3 : 2, 0],
    );
    expect(diff.metrics?.changes).toHaveLength(6);
    expect(diff.metrics?.changes[0]?.labels).toEqual(['Original', 'Arxiv-math', '20']);
  });
});

describe('claims', () => {
  const worse = isCell('sharp,', 'dialog');

  test('that flip are listed with both details, where they flipped', async () => {
    const plan = await planOf({});
    const good = (cell: string) => (cell.startsWith('sharp,') ? 2 : 3);
    const diff = compare(plan, plan, good, (cell) => (worse(cell) ? 4 : good(cell)));
    expect(diff.claims).toMatchObject({
      unchanged: 1,
      changes: [
        {
          claim: 'SFT repairs more than SLW alone',
          place: ' on DialogSum',
          change: 'flipped',
          before: { holds: true, detail: 'SHARP ≤ SHARP w/o f.t. on DialogSum: 2.00 ≤ 3.00' },
          after: { holds: false, detail: 'SHARP ≤ SHARP w/o f.t. on DialogSum: 4.00 > 3.00' },
        },
      ],
    });
    expect(compare(plan, plan, good, good).claims).toEqual({ unchanged: 2, changes: [] });
  });

  test('that are new, gone, or cannot be decided any more', async () => {
    const plan = await planOf({});
    const less = await planOf({ experiment: experiment.slice(0, experiment.indexOf('claims:')) });
    const kinds = (diff: Diff) => diff.claims?.changes.map((each) => each.change);
    expect(
      kinds(
        compare(
          plan,
          less,
          () => 2,
          () => 2,
        ),
      ),
    ).toEqual(['removed', 'removed']);
    expect(
      kinds(
        compare(
          less,
          plan,
          () => 2,
          () => 2,
        ),
      ),
    ).toEqual(['added', 'added']);
    expect(
      kinds(
        compare(
          plan,
          plan,
          () => 2,
          (cell) => (worse(cell) ? null : 2),
        ),
      ),
    ).toEqual(['undecided']);
  });
});

test('cells of a spec that have yet to run are no news', async () => {
  const plan = await planOf({});
  const before = runOf('a', plan, () => 2);
  const after = { ...runOf('b', plan, (cell) => (cell.startsWith('sharp,') ? null : 2)), kind: 'spec' as const };
  const diff = compareSides(before, after);
  expect(diff).toMatchObject({ equal: true, metrics: { equal: 4, awaited: 2, changes: [] }, claims: { changes: [] } });
});
