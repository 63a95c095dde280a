// A table as text for a terminal: numbers right-aligned, the paper's in brackets, broken into blocks that fit.
import { isBare } from '../numbers/label.ts';
import { type Paint, plainPaint } from '../numbers/paint.ts';
import { cutText, padLeft, padRight, textWidth, wrapText } from '../numbers/text-width.ts';
import { legend, oursText, paperText } from './entry-text.ts';
import { superscript } from './note-marks.ts';
import type { Table } from './table.ts';

const columnGap = '   ';
const labelGap = '  ';
const bestMark = '★';

export interface TextOptions {
  /** Terminal columns; without it lines are as long as they need to be. */
  width?: number | undefined;
  paint?: Paint | undefined;
}

interface TextColumn {
  headings: readonly string[];
  ours: readonly string[];
  /** Marks of notes, behind our numbers. */
  marks: readonly string[];
  papers: readonly string[];
  oursWidth: number;
  marksWidth: number;
  papersWidth: number;
  width: number;
}

/** The table, its legend and its notes; lines end without spaces, the text ends with a line end. */
export function renderText(table: Table, options: TextOptions = {}): string {
  const width = options.width ?? Number.POSITIVE_INFINITY;
  const paint = options.paint ?? plainPaint;
  const [heading = '', ...labels] = rowLabels(table, width);
  const names = columnNames(table);
  const labelWidth = Math.max(0, ...[heading, ...labels, ...names].map(textWidth));
  const blocks = fitBlocks(textColumns(table), width - labelWidth - columnGap.length);
  const parts = blocks.map((block) =>
    renderBlock(block, [padRight(heading, labelWidth), ...labels], labelWidth, names, paint),
  );
  const marked = table.marked_notes.map(({ mark, note }) => `${superscript(mark)} ${note}`);
  const remarks = [...legend(table, bestMark), ...marked, ...table.notes].flatMap((line) =>
    wrapText(line, width, labelGap),
  );
  return `${[...parts, remarks.map((line) => paint.faint(line)).join('\n')].join('\n\n')}\n`;
}

/** The heading of the labels, blank where these say by themselves what they are, and each row's labels; numbers beside are right-aligned. */
function rowLabels(table: Table, width: number): string[] {
  const first = table.row_axes.length - table.beside;
  const headings = table.row_axes.map((axis, i) =>
    i < first && !table.rows.some((row) => isBare(row.labels[i] ?? '')) ? '' : axis,
  );
  const lines = [headings, ...table.rows.map((row) => row.labels)];
  const widths = table.row_axes.map((_, i) => Math.max(0, ...lines.map((labels) => textWidth(labels[i] ?? ''))));
  const padded = lines.map((labels) =>
    labels.map((label, i) => (i < first ? padRight : padLeft)(label, widths[i] ?? 0)).join(labelGap),
  );
  return padded.map((line) => cutText(line.trimEnd(), Math.max(8, Math.floor(width / 2))));
}

/** For each line of headings the name of its axis, where some are bare numbers: a 32 does not say of what. */
function columnNames(table: Table): string[] {
  return table.column_axes.map((axis, i) => (table.columns.some((labels) => isBare(labels[i] ?? '')) ? axis : ''));
}

function textColumns(table: Table): TextColumn[] {
  return table.columns.map((headings, i) => {
    const entries = table.rows.map((row) => row.entries[i] ?? null);
    const ours = entries.map((entry) => `${entry?.best ? `${bestMark} ` : ''}${oursText(entry)}`);
    const marks = entries.map((entry) => superscript((entry?.marks ?? []).join('')));
    const papers = entries.map((entry) => paperText(entry, table));
    const oursWidth = Math.max(0, ...ours.map(textWidth));
    const marksWidth = Math.max(0, ...marks.map(textWidth));
    const papersWidth = Math.max(0, ...papers.map(textWidth));
    const numbers = oursWidth + marksWidth + (papersWidth === 0 ? 0 : papersWidth + 1);
    const width = Math.max(numbers, ...headings.map(textWidth));
    return { headings, ours, marks, papers, oursWidth, marksWidth, papersWidth, width };
  });
}

/** Splits the columns into groups that fit beside the labels; a column that fits nowhere stands alone. */
function fitBlocks(columns: readonly TextColumn[], room: number): TextColumn[][] {
  const blocks: TextColumn[][] = [];
  let used = Number.POSITIVE_INFINITY;
  for (const column of columns) {
    used += columnGap.length + column.width;
    const block = blocks.at(-1);
    if (block === undefined || used > room) {
      blocks.push([column]);
      used = column.width;
    } else block.push(column);
  }
  return blocks;
}

function renderBlock(
  columns: readonly TextColumn[],
  [heading = '', ...labels]: readonly string[],
  labelWidth: number,
  names: readonly string[],
  paint: Paint,
): string {
  const lines = names.flatMap((name, i) => {
    const headings = columns.map((column) => padLeft(column.headings[i] ?? '', column.width));
    const isFree = i < names.length - 1 || heading.trim() === '';
    const above = isFree || name === '' ? [] : [`${' '.repeat(labelWidth)}${columnGap}${name}`];
    const line = [isFree ? padRight(name, labelWidth) : heading, ...headings].join(columnGap).trimEnd();
    return [...above, line].map(paint.strong);
  });
  labels.forEach((label, i) => {
    const places = columns.map((column) => placeText(column, i, paint));
    lines.push([padRight(label, labelWidth), ...places].join(columnGap).trimEnd());
  });
  return lines.join('\n');
}

function placeText(column: TextColumn, row: number, paint: Paint): string {
  const ours = padLeft(column.ours[row] ?? '', column.oursWidth) + padRight(column.marks[row] ?? '', column.marksWidth);
  if (column.papersWidth === 0) return padLeft(ours, column.width);
  const paper = padLeft(column.papers[row] ?? '', column.papersWidth);
  const indent = ' '.repeat(column.width - column.oursWidth - column.marksWidth - column.papersWidth - 1);
  return `${indent}${ours} ${paper.trim() === '' ? paper : paint.faint(paper)}`;
}
