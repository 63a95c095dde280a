// Lines of aligned columns, for lists on a terminal.
import { padLeft, padRight, textWidth, wrapText } from '../../report/numbers/text-width.ts';

/** `rows` as lines, each column padded to its widest text and two spaces apart; the last one is wrapped to `width`. */
export function alignColumns(
  rows: readonly (readonly string[])[],
  indent = '',
  width = Number.POSITIVE_INFINITY,
): string[] {
  const count = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: count }, (_, i) => Math.max(0, ...rows.map((row) => textWidth(row[i] ?? ''))));
  const before = indent.length + widths.slice(0, -1).reduce((sum, each) => sum + each + 2, 0);
  // a last column of less than 20 columns would be a ribbon
  const room = width - before < 20 ? Number.POSITIVE_INFINITY : width - before;
  return rows.flatMap((row) => {
    const head = row.slice(0, count - 1).map((text, i) => `${padRight(text, widths[i] ?? 0)}  `);
    const [first = '', ...rest] = wrapText(row[count - 1] ?? '', room);
    return [(indent + head.join('') + first).trimEnd(), ...rest.map((line) => ' '.repeat(before) + line)];
  });
}

/** `rows` as lines, the first column padded on the right and all others on the left, as numbers are. */
export function alignNumbers(rows: readonly (readonly string[])[], indent = ''): string[] {
  const count = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: count }, (_, i) => Math.max(0, ...rows.map((row) => textWidth(row[i] ?? ''))));
  return rows.map((row) => {
    const cells = widths.map((width, i) => (i === 0 ? padRight : padLeft)(row[i] ?? '', width));
    return (indent + cells.join('  ')).trimEnd();
  });
}
