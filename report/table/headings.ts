// The headings above the columns of a table, where one stands above several of them.
import { isBare, namedLabel } from '../numbers/label.ts';
import type { Table } from './table.ts';

/** A heading above `span` neighbouring columns. */
export interface Heading {
  text: string;
  span: number;
}

/** A line of headings for each column axis, the outermost first; above bare numbers stands one with the name of their axis. The last has one heading for each column. */
export function headingLines(table: Table): Heading[][] {
  return levelsOf(table).flatMap((labels, level) => {
    const name = table.column_axes[level] ?? '';
    const own = joined(table, level, (column) => labels[column] ?? '');
    return labels.some(isBare) ? [joined(table, level - 1, () => name), own] : [own];
  });
}

/** The same where a line must not be added: bare numbers say themselves of what they are, `rank 16`. */
export function namedHeadingLines(table: Table): Heading[][] {
  return levelsOf(table).map((labels, level) =>
    joined(table, level, (column) => namedLabel(table.column_axes[level] ?? '', labels[column] ?? '')),
  );
}

/** The labels of the columns for each of their axes; without axes the name of the numbers. */
function levelsOf(table: Table): string[][] {
  const depth = Math.max(1, table.column_axes.length);
  return Array.from({ length: depth }, (_, level) => table.columns.map((labels) => labels[level] ?? table.metric));
}

/** Neighbours that agree down to `level` share a heading; those of the innermost level stand alone. */
function joined(table: Table, level: number, text: (column: number) => string): Heading[] {
  const innermost = level === Math.max(1, table.column_axes.length) - 1;
  const headings: (Heading & { key: string })[] = [];
  for (const [column, labels] of table.columns.entries()) {
    const key = JSON.stringify(labels.slice(0, level + 1));
    const before = headings.at(-1);
    if (!innermost && before?.key === key) before.span++;
    else headings.push({ key, text: text(column), span: 1 });
  }
  return headings.map(({ text, span }) => ({ text, span }));
}
