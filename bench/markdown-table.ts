// A table in Markdown that also reads well as plain text: padded columns, numbers to the right.

/** A Markdown table; the first `left` columns are aligned to the left, the others to the right. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[], left = 1): string {
  const widths = head.map((_, i) => Math.max(3, ...[head, ...rows].map((row) => (row[i] ?? '').length)));
  const pad = (row: readonly string[]) =>
    `| ${widths.map((width, i) => (i < left ? (row[i] ?? '').padEnd(width) : (row[i] ?? '').padStart(width))).join(' | ')} |`;
  const rule = `|${widths.map((width, i) => (i < left ? `${'-'.repeat(width + 2)}` : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [pad(head), rule, ...rows.map(pad)].join('\n');
}
