// Which number of a column is marked as its best, in each form.
import { describe, expect, test } from 'vitest';
import type { CellResult } from '../../contract/result.ts';
import { renderLatex } from '../../report/table/latex.ts';
import { renderMarkdown } from '../../report/table/markdown.ts';
import { buildTable } from '../../report/table/table.ts';
import { renderText } from '../../report/table/text.ts';
import { cell, methodAxis, perplexityTable, result, seedAxis } from './results.ts';

const table = { ...perplexityTable, columns: [], paper: '' };

function evaluated(method: string, value: number | null, stderr: number | null = null): CellResult {
  return { ...cell({ method }, value), stderr };
}

/** The labels of the rows that are marked. */
function best(cells: readonly CellResult[], changes: Partial<typeof table> = {}): string[] {
  const axes = [methodAxis, seedAxis];
  const { rows } = buildTable(result(cells, { axes, table: { ...table, ...changes } }));
  return rows.filter(({ entries }) => entries[0]?.best).map(({ labels }) => labels[0] ?? '');
}

describe('the best of a column', () => {
  test('is the lowest or the highest, as numbers are better; of a description there is none', () => {
    const cells = [evaluated('original', 1), evaluated('sharp', 2)];
    expect(best(cells)).toEqual(['Original']);
    expect(best(cells, { better: 'higher' })).toEqual(['SHARP']);
    expect(best(cells, { better: 'neither' })).toEqual([]);
  });

  test('is nobody where the next is within the noise, however far the others are', () => {
    // 1.96 * sqrt(0.03^2 + 0.04^2) = 0.098
    const far = evaluated('direct_sharing', 9, 0.04);
    expect(best([evaluated('original', 2, 0.03), evaluated('sharp', 2.09, 0.04), far])).toEqual([]);
    expect(best([evaluated('original', 2, 0.03), evaluated('sharp', 2.1, 0.04), far])).toEqual(['Original']);
  });

  test('is told run by run where runs are repeated', () => {
    const runs = (method: string, values: (number | null)[]) =>
      values.map((value, seed) => cell({ method, seed: `${seed}` }, value));
    const averaged = { mean_over: ['seed'] };
    // differences 0.1, 0.1, 0.1 of numbers that are themselves 1 apart
    expect(best([...runs('original', [1, 2, 3]), ...runs('sharp', [1.1, 2.1, 3.1])], averaged)).toEqual(['Original']);
    // differences 0.3, -0.1, -0.05
    expect(best([...runs('original', [2.3, 1.9, 1.95]), ...runs('sharp', [2, 2, 2])], averaged)).toEqual([]);
    // a mean over fewer runs than planned is of other runs than those beside it
    expect(best([...runs('original', [1, 1, null]), ...runs('sharp', [2, 2.1, 2])], averaged)).toEqual([]);
  });

  test('is all that share it where nothing is known of the noise, and none where all are equal', () => {
    const [a, b] = [evaluated('original', 1), evaluated('sharp', 1)];
    expect(best([a, b, evaluated('direct_sharing', 2)])).toEqual(['Original', 'SHARP']);
    expect(best([a, b])).toEqual([]);
    expect(best([a])).toEqual([]);
    expect(best([a, evaluated('sharp', null)])).toEqual([]);
  });

  test('is nobody where rows are different measures', () => {
    expect(best([{ ...evaluated('original', 1), metric: 'boolq.acc' }, evaluated('sharp', 2)])).toEqual([]);
  });

  test('is marked in text, Markdown and LaTeX, and said only where it is', () => {
    const one = result([evaluated('original', 1), evaluated('sharp', 2)], { axes: [methodAxis], table });
    expect(renderText(buildTable(one))).toContain('Original   ★ 1.00\nSHARP        2.00\n');
    expect(renderMarkdown(one)).toContain('| Original | **1.00** |\n| SHARP | 2.00 |\n');
    expect(renderLatex(buildTable(one))).toContain('Original & \\textbf{1.00} \\\\\n    SHARP & 2.00 \\\\\n');
    const none = result([evaluated('original', 1)], { axes: [methodAxis], table });
    for (const text of [renderText(buildTable(none)), renderMarkdown(none), renderLatex(buildTable(none))])
      expect(text).not.toContain('the best of our numbers');
  });
});
