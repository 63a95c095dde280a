// The table of a result as HTML: ours beside the paper's, the best of each column marked, every number linked to its making.
import { formatHalfWidth, formatNumber, formatPaper } from '../numbers/number.ts';
import { textWidth } from '../numbers/text-width.ts';
import { gap, legend } from '../table/entry-text.ts';
import { headingLines } from '../table/headings.ts';
import type { Table, TableEntry, TableRow } from '../table/table.ts';
import { html, type Markup, nothing } from './markup.ts';

/** The anchor under which the making of an entry is told. */
export function numberAnchor(row: number, column: number): string {
  return `number-${row + 1}-${column + 1}`;
}

/** Where a number leads: to what is told of its making. */
type NumberLink = (row: number, column: number) => string;

/** The table with its caption, legend and the notes on numbers. */
export function tableHtml(table: Table, link: NumberLink = (row, column) => `#${numberAnchor(row, column)}`): Markup {
  const rows = table.rows.map((row, i) => rowHtml(row, i, table, link));
  const [first = '', ...others] = legend(table, '★');
  const [caption = '', ...brackets] = first.split(' · ');
  const remarks = [...brackets, ...others].map((line) => html`<p class="faint small">${line}</p>`);
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

/** The lines of headings; the labels of the rows stand beside the last. */
function headings(table: Table): Markup[] {
  return headingLines(table).map((line, i, { length }) => {
    const last = i === length - 1;
    const axes = table.row_axes.map((axis) => (last ? html`<th scope="col">${axis}</th>` : html`<td></td>`));
    return html`<tr>${axes}${line.map(({ text, span }) => headingHtml(text, span, last))}</tr>`;
  });
}

function headingHtml(text: string, span: number, last: boolean): Markup {
  if (last) return html`<th scope="col" class="num">${text}</th>`;
  return html`<th scope="colgroup" class="over" colspan="${span}">${text}</th>`;
}

function rowHtml(row: TableRow, index: number, table: Table, link: NumberLink): Markup {
  const above = table.rows[index - 1];
  const labels = row.labels.map((label, i) => {
    const again = above !== undefined && row.labels.slice(0, i + 1).every((each, j) => each === above.labels[j]);
    const classes = [again ? 'again' : '', textWidth(label) > 36 ? 'long' : ''].filter((name) => name !== '').join(' ');
    return html`<th scope="row"${classes === '' ? nothing : html` class="${classes}"`}>${label}</th>`;
  });
  const entries = row.entries.map((entry, column) => {
    if (entry === null) return html`<td></td>`;
    return html`<td class="num${entry.best ? ' best' : ''}">${entryHtml(entry, table, link(index, column))}</td>`;
  });
  return html`<tr>${labels}${entries}</tr>`;
}

function entryHtml(entry: TableEntry, table: Table, link: string): Markup {
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
  const said = entry.best ? html`<span class="hidden"> best of the column</span>` : nothing;
  return html`<a href="${link}">${text}</a>${spread}${fewer}${said}${notes}${paper}`;
}
