import { describe, expect, test } from 'vitest';
import { compareSides, type Diff } from '../../report/diff/diff.ts';
import { renderDiffHtml } from '../../report/diff/html.ts';
import { diffJson } from '../../report/diff/json.ts';
import { renderDiffMarkdown } from '../../report/diff/markdown.ts';
import { renderDiffText } from '../../report/diff/text.ts';
import { textWidth } from '../../report/numbers/text-width.ts';
import { experiment, planOf, runOf, specSide } from './diff-sides.ts';

/** A learning rate and a rank changed; SHARP moved surely on one data set, the rest within the noise or not at all. */
async function sample(): Promise<Diff> {
  const lr = (value: string) => ({ experiment: `${experiment}with: { tuned: { lr: ${value} } }\n` });
  const old: Record<string, number> = { 'sharp,arxiv': 2.02, 'sharp,dialog': 2.44, 'sharp_slw,arxiv': 2.51 };
  const now: Record<string, number> = { 'sharp,arxiv': 2.63, 'sharp,dialog': 2.43, 'sharp_slw,arxiv': 2.51 };
  const before = runOf('table@1', await planOf(lr('2.0e-5')), (cell) => [old[cell] ?? 3, 0.01]);
  const after = runOf('table@2', await planOf(lr('1.0e-5'), ['rank=20']), (cell) => [now[cell] ?? 3, 0.01]);
  return compareSides(before, after, ['a remark']);
}

const text = `table@1 → table@2
a remark

spec  3 differences
  warm.rank  400 → 20     4 cells  pipeline.yaml:7:35 → --set
  tuned.lr   2e-5 → 1e-5  2 cells  table.yaml:18:22
  flags      (none) → --set rank=20

metrics  2 cells moved, 1 of them beyond the noise · 4 equal
                     before  after  change
  SHARP  Arxiv-math    2.02   2.63  +0.610    +30 %  ± 0.028  worse
  SHARP  DialogSum     2.44   2.43  -0.010  -0.41 %  ± 0.028  within noise
  perplexity, lower is better
  ± half the 95 % interval of the difference, by the standard errors of the two evaluations

claims  2 can be decided no more
  ✓ → ? SFT repairs more than SLW alone
    was  SHARP ≤ SHARP w/o f.t. on Arxiv-math: 2.02 ≤ 2.51
    now  SHARP ≤ SHARP w/o f.t. on Arxiv-math: 2.63 > 2.51 (not decided, since --set rank=20 is off the spec's grid)
    was  SHARP ≤ SHARP w/o f.t. on DialogSum: 2.44 ≤ 3.00
    now  SHARP ≤ SHARP w/o f.t. on DialogSum: 2.43 ≤ 3.00 (not decided, since --set rank=20 is off the spec's grid)
`;

const markdown = `# table@1 → table@2

a remark

## spec: 3 differences

| what | change | cells | where |
| :--- | :--- | :--- | :--- |
| warm.rank | 400 → 20 | 4 cells | pipeline.yaml:7:35 → --set |
| tuned.lr | 2e-5 → 1e-5 | 2 cells | table.yaml:18:22 |
| flags | (none) → --set rank=20 |  |  |

## metrics: 2 cells moved, 1 of them beyond the noise · 4 equal

| method | data | before | after | change |  | noise |  |
| :--- | :--- | ---: | ---: | ---: | ---: | ---: | :--- |
| SHARP | Arxiv-math | 2.02 | 2.63 | +0.610 | +30 % | ± 0.028 | worse |
| SHARP | DialogSum | 2.44 | 2.43 | -0.010 | -0.41 % | ± 0.028 | within noise |

perplexity, lower is better

± half the 95 % interval of the difference, by the standard errors of the two evaluations

## claims: 2 can be decided no more

- ✓ → ? SFT repairs more than SLW alone
  - was: SHARP ≤ SHARP w/o f.t. on Arxiv-math: 2.02 ≤ 2.51
  - now: SHARP ≤ SHARP w/o f.t. on Arxiv-math: 2.63 \\> 2.51 (not decided, since --set rank=20 is off the spec's grid)
  - was: SHARP ≤ SHARP w/o f.t. on DialogSum: 2.44 ≤ 3.00
  - now: SHARP ≤ SHARP w/o f.t. on DialogSum: 2.43 ≤ 3.00 (not decided, since --set rank=20 is off the spec's grid)
`;

