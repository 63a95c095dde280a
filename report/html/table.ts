// The table of a result as HTML: ours beside the paper's, the best of each column marked, every number linked to its making.
import { formatHalfWidth, formatNumber, formatPaper } from '../numbers/number.ts';
import { textWidth } from '../numbers/text-width.ts';
import { gap, legend } from '../table/entry-text.ts';
import type { Table, TableEntry, TableRow } from '../table/table.ts';
import { html, type Markup, nothing } from './markup.ts';

/** The anchor under which the making of an entry is told. */
export function numberAnchor(row: number, column: number): string {
  return `number-${row + 1}-${column + 1}`;
}

/** The table with its caption, legend and the notes on numbers. */
export function tableHtml(table: Table): Markup {
  const best = bestRows(table);
  const rows = table.rows.map((row, i) => rowHtml(row, i, table, best));
  const [first = '', ...others] = legend(table);
  const [caption = '', ...brackets] = first.split(' · ');
  const star = best.some((rows) => rows.size > 0) ? ['★ the best of our numbers in a column'] : [];
  const remarks = [...brackets, ...others, ...star].map((line) => html`<p class="faint small">${line}</p>`);
  const notes = table.marked_notes.map(
    ({ mark, note }) => html`<p class="small" id="note-${mark}"><sup>${mark}</sup> ${note}</p>`,
  );
  return html`<div class="wide" tabindex="0" role="region" aria-label="table of results">
<table><caption>${caption}</caption>
<thead>${headings(table)}</thead>
<tbody>${rows}</tbody></table></div>
${remarks}
${notes}`;
}

/** For each column the rows with the best of our numbers; none where all numbers are the same, or there is one. */
function bestRows(table: Table): ReadonlySet<number>[] {
  return table.columns.map((_, column) => {
    if (table.better === 'neither') return new Set();
    const values = table.rows.map((row) => row.entries[column]?.value ?? null);
    const measured = values.filter((value) => value !== null);
    if (new Set(measured).size < 2) return new Set();
    const best = table.better === 'lower' ? Math.min(...measured) : Math.max(...measured);
    return new Set([...values.keys()].filter((row) => values[row] === best));
  });
}

/** One row of headings for each column axis; neighbours with the same outer headings share one. */
function headings(table: Table): Markup[] {
  const depth = Math.max(1, table.column_axes.length);
  return Array.from({ length: depth }, (_, level) => {
    const last = level === depth - 1;
    const axes = table.row_axes.map((axis) => (last ? html`<th scope="col">${axis}</th>` : html`<td></td>`));
    return html`<tr>${axes}${headingSpans(table, level).map(({ text, span }) => headingHtml(text, span, last))}</tr>`;
  });
}

function headingHtml(text: string, span: number, last: boolean): Markup {
  if (last) return html`<th scope="col" class="num">${text}</th>`;
  return html`<th scope="colgroup" class="over" colspan="${span}">${text}</th>`;
}

function headingSpans(table: Table, level: number): { text: string; span: number }[] {
  const last = level === Math.max(1, table.column_axes.length) - 1;
  const spans: { key: string; text: string; span: number }[] = [];
  for (const column of table.columns) {
    const key = JSON.stringify(column.slice(0, level + 1));
    const before = spans.at(-1);
    if (!last && before?.key === key) before.span++;
    else spans.push({ key, text: column[level] ?? table.metric, span: 1 });
  }
  return spans;
}

function rowHtml(row: TableRow, index: number, table: Table, best: readonly ReadonlySet<number>[]): Markup {
  const above = table.rows[index - 1];
  const labels = row.labels.map((label, i) => {
    const again = above !== undefined && row.labels.slice(0, i + 1).every((each, j) => each === above.labels[j]);
    const classes = [again ? 'again' : '', textWidth(label) > 36 ? 'long' : ''].filter((name) => name !== '').join(' ');
    return html`<th scope="row"${classes === '' ? nothing : html` class="${classes}"`}>${label}</th>`;
  });
  const entries = row.entries.map((entry, column) => {
    if (entry === null) return html`<td></td>`;
    const isBest = best[column]?.has(index) ?? false;
    return html`<td class="num${isBest ? ' best' : ''}">${entryHtml(entry, table, numberAnchor(index, column), isBest)}</td>`;
  });
  return html`<tr>${labels}${entries}</tr>`;
}

function entryHtml(entry: TableEntry, table: Table, anchor: string, isBest: boolean): Markup {
  const text = entry.value === null ? gap : formatNumber(entry.value);
  const spread =
    entry.half_width === null ? nothing : html`<span class="pm"> ± ${formatHalfWidth(entry.half_width, text)}</span>`;
  const fewer = entry.value !== null && entry.measured < entry.planned ? html` *` : nothing;
  const marks = entry.marks.map((mark) => html`<a href="#note-${mark}" aria-label="note ${mark}">${mark}</a>`);
  const notes = marks.length === 0 ? nothing : html`<sup>${marks}</sup>`;
  const paper =
    entry.paper === null
      ? nothing
      : html` <span class="paper"><span class="hidden">the paper: </span>(${formatPaper(entry.paper, table.paper_decimals)})</span>`;
  const said = isBest ? html`<span class="hidden"> best of the column</span>` : nothing;
  return html`<a href="#${anchor}">${text}</a>${spread}${fewer}${said}${notes}${paper}`;
}
