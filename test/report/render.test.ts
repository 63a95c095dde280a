import { describe, expect, test } from 'vitest';
import type { RunResult } from '../../contract/result.ts';
import { textWidth } from '../../report/numbers/text-width.ts';
import { renderCsv } from '../../report/table/csv.ts';
import { type HowItEnded, resultJson } from '../../report/table/json.ts';
import { renderLatex } from '../../report/table/latex.ts';
import { renderMarkdown } from '../../report/table/markdown.ts';
import { buildTable } from '../../report/table/table.ts';
import { renderText } from '../../report/table/text.ts';
import { figure } from './made.ts';
import { cell, dataAxis, methodAxis, perplexityTable, result, seedAxis, table2Cells } from './results.ts';

const table2 = result(table2Cells, { claims: [{ claim: 'a | b', holds: true, detail: '1 ≤ 2' }] });

describe('the text form', () => {
  test('numbers are right-aligned, with the numbers of the paper in brackets', () => {
    expect(renderText(buildTable(table2))).toBe(`\
                    Arxiv-math        DialogSum
Original         ★ 1.52  (3.0)   ★ 2.30   (3.7)
Direct Sharing     88.1 (2171)    1.2e5 (801.7)
SHARP w/o f.t.     2.51  (4.8)     2.60   (5.3)
SHARP              2.02  (3.2)     2.71   (3.8)

perplexity, lower is better · in brackets: Table 2, Llama-2-7b
★ the best of our numbers in a column, unless another is within its noise
`);
  });

  test('no line is wider than the terminal, and no column is lost', () => {
    const text = renderText(buildTable(table2), { width: 36 });
    for (const line of text.split('\n')) expect(textWidth(line)).toBeLessThanOrEqual(36);
    expect(text.match(/SHARP w\/o f\.t\./g)).toHaveLength(2);
    expect(text).toContain('DialogSum');
  });

  test('a cell without a value is a gap, a place without a cell is empty', () => {
    const cells = [
      cell({ method: 'original', data: 'arxiv_math' }, null, 3),
      cell({ method: 'sharp', data: 'dialogsum' }, 2.5),
    ];
    const lines = renderText(buildTable(result(cells))).split('\n');
    expect(lines[1]).toBe('Original        – (3)');
    expect(lines[2]).toBe('SHARP                        2.50');
    expect(lines.join('\n')).toContain('– no value');
  });

  test('repeated runs are a mean with the 95 % interval of Student t', () => {
    const cells = ['1.9', '2.0', '2.1'].map((value, seed) =>
      cell({ method: 'sharp', seed: String(seed) }, Number(value)),
    );
    const table = { ...perplexityTable, columns: [], mean_over: ['seed'] };
    const text = renderText(buildTable(result(cells, { axes: [methodAxis, seedAxis], table })));
    // mean 2, standard deviation 0.1, t(2) = 4.303: 4.303 * 0.1 / sqrt(3) = 0.2484
    expect(text.split('\n')[0]).toBe('SHARP   2.00 ± 0.25');
  });

  test('a mean over fewer runs than planned is marked', () => {
    const cells = [2, 2, null].map((value, seed) => cell({ method: 'sharp', seed: String(seed) }, value));
    const table = { ...perplexityTable, columns: [], mean_over: ['seed'] };
    const text = renderText(buildTable(result(cells, { axes: [methodAxis, seedAxis], table })));
    expect(text).toContain('2.00 ± 0.00 *');
    expect(text).toContain('* a mean over fewer runs than planned');
  });

  test('an axis that is placed nowhere and differs becomes a row label', () => {
    const cells = ['0', '1'].map((seed) => cell({ method: 'sharp', data: 'dialogsum', seed }, 2));
    const text = renderText(buildTable(result(cells, { axes: [methodAxis, dataAxis, seedAxis] })));
    expect(text).toContain('       seed   DialogSum\nSHARP  0           2.00\nSHARP  1           2.00');
  });
});

test('the Markdown form has labels left, numbers right, and names no run', () => {
  const text = renderMarkdown(table2);
  expect(text).toContain(
    '| method | Arxiv-math | DialogSum |\n| :--- | ---: | ---: |\n| Original | **1.52** (3.0) | **2.30** (3.7) |',
  );
  expect(text).toContain('- ✓ a \\| b: 1 ≤ 2');
  expect(text).not.toContain(table2.run);
});