describe('a diff', () => {
  test('as text', async () => {
    expect(renderDiffText(await sample())).toBe(text);
  });

  test.each([40, 56, 72, 80, 100])('as text is not wider than a terminal of %i columns', async (width) => {
    const lines = renderDiffText(await sample(), { width }).split('\n');
    expect(lines.filter((line) => textWidth(line) > width)).toEqual([]);
  });

  test('as Markdown', async () => {
    expect(renderDiffMarkdown(await sample())).toBe(markdown);
  });

  test('as JSON has the documented form', async () => {
    const value = diffJson(await sample());
    expect(Object.keys(value)).toEqual([
      ...['format', 'version', 'equal', 'before', 'after', 'remarks', 'spec', 'metrics', 'claims', 'warnings'],
    ]);
    expect(value).toMatchObject({ format: 'lamina-diff', version: 1, equal: false, remarks: ['a remark'] });
    expect(value.before).toEqual({
      ...{ kind: 'run', label: 'table@1', experiment: 'table', profile: 'default', run: 'table@1', revision: null },
    });
    const { changes } = value.spec as unknown as { changes: unknown[] };
    expect(changes[1]).toEqual({
      kind: 'param',
      name: 'lr',
      stages: ['tuned'],
      before: [2e-5],
      after: [1e-5],
      origin_before: { file: 'table.yaml', line: 18, column: 22 },
      origin_after: { file: 'table.yaml', line: 18, column: 22 },
      cells: ['sharp,arxiv', 'sharp,dialog'],
    });
    const metrics = value.metrics as unknown as { changes: unknown[] };
    expect(metrics.changes[0]).toEqual({
      axes: { method: 'sharp', data: 'arxiv' },
      labels: ['SHARP', 'Arxiv-math'],
      metric_before: 'perplexity',
      metric_after: 'perplexity',
      before: 2.02,
      after: 2.63,
      delta: expect.closeTo(0.61, 9),
      relative: expect.closeTo(0.61 / 2.02, 9),
      noise: { half_width: expect.closeTo(1.959964 * 0.01 * Math.SQRT2, 9), kind: 'stderr' },
      beyond_noise: true,
      better: false,
      n_before: 1,
      n_after: 1,
    });
  });

  test('as HTML is one page without scripts and requests', async () => {
    const page = renderDiffHtml(await sample());
    expect(page).toMatch(/^<!doctype html>/);
    expect(page).not.toMatch(/<script|<link|src=|url\(|@import|https?:/);
    expect(page).toContain('<h2>Metrics</h2><p class="faint">2 cells moved, 1 of them beyond the noise · 4 equal</p>');
    expect(page).toContain('script-src &#39;none&#39;');
    expect(page).toContain('<td><span class="badge fails">worse</span></td>');
    expect(page).toContain('<tr class="faint"><td>SHARP</td>\n<td>DialogSum</td>');
  });

  test('that is none says so, in a few lines', async () => {
    const plan = await planOf({});
    const same = compareSides(
      runOf('a', plan, () => 2),
      runOf('b', plan, () => 2),
    );
    expect(renderDiffText(same)).toBe(
      'a → b\n\nspec  no difference\n\nmetrics  no cell moved · 6 equal\n\nclaims  none flipped · 2 unchanged\n',
    );
    expect(renderDiffText(compareSides(await specSide('a'), await specSide('b')))).toBe(
      'a → b\n\nspec  no difference\n',
    );
  });
});

test('numbers beside the table are compared, once for a row', async () => {
  const columns = experiment
    .replace('metric: warm_ppl.perplexity', 'metric: warm_ppl.perplexity, beside: { tokens: warm_ppl.tokens }')
    .replace('table: {', 'table: { beside: { tokens: { label: Tokens } },');
  const plan = await planOf({ experiment: columns });
  const sides = (tokens: number) =>
    runOf(
      'a',
      plan,
      () => 2,
      () => tokens,
    );
  const diff = compareSides(sides(1000), sides(1200));
  expect(renderDiffText(diff)).toContain(
    'metrics  no cell moved · 6 equal · 1 beside the numbers\n  Tokens  SHARP w/o f.t.  1000 → 1200\n',
  );
  expect(diff.metrics?.beside).toEqual([{ labels: ['SHARP w/o f.t.'], column: 'Tokens', before: 1000, after: 1200 }]);
  expect([diff.equal, compareSides(sides(7), sides(7)).equal]).toEqual([false, true]);
});

test('long lists are cut, unless all is asked for', async () => {
  const ranks = Array.from({ length: 100 }, (_, i) => i + 1).join(',');
  const plan = await planOf({}, [`rank=${ranks}`]);
  const diff = compareSides(
    runOf('a', plan, () => 2),
    runOf('b', plan, (cell) => (cell.startsWith('sharp,') ? 3 : 2)),
  );
  expect(renderDiffText(diff)).toContain('\n  and 160 more (--all lists them)\n');
  expect(renderDiffText(diff).split('\n').length).toBeLessThan(150);
  expect(renderDiffText(diff, { all: true }).match(/noise unknown/g)).toHaveLength(200);
});

test('what specs and runs are named cannot reach the terminal as control characters, nor a page as markup', async () => {
  const hostile = experiment.replace('label: DialogSum', 'label: "<b>[31m|x"');
  const a = await planOf({ experiment: hostile });
  const diff = compareSides(
    runOf('a', a, () => 2),
    runOf('<i>\u001b[0m', a, () => 3),
  );
  expect(renderDiffText(diff)).toContain('<b>[31m|x');
  expect(renderDiffText(diff)).toContain('<i>?[0m');
  expect(renderDiffText(diff)).not.toContain('\u001b');
  expect(renderDiffHtml(diff)).toContain('&lt;b&gt;[31m|x');
  expect(renderDiffHtml(diff)).not.toContain('<i>');
  expect(renderDiffMarkdown(diff)).toContain('\\<b\\>\\[31m\\|x');
});
