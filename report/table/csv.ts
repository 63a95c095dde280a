// The cells of a result as CSV (RFC 4180), one line per cell, with all digits: for spreadsheets and data frames.
import type { CellResult, RunResult } from '../../contract/result.ts';

/** Columns: the axes, then metric, value, stderr, n, paper, key. A missing value is an empty field. */
export function renderCsv(result: RunResult): string {
  const axes = result.axes.map((axis) => axis.name);
  const lines = [
    [...axes, 'metric', 'value', 'stderr', 'n', 'paper', 'key'],
    ...result.cells.map((cell) => csvRow(cell, axes)),
  ];
  return lines.map((fields) => `${fields.map(csvField).join(',')}\r\n`).join('');
}

function csvRow(cell: CellResult, axes: readonly string[]): string[] {
  const places = axes.map((axis) => cell.axes[axis] ?? '');
  const rest = [cell.metric, cell.value, cell.stderr, cell.n, cell.paper, cell.key];
  return [...places, ...rest.map((value) => (value === null ? '' : String(value)))];
}

function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
