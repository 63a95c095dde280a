// What stands above columns, and beside rows: no number stands anywhere without the name of its axis.
import { parseHTML } from 'linkedom';
import { describe, expect, test } from 'vitest';
import type { PlanAxis } from '../../contract/plan.ts';
import { tableHtml } from '../../report/html/table.ts';
import { renderLatex } from '../../report/table/latex.ts';
import { renderMarkdownTable } from '../../report/table/markdown.ts';
import { buildTable } from '../../report/table/table.ts';
import { renderText } from '../../report/table/text.ts';
import { cell, methodAxis, perplexityTable, result } from './results.ts';

const typeAxis: PlanAxis = {
  name: 'type',
  label: 'type',
  values: ['T_next', 'T_back'].map((name) => ({ name, label: name })),
};
const rankAxis: PlanAxis = { name: 'rank', label: 'rank', values: ['4', '16'].map((name) => ({ name, label: name })) };
const depthAxis: PlanAxis = {
  name: 'depth',
  label: 'depth',
  values: ['6', '12'].map((name) => ({ name, label: name })),
};

/** Better where it is higher: the noise of nothing is known, so that of each column one is marked. */
function table(rows: PlanAxis, columns: readonly PlanAxis[]) {
  const choices = [rows, ...columns].reduce<Record<string, string>[]>(
    (found, axis) => found.flatMap((axes) => axis.values.map(({ name }) => ({ ...axes, [axis.name]: name }))),
    [{}],
  );
  const cells = choices.map((axes, i) => cell(axes, i + 1));
  const shape = { ...perplexityTable, rows: [rows.name], columns: columns.map(({ name }) => name), paper: '' };
  return buildTable(result(cells, { axes: [rows, ...columns], table: { ...shape, better: 'neither' } }));
}

const ranks = table(methodAxis, [rankAxis]);
const typesAndRanks = table(methodAxis, [typeAxis, rankAxis]);

describe('bare numbers above columns', () => {
  test('have the name of their axis on the left in text', () => {
    expect(renderText(ranks).split('\n').slice(0, 2)).toEqual([
      'rank                4     16',
      'Original         1.00   2.00',
    ]);
    expect(renderText(typesAndRanks).split('\n').slice(0, 2)).toEqual([
      '                 T_next   T_next   T_back   T_back',
      'rank                  4       16        4       16',
    ]);
  });

  test('and in a line of their own where rows are bare numbers too', () => {
    expect(
      renderText(table(depthAxis, [rankAxis]))
        .split('\n')
        .slice(0, 4),
    ).toEqual(['        rank', 'depth      4     16', '6       1.00   2.00', '12      3.00   4.00']);
  });

  test('say it themselves in Markdown, where outer headings stand above the first of their columns', () => {
    expect(renderMarkdownTable(ranks).split('\n')[0]).toBe('| method | rank 4 | rank 16 |');
    expect(renderMarkdownTable(typesAndRanks).split('\n').slice(0, 4)).toEqual([
      '|  | T\\_next |  | T\\_back |  |',
      '| :--- | ---: | ---: | ---: | ---: |',
      '| **method** | **rank 4** | **rank 16** | **rank 4** | **rank 16** |',
      '| Original | 1.00 | 2.00 | 3.00 | 4.00 |',
    ]);
  });

  test('stand below the name of their axis in LaTeX', () => {
    expect(renderLatex(ranks)).toContain(
      '    \\toprule\n     & \\multicolumn{2}{c}{rank} \\\\\n    \\cmidrule(lr){2-3}\n    method & 4 & 16 \\\\\n    \\midrule\n',
    );
    expect(renderLatex(typesAndRanks)).toContain(
      '     & \\multicolumn{2}{c}{T\\_next} & \\multicolumn{2}{c}{T\\_back} \\\\\n    \\cmidrule(lr){2-3} \\cmidrule(lr){4-5}\n' +
        '     & \\multicolumn{2}{c}{rank} & \\multicolumn{2}{c}{rank} \\\\\n    \\cmidrule(lr){2-3} \\cmidrule(lr){4-5}\n' +
        '    method & 4 & 16 & 4 & 16 \\\\\n',
    );
  });

  test('and in HTML', () => {
    const { document } = parseHTML(`<html><body>${tableHtml(typesAndRanks).markup}</body></html>`) as unknown as {
      document: {
        querySelectorAll(
          selector: string,
        ): Iterable<{ textContent: string; getAttribute(name: string): string | null }>;
      };
    };
    const over = [...document.querySelectorAll('th.over')].map((th) => [th.textContent, th.getAttribute('colspan')]);
    expect(over).toEqual([
      ['T_next', '2'],
      ['T_back', '2'],
      ['rank', '2'],
      ['rank', '2'],
    ]);
  });
});

test('neighbours with equal inner headings below different outer ones are not joined', () => {
  const swapped = table(methodAxis, [rankAxis, { ...typeAxis, values: typeAxis.values.slice(0, 1) }, depthAxis]);
  expect(renderLatex(swapped)).toContain(' & \\multicolumn{2}{c}{T\\_next} & \\multicolumn{2}{c}{T\\_next} \\\\');
});
