import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareSides } from '../../report/diff/diff.ts';
import { renderDiffText } from '../../report/diff/text.ts';
import { specRow } from '../../report/diff/view-spec.ts';
import { plainPaint } from '../../report/numbers/paint.ts';
import { decodePlan, encodePlan } from '../../store/runs/plan-file.ts';
import type { PlanSnapshot } from '../../store/runs/plan-snapshot.ts';
import { damagedJson, readsOrRefuses } from '../formats/mutate.ts';
import { experiment, type Files, pipeline, planOf, runOf, sideOf, specSide } from './diff-sides.ts';

/** What differs between two specs, as a reader sees it: what, change, cells, places. */
async function specRows(before: Files, after: Files, set: readonly string[] = []): Promise<string[]> {
  const { spec, equal } = compareSides(await specSide('a', before), await specSide('b', after, set));
  expect(equal).toBe(spec.changes.length === 0);
  return spec.changes.map((change) => {
    const { what, change: text, cells, places } = specRow(change, spec.cells);
    return [what, text, cells, places].filter((part) => part !== '').join(' | ');
  });
}

const change = (text: string, from: string | RegExp, to: string): string => {
  const changed = text.replace(from, to);
  expect(changed).not.toBe(text);
  return changed;
};

describe('two specs', () => {
  test('that are the same have no difference, whatever their layout and comments', async () => {
    const laid = change(experiment, 'axes:', '# what varies\naxes:\n\n');
    expect(await specRows({}, { experiment: laid })).toEqual([]);
    expect(await specRows({}, { experiment: change(experiment, 'label: SHARP,', 'label: "Sharp",') })).toEqual([]);
  });

  test('a parameter is told once, with the cells that it reaches and both places', async () => {
    const before = `${experiment}with: { tuned: { lr: 2.0e-5 } }\n`;
    const after = `${experiment}with: { tuned: { lr: 1.0e-5 } }\n`;
    expect(await specRows({ experiment: before }, { experiment: after })).toEqual([
      'tuned.lr | 2e-5 → 1e-5 | 2 cells | table.yaml:18:22',
    ]);
  });

  test('a default that is written over says so', async () => {
    const after = `${experiment}with: { tuned: { schedule: { warmup_ratio: 0.1 } } }\n`;
    expect(await specRows({}, { experiment: after })).toEqual([
      'tuned.schedule.warmup_ratio | 0 → 0.1 | 2 cells | default → table.yaml:18:44',
    ]);
    expect(await specRows({}, { experiment: `${experiment}with: { tuned: { lr: 2.0e-5 } }\n` })).toEqual([]);
  });

  test('a value that several stages take is one difference', async () => {
    const after = change(pipeline, 'default: 2048', 'default: 1024');
    expect(await specRows({}, { pipeline: after })).toEqual([
      'plain_ppl.max_length (+1 stage) | 2048 → 1024 | all 6 cells | pipeline.yaml:8:41',
    ]);
  });

  test('a flag is named as the place of its value', async () => {
    expect(await specRows({}, {}, ['rank=20'])).toEqual([
      'warm.rank | 400 → 20 | 4 cells | pipeline.yaml:7:35 → --set',
      'flags | (none) → --set rank=20',
    ]);
  });

  test('axes and their values, cells, metrics and claims', async () => {
    const swept = await specRows({}, {}, ['rank=20,400']);
    expect(swept).toEqual([
      'warm.rank | 400 → 20 | 4 cells | pipeline.yaml:7:35 → --set',
      'axis rank | new: 20, 400',
      'flags | (none) → --set rank=20,400',
    ]);
    const less = change(experiment, /\n {6}dialog: .*/, '');
    expect(await specRows({}, { experiment: less })).toEqual(['values of data | gone: dialog', 'cells | 3 gone']);
    const other = change(experiment, 'warm_ppl.perplexity', 'warm_ppl.tokens');
    expect(await specRows({}, { experiment: other })).toEqual(['metric | perplexity → tokens | 2 cells']);
    const slack = `${experiment}    slack: 0.02\n`;
    expect(await specRows({}, { experiment: slack })).toEqual([
      "claim 'SFT repairs more than SLW alone' | sharp ≤ sharp_slw → sharp ≤ sharp_slw + 0.02",
    ]);
    const without = experiment.slice(0, experiment.indexOf('claims:'));
    expect(await specRows({}, { experiment: without })).toEqual([`claim 'SFT repairs more than SLW alone' | gone`]);
    expect(await specRows({}, { experiment: change(experiment, 'better: lower', 'better: higher') })).toEqual([
      'table.better | lower → higher',
    ]);
  });

  test('a stage that is new, gone or another, and inputs that come from elsewhere', async () => {
    const rewired = change(pipeline, 'recovery: tuned, data: data.eval', 'recovery: shared, data: data.eval');
    const shared = `${rewired}  shared: { use: share, in: { model: base } }\n`;
    expect(await specRows({}, { pipeline: shared })).toEqual([
      'tuned_ppl.in.recovery | tuned.recovery → shared.recovery | 2 cells | pipeline.yaml:17:67',
      'stage shared | new (share) | pipeline.yaml:18:3',
      'stage tuned | gone (sft) | pipeline.yaml:16:3',
    ]);
    const replaced = change(pipeline, /tuned: .*/, 'tuned: { use: share, in: { model: base } }');
    expect(await specRows({}, { pipeline: replaced })).toEqual([
      'tuned use | sft → share | 2 cells | pipeline.yaml:16:3',
    ]);
  });

  test('the seed, the backend and the version of a stage concern whole sides', async () => {
    const [a, b] = [await planOf({}), await planOf({}, ['seed=3'])];
    const nodes = b.nodes.map((node) => ({ ...node, numerics: { ...node.numerics, backend: 'cpu' as const } }));
    const after = sideOf('b', { ...b, nodes });
    const slw = { version: 2, numeric: true, seeded: true };
    const plan = after.plan as NonNullable<typeof after.plan>;
    const { spec } = compareSides(sideOf('a', a), { ...after, plan: { ...plan, stages: { ...plan.stages, slw } } });
    expect(spec.changes.map((each) => Object.values(specRow(each, spec.cells)).join(' | '))).toEqual([
      'warm version of slw | 1 → 2 | 4 cells | ',
      'seed | 0 → 3 | 4 cells | ',
      'numerics.backend | onnx → cpu | all 6 cells | ',
      'flags | (none) → --set seed=3 |  | ',
    ]);
  });

  test('a path is compared by its bytes where both sides know them', async () => {
    const withDigest = async (path: string, digest: string) => {
      const side = sideOf(path, await planOf({}, [`model=${path}`]));
      const plan = side.plan as NonNullable<typeof side.plan>;
      const source = { '/path': { digest: digest.repeat(8), size: 1 } };
      const nodes = plan.nodes.map((node) => (node.stage === 'base' ? { ...node, sources: source } : node));
      return { ...side, plan: { ...plan, nodes, overrides: [] } };
    };
    const [one, copy, other] = [
      await withDigest('a', 'abcdef01'),
      await withDigest('b', 'abcdef01'),
      await withDigest('b', '01abcdef'),
    ];
    expect(compareSides(one, copy).equal).toBe(true);
    const { spec } = compareSides(one, other);
    expect(spec.changes.map((each) => specRow(each, spec.cells).what)).toEqual(['bytes of base.path']);
    expect(spec.changes[0]).toMatchObject({ before: ['/lab/a (abcdef01)'], after: ['/lab/b (01abcdef)'] });
    expect((await specRows({}, {}, ['model=elsewhere']))[0]).toContain('base.path | /lab/models/tiny → /lab/elsewhere');
  });

  test('two experiments without a cell in common are compared stage by stage', async () => {
    const ranks = change(
      experiment,
      /axes:[\s\S]*table:.*\n[\s\S]*$/,
      'axes:\n  rank: [5, 20]\nmetric: warm_ppl.perplexity\n',
    );
    const rows = await specRows({}, { experiment: change(ranks, 'experiment: table', 'experiment: ranks') });
    expect(rows).toContain('warm.rank | 400 → 5, 20');
    expect(rows).toContain('stage tuned | gone (sft) | pipeline.yaml:16:3');
    expect(rows).toContain('experiment | table → ranks');
  });
});

