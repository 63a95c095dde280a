// A table as text for a terminal: numbers right-aligned, the paper's in brackets, broken into blocks that fit.
import { legend, oursText, paperText } from './entry-text.ts';
import { type Paint, plainPaint } from './paint.ts';
import type { Table } from './table.ts';
import { cutText, padLeft, padRight, textWidth, wrapText } from './text-width.ts';

const columnGap = '   ';
const labelGap = '  ';

export interface TextOptions {
  /** Terminal columns; without it lines are as long as they need to be. */
  width?: number | undefined;
  paint?: Paint | undefined;
}

interface TextColumn {
  headings: readonly string[];
  ours: readonly string[];
  papers: readonly string[];
  oursWidth: number;
  papersWidth: number;
  width: number;
}

/** The table, its legend and its notes; lines end without spaces, the text ends with a line end. */
export function renderText(table: Table, options: TextOptions = {}): string {
  const width = options.width ?? Number.POSITIVE_INFINITY;
  const paint = options.paint ?? plainPaint;
  const labels = rowLabels(table, width);
  const labelWidth = Math.max(0, ...labels.map(textWidth));
  const blocks = fitBlocks(textColumns(table), width - labelWidth - columnGap.length);
  const parts = blocks.map((block) => renderBlock(block, labels, labelWidth, table.column_axes.length, paint));
  const remarks = [...legend(table), ...table.notes].flatMap((line) => wrapText(line, width, labelGap));
  return `${[...parts, remarks.map((line) => paint.faint(line)).join('\n')].join('\n\n')}\n`;
}

function rowLabels(table: Table, width: number): string[] {
  const widths = table.row_axes.map((_, i) => Math.max(0, ...table.rows.map((row) => textWidth(row.labels[i] ?? ''))));
  const lines = table.rows.map((row) => row.labels.map((label, i) => padRight(label, widths[i] ?? 0)).join(labelGap));
  return lines.map((line) => cutText(line.trimEnd(), Math.max(8, Math.floor(width / 2))));
}

function textColumns(table: Table): TextColumn[] {
  return table.columns.map((headings, i) => {
    const entries = table.rows.map((row) => row.entries[i] ?? null);
    const ours = entries.map(oursText);
    const papers = entries.map((entry) => paperText(entry, table));
    const oursWidth = Math.max(0, ...ours.map(textWidth));
    const papersWidth = Math.max(0, ...papers.map(textWidth));
    const numbers = oursWidth + (papersWidth === 0 ? 0 : papersWidth + 1);
    return { headings, ours, papers, oursWidth, papersWidth, width: Math.max(numbers, ...headings.map(textWidth)) };
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
  labels: readonly string[],
  labelWidth: number,
  headingCount: number,
  paint: Paint,
): string {
  const lines: string[] = [];
  for (let i = 0; i < headingCount; i++) {
    const headings = columns.map((column) => padLeft(column.headings[i] ?? '', column.width));
    lines.push(paint.strong([' '.repeat(labelWidth), ...headings].join(columnGap).trimEnd()));
  }
  labels.forEach((label, i) => {
    const places = columns.map((column) => placeText(column, i, paint));
    lines.push([padRight(label, labelWidth), ...places].join(columnGap).trimEnd());
  });
  return lines.join('\n');
}

function placeText(column: TextColumn, row: number, paint: Paint): string {
  const ours = padLeft(column.ours[row] ?? '', column.oursWidth);
  if (column.papersWidth === 0) return padLeft(ours, column.width);
  const paper = padLeft(column.papers[row] ?? '', column.papersWidth);
  const indent = ' '.repeat(column.width - column.oursWidth - column.papersWidth - 1);
  return `${indent}${ours} ${paper.trim() === '' ? paper : paint.faint(paper)}`;
}