test('the LaTeX form escapes what LaTeX would read', () => {
  const axis = { ...methodAxis, values: [{ name: 'original', label: '50 % of T_next & f(x)^2' }] };
  const text = renderLatex(buildTable(result(table2Cells.slice(0, 2), { axes: [axis, dataAxis] })));
  expect(text).toContain('    50 \\% of T\\_next \\& f(x)\\textasciicircum{}2 & 1.52 (3.0) & 2.30 (3.7) \\\\\n');
  expect(text).toContain('\\begin{tabular}{lrr}');
});

test('the CSV form has one line per cell with all digits, and quotes what needs it', () => {
  const cells = [cell({ method: 'a,"b"', data: 'x' }, 1.5242), cell({ method: 'sharp', data: 'x' }, null, 3.2)];
  expect(renderCsv(result(cells))).toBe(
    'method,data,metric,value,stderr,n,paper,key\r\n"a,""b""",x,perplexity,1.5242,,1000,,kkkkkkkk\r\nsharp,x,perplexity,,,1000,3.2,\r\n',
  );
});

test('the JSON form has the documented fields and no others', () => {
  const failure = { stage: 'warm', cell: 'type=a', units: ['3→4'], message: 'it broke', log: null, reason: 'bug' };
  const json = resultJson(table2, { status: 'failed', failures: [failure] }) as unknown as RunResult & HowItEnded;
  expect(Object.keys(json)).toEqual([
    'experiment',
    'run',
    'profile',
    'cells',
    'claims',
    'warnings',
    'status',
    'failures',
  ]);
  expect(json.status).toBe('failed');
  expect(json.failures).toEqual([{ stage: 'warm', cell: 'type=a', units: ['3→4'], message: 'it broke', log: null }]);
  expect(json.cells[0]).toEqual({
    method: 'original',
    data: 'arxiv_math',
    metric: 'perplexity',
    value: 1.5242,
    paper: 3,
    stderr: null,
    n: 1000,
    key: 'kkkkkkkk',
  });
  expect(json.claims).toEqual([{ claim: 'a | b', holds: true, detail: '1 ≤ 2' }]);
});

describe('notes on numbers', () => {
  const cell_notes = [
    { where: { method: ['sharp'], data: ['dialogsum'] }, note: 'printed as 3.8 & 3.9' },
    { where: { method: ['absent'] }, note: 'of no cell' },
    { where: { data: ['dialogsum'] }, note: 'of a column' },
  ];
  const noted = result(table2Cells, { cell_notes });

  test('stand at them in text, and numbers stay under each other', () => {
    expect(renderText(buildTable(noted))).toBe(`\
                    Arxiv-math          DialogSum
Original         ★ 1.52  (3.0)   ★ 2.30ᵇ    (3.7)
Direct Sharing     88.1 (2171)    1.2e5ᵇ  (801.7)
SHARP w/o f.t.     2.51  (4.8)     2.60ᵇ    (5.3)
SHARP              2.02  (3.2)     2.71ᵃᵇ   (3.8)

perplexity, lower is better · in brackets: Table 2, Llama-2-7b
★ the best of our numbers in a column, unless another is within its noise
ᵃ printed as 3.8 & 3.9
ᵇ of a column
`);
  });

  test('stand at them in Markdown and LaTeX', () => {
    const markdown = renderMarkdown(noted);
    expect(markdown).toContain('| SHARP | 2.02 (3.2) | 2.71<sup>a,b</sup> (3.8) |');
    expect(markdown).toContain('\n<sup>b</sup> of a column\n');
    const latex = renderLatex(buildTable(noted));
    expect(latex).toContain('2.71\\textsuperscript{a,b} (3.8)');
    expect(latex).toContain('\\textsuperscript{a} printed as 3.8 \\& 3.9');
  });

  test('are marked from a to z without q, which has no superscript, then aa', () => {
    const many = Array.from({ length: 27 }, (_, i) => ({ where: {}, note: `note ${i}` }));
    const marks = buildTable(result(table2Cells, { cell_notes: many })).marked_notes.map(({ mark }) => mark);
    expect(marks.slice(15, 18)).toEqual(['p', 'r', 's']);
    expect(marks.slice(24)).toEqual(['z', 'aa', 'ab']);
  });
});

test('the Markdown form shows the figures of a folder, and no link where none are written', () => {
  const drawn = result(table2Cells, { figures: [figure({ name: 'by-method', title: 'a [b]', caption: 'look' })] });
  expect(renderMarkdown(drawn, { figures: 'figures' })).toContain('![a \\[b\\]](figures/by-method.svg)\n\nlook\n');
  expect(renderMarkdown(drawn)).not.toContain('by-method.svg');
  expect(renderMarkdown(drawn, { figures: '../pictures' })).toContain('](../pictures/by-method.svg)');
});