describe('the plan that is kept with a run', () => {
  test('comes back as it was', async () => {
    const { plan } = await specSide('a', {}, ['rank=5,20']);
    const kept = JSON.parse(JSON.stringify(encodePlan(plan as NonNullable<typeof plan>)));
    expect(decodePlan(kept, 'it')).toEqual(plan);
  });

  test('grows with the nodes, and keeps what they share once', async () => {
    const size = async (seeds: number) => {
      const values = Array.from({ length: seeds }, (_, i) => i).join(',');
      const { plan } = await specSide('a', {}, [`seed=${values}`]);
      return JSON.stringify(encodePlan(plan as NonNullable<typeof plan>)).length;
    };
    const [small, twice, large] = [await size(10), await size(20), await size(40)];
    expect((large - twice) / (twice - small)).toBeCloseTo(2, 1);
  });

  test('is refused when it is something else', () => {
    expect(() => decodePlan({}, 'it')).toThrow('it is not the plan of a run');
    expect(() => decodePlan({ format: 'lamina-plan', version: 2 }, 'it')).toThrow(
      'it has version 2, which this lamina does not know',
    );
    expect(() => decodePlan({ format: 'lamina-plan', version: 1 }, 'it')).toThrow(/^it is damaged: /);
  });

  test('that was damaged is refused, or can be compared', async () => {
    const plan = await planOf({});
    const whole = runOf('b', plan, () => 2);
    const kept: unknown = JSON.parse(JSON.stringify(encodePlan(sideOf('a', plan).plan as PlanSnapshot)));
    await fc.assert(
      fc.asyncProperty(damagedJson(kept), (damaged) =>
        readsOrRefuses('it ', () => {
          const found = decodePlan(JSON.parse(damaged || 'null'), 'it');
          renderDiffText(compareSides({ ...whole, label: 'a', plan: found }, whole), { width: 80, paint: plainPaint });
        }),
      ),
      { numRuns: 1000 },
    );
  });
});

