// The cells of a result as CSV (RFC 4180), one line per cell, with all digits: for spreadsheets and data frames.
import type { RunResult } from '../../contract/result.ts';
import { columnsOf } from './columns.ts';

/** Columns: the axes, the numbers beside, then metric, value, stderr, n, paper, key. A missing value is an empty field. */
export function renderCsv(result: RunResult): string {
  const columns = columnsOf(result, ['metric', 'value', 'stderr', 'n', 'paper', 'key']);
  const lines = [
    columns.map(({ name }) => name),
    ...result.cells.map((_, row) => columns.map(({ values }) => String(values[row] ?? ''))),
  ];
  return lines.map((fields) => `${fields.map(csvField).join(',')}\r\n`).join('');
}

function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
