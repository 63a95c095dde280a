import { describe, expect, test } from 'vitest';
import { renderHtml } from '../../report/html/render.ts';
import { textWidth } from '../../report/numbers/text-width.ts';
import { warningsOf } from '../../report/result/warnings.ts';
import { renderCsv } from '../../report/table/csv.ts';
import { resultJson } from '../../report/table/json.ts';
import { renderLatex } from '../../report/table/latex.ts';
import { renderMarkdown } from '../../report/table/markdown.ts';
import { buildTable } from '../../report/table/table.ts';
import { renderWarnings, warningSentences } from '../../report/table/warnings.ts';
import type { RunOutcome } from '../../runner/run/outcome.ts';
import { node, plan } from '../runner/toy-plan.ts';
import { hostile } from './made.ts';
import { result, table2Cells } from './results.ts';

const warned = result(table2Cells, {
  warnings: [
    { stage: 'warm', message: 'rank 400 is above the width 96', cells: 4 },
    { stage: 'base', message: `config.json: 'a_b' is ${hostile}`, cells: 8 },
  ],
});

const done = { status: 'done', failures: [] };

describe('warnings in a report', () => {
  test('stand in lines of their own that fit the terminal', () => {
    expect(renderWarnings(warned).split('\n').slice(0, 2)).toEqual([
      'warnings  2',
      "  ! stage 'warm' (4 of 8 cells): rank 400 is above the width 96",
    ]);
    const lines = renderWarnings(warned, { width: 34 }).split('\n');
    expect(Math.max(...lines.map(textWidth))).toBeLessThanOrEqual(34);
    expect(lines.slice(1, 3)).toEqual(["  ! stage 'warm' (4 of 8 cells):", '    rank 400 is above the width 96']);
  });

  test('leave a report as it was where there are none', () => {
    const plain = result(table2Cells);
    expect(renderWarnings(plain)).toBe('');
    for (const text of [renderMarkdown(plain), renderLatex(buildTable(plain), warningSentences(plain))])
      expect(text).not.toMatch(/warning/i);
    expect(resultJson(plain, done).warnings).toEqual([]);
  });

  test('are in every form that has room for them', async () => {
    expect(renderMarkdown(warned)).toContain(
      "\nwarnings  2\n\n- ! stage 'warm' (4 of 8 cells): rank 400 is above the width 96\n",
    );
    const [first, second] = renderLatex(buildTable(warned), warningSentences(warned)).split('\n');
    expect(first).toBe("% warning: stage 'warm' (4 of 8 cells): rank 400 is above the width 96");
    expect(second).toMatch(/^% warning: stage 'base' \(8 cells\): config\.json: 'a_b' is <script>/);
    expect(resultJson(warned, done).warnings).toEqual(warned.warnings);
    const page = await renderHtml(warned);
    expect(page).toContain('<h2 id="warnings">Warnings</h2>');
    expect(page).toContain('(4 of 8 cells): rank 400 is above the width 96');
    expect(page).not.toContain('<script>alert');
    expect(renderCsv(warned)).toBe(renderCsv(result(table2Cells)));
  });

  test('are those of the stages and of the records of what they made, each once', () => {
    const unit = (warnings: readonly string[]) => ({ status: 'cached', warnings });
    const outcome = {
      nodes: new Map([
        [
          'a',
          { node: 'a', warnings: ['of parameters', 'both'], units: [unit(['both', 'of work']), unit(['of work'])] },
        ],
        ['b', { node: 'b', warnings: [], units: [{ status: 'failed', unit: '', key: null }] }],
      ]),
    } as unknown as RunOutcome;
    expect(warningsOf(plan(node('a', 'value'), node('b', 'value')), outcome)).toEqual([
      { stage: 'a', message: 'of parameters', cells: 0 },
      { stage: 'a', message: 'both', cells: 0 },
      { stage: 'a', message: 'of work', cells: 0 },
    ]);
  });
});