test('without a plan only what the results tell is compared, and that is said', async () => {
  const plan = await planOf({});
  const before = { ...runOf('a', plan, () => 2), plan: null };
  const after = runOf('b', await planOf({}, ['rank=20']), () => 3);
  const diff = compareSides(before, after);
  expect(diff.remarks).toEqual(['the plan of a was not kept, so parameters and inputs are not compared']);
  expect(diff.spec.whole).toBe(false);
  expect(diff.spec.changes.map((each) => each.kind)).toEqual(['flags']);
  expect(diff.metrics?.changes).toHaveLength(6);
});

test('a grid of 1,000 cells and 3,000 nodes', async () => {
  const grid = (lr: string, more: string) => `
experiment: grid
pipeline: pipeline.yaml
axes:
  rank: [${Array.from({ length: 10 }, (_, i) => i + 1)}]
  seed: [${Array.from({ length: 10 }, (_, i) => i)}]
  data: [${Array.from({ length: 10 }, (_, i) => `d${i}`)}${more}]
with: { tuned: { lr: ${lr} } }
metric: tuned_ppl.perplexity
table: { rows: [rank], columns: [data], mean_over: [seed] }
`;
  const [a, b] = [
    await planOf({ experiment: grid('2.0e-5', '') }),
    await planOf({ experiment: grid('1.0e-5', ', d10') }),
  ];
  expect([a.cells.length, a.nodes.length]).toEqual([1000, 3021]);
  const value = (name: string) => Number(/\d+/.exec(name)?.[0]) + Number(/,(\d+),/.exec(name)?.[1]) / 100;
  const before = runOf('a', a, value);
  const after = runOf('b', b, (name) => value(name) + (name.startsWith('7,') ? 1 : 0));
  const { spec, metrics } = compareSides(before, after);
  expect(spec.changes.map((each) => [each.kind, each.cells.length])).toEqual([
    ['param', 1000],
    ['axis', 0],
    ['cells', 0],
  ]);
  // 100 means over ten seeds; those of rank 7 moved by 1, seed by seed alike
  expect(metrics).toMatchObject({ equal: 90, changes: { length: 10 }, only_after: { length: 10 } });
  expect(metrics?.changes[0]).toMatchObject({ axes: { rank: '7', data: 'd0' }, beyond_noise: true, better: false });
});
