// The text of one place of a table, shared by the renderers.
import type { Better } from '../../contract/plan.ts';
import { formatHalfWidth, formatNumber, formatPaper } from '../numbers/number.ts';
import type { Table, TableEntry } from './table.ts';

/** What stands where a number is missing. */
export const gap = '–';

/** Our number: `2.71`, `2.71 ± 0.02` for a mean, `2.71 *` for a mean over fewer runs than planned. */
export function oursText(entry: TableEntry | null): string {
  if (entry === null) return '';
  if (entry.value === null) return gap;
  const value = formatNumber(entry.value);
  const spread = entry.half_width === null ? '' : ` ± ${formatHalfWidth(entry.half_width, value)}`;
  return `${value}${spread}${entry.measured < entry.planned ? ' *' : ''}`;
}

/** The paper's number in brackets, or nothing. */
export function paperText(entry: TableEntry | null, table: Table): string {
  return entry === null || entry.paper === null ? '' : `(${formatPaper(entry.paper, table.paper_decimals)})`;
}

/** What the numbers are, and which way they are better where one way is. */
export function metricText(metric: string, better: Better): string {
  return better === 'neither' ? metric : `${metric}, ${better} is better`;
}

/** The remarks that explain the marks in the table, one per line; `best` is how the best of a column is marked: `★`. */
export function legend(table: Table, best: string): string[] {
  const entries = table.rows.flatMap((row) => row.entries).filter((entry) => entry !== null);
  const brackets = table.paper === '' ? '' : ` · in brackets: ${table.paper}`;
  const lines = [`${metricText(table.metric, table.better)}${brackets}`];
  if (entries.some((entry) => entry.best))
    lines.push(`${best} the best of our numbers in a column, unless another is within its noise`);
  if (table.averaged) lines.push('± half the 95 % confidence interval of the mean over runs (Student t)');
  if (entries.some((entry) => entry.value === null))
    lines.push(`${gap} no value: its stages failed or were not reached, or their metrics lack it`);
  if (entries.some((entry) => entry.value !== null && entry.measured < entry.planned))
    lines.push('* a mean over fewer runs than planned');
  return lines;
}
