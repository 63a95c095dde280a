// The cells of a result as programs read them: the same columns, typed alike, in CSV, JSON and Arrow.
import { expect, test } from 'vitest';
import type { PlanAxis } from '../../contract/plan.ts';
import { columnsOf } from '../../report/table/columns.ts';
import { renderCsv } from '../../report/table/csv.ts';
import { resultJson } from '../../report/table/json.ts';
import { cell, methodAxis, perplexityTable, result } from './results.ts';

function axis(name: string, values: readonly string[]): PlanAxis {
  return { name, label: name, values: values.map((value) => ({ name: value, label: value })) };
}

function kinds(values: readonly string[]) {
  const cells = values.map((value) => cell({ x: value }, 1));
  const [column] = columnsOf(result(cells, { axes: [axis('x', values)] }), []);
  return [column?.kind, ...(column?.values ?? [])];
}

test('an axis is of numbers where all its values are written as numbers', () => {
  expect(kinds(['4', '-16', '0'])).toEqual(['integer', 4, -16, 0]);
  expect(kinds(['4', '0.5', '1e-4'])).toEqual(['number', 4, 0.5, 1e-4]);
  expect(kinds(['4', 'none'])).toEqual(['text', '4', 'none']);
  expect(kinds(['007', '1'])).toEqual(['text', '007', '1']);
  expect(kinds(['9007199254740993', '1'])).toEqual(['text', '9007199254740993', '1']);
  expect(kinds(['', '1'])).toEqual(['text', '', '1']);
  expect(kinds(['0x10', 'NaN'])).toEqual(['text', '0x10', 'NaN']);
});

const rank = axis('rank', ['4', '16']);
const beside = [
  { name: 's', label: 'stored', format: 'percent' as const },
  { name: 'rank', label: 'taken', format: 'number' as const },
];
const one = result(
  [
    { ...cell({ method: 'sharp', rank: '16' }, 2, 3.2), stderr: 0.25, beside: { s: 0.625, rank: 1 } },
    { ...cell({ method: 'sharp', rank: '4' }, null), n: null },
  ],
  { axes: [methodAxis, rank], table: { ...perplexityTable, beside } },
);

test('CSV has the columns beside the numbers; one of an older lamina whose name is taken is left out', () => {
  expect(renderCsv(one)).toBe(
    'method,rank,s,metric,value,stderr,n,paper,key\r\nsharp,16,0.625,perplexity,2,0.25,1000,3.2,kkkkkkkk\r\nsharp,4,,perplexity,,,,,\r\n',
  );
});

test('JSON has them too, with numbers as numbers and the standard error', () => {
  const { cells } = resultJson(one, { status: 'done', failures: [] });
  const own = { metric: 'perplexity', value: 2, paper: 3.2, stderr: 0.25, n: 1000, key: 'kkkkkkkk' };
  const none = { value: null, paper: null, stderr: null, n: null, key: null };
  expect(cells).toEqual([
    { method: 'sharp', rank: 16, s: 0.625, ...own },
    { method: 'sharp', rank: 4, s: null, metric: 'perplexity', ...none },
  ]);
});
