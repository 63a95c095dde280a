// Arranges the cells of a result as a table: which rows and columns there are, and what stands in each place.
import type { Better, PlanAxis } from '../../contract/plan.ts';
import type { CellResult, RunResult } from '../../contract/result.ts';
import { formatNumber, publishedDecimals } from '../numbers/number.ts';
import { estimate } from '../numbers/statistics.ts';
import { bestRows } from './best.ts';
import { type MarkedNote, markNotes } from './note-marks.ts';

export interface Table {
  title: string;
  /** Labels of the axes that make the rows and the columns; after those of the rows, the headings of the columns beside. */
  row_axes: readonly string[];
  /** How many of the row labels are numbers that stand beside the table's own. */
  beside: number;
  column_axes: readonly string[];
  rows: readonly TableRow[];
  /** The labels of each column, one per column axis. */
  columns: readonly (readonly string[])[];
  metric: string;
  better: Better;
  /** Where the numbers in brackets come from; empty when there are none. */
  paper: string;
  paper_decimals: number;
  /** True when the numbers are means with intervals. */
  averaged: boolean;
  notes: readonly string[];
  /** Notes on some of the numbers, by the mark that stands at them, in the order of their marks. */
  marked_notes: readonly { mark: string; note: string }[];
}

export interface TableRow {
  labels: readonly string[];
  /** One per column; null where the experiment has no cell. */
  entries: readonly (TableEntry | null)[];
}

export interface TableEntry {
  /** Null when no cell of this place has a value. */
  value: number | null;
  /** Half the 95 % interval of a mean over runs. */
  half_width: number | null;
  /** True where no other of its column is better, or as good within the noise. */
  best: boolean;
  /** How many cells have a value, of how many planned: a mean over less than planned is marked. */
  measured: number;
  planned: number;
  paper: number | null;
  /** The marks of the notes on this number. */
  marks: readonly string[];
  /** Indexes of the cells that it was taken from. */
  cells: readonly number[];
}

/** The table of a run; axes that are placed nowhere but differ between cells become further row labels. */
export function buildTable(result: RunResult): Table {
  const { rows: rowNames, columns: columnNames, mean_over } = result.table;
  const free = result.axes.filter(({ name }) => ![...rowNames, ...columnNames, ...mean_over].includes(name));
  const varying = free.filter(({ name }) => new Set(result.cells.map((cell) => cell.axes[name])).size > 1);
  const rowAxes = pickAxes(result, [...rowNames, ...varying.map(({ name }) => name)]);
  const columnAxes = pickAxes(result, columnNames);
  const rows = distinctPlaces(result.cells, rowAxes);
  const columns = distinctPlaces(result.cells, columnAxes);
  const places = groupCells(result.cells, rowAxes, columnAxes);
  const notes = markNotes(result);
  const papers = result.cells.map((cell) => cell.paper).filter((paper) => paper !== null);
  return {
    title: result.title,
    row_axes: [...rowAxes.map((axis) => axis.label), ...result.table.beside.map(({ label }) => label)],
    beside: result.table.beside.length,
    column_axes: columnAxes.map((axis) => axis.label),
    rows: markBest(
      result,
      columns.length,
      rows.map((row) => ({
        labels: [...row.labels, ...besideLabels(result, rowAxes, row)],
        entries: columns.map((column) =>
          entryOf(result, places.get(placeKey([...row.values, ...column.values])) ?? [], notes),
        ),
      })),
    ),
    columns: columns.map((column) => column.labels),
    metric: result.table.metric,
    better: result.table.better,
    paper: papers.length > 0 ? result.table.paper || 'the paper' : '',
    paper_decimals: publishedDecimals(papers),
    averaged: pickAxes(result, mean_over).some((axis) => axis.values.length > 1),
    notes: result.notes,
    marked_notes: notes.map(({ mark, note }) => ({ mark, note })),
  };
}

/** The rows with the best of each column marked. */
function markBest(result: RunResult, columns: number, rows: readonly TableRow[]): TableRow[] {
  const best = Array.from({ length: columns }, (_, at) =>
    bestRows(
      rows.map(({ entries }) => entries[at] ?? null),
      result,
    ),
  );
  return rows.map(({ labels, entries }, row) => ({
    labels,
    entries: entries.map((entry, at) => (entry === null ? null : { ...entry, best: best[at]?.has(row) ?? false })),
  }));
}

/** The numbers of the columns beside, as text; those of a row that is no one method's differ, and stand as a range. */
function besideLabels({ table, cells }: RunResult, rowAxes: readonly PlanAxis[], row: Place): string[] {
  if (table.beside.length === 0) return [];
  const own = cells.filter((cell) => rowAxes.every((axis, i) => cell.axes[axis.name] === row.values[i]));
  return table.beside.map(({ name, format }) => {
    const numbers = own.flatMap((cell) => cell.beside[name] ?? []);
    const texts = [Math.min(...numbers), Math.max(...numbers)].map((value) =>
      format === 'percent' ? `${Math.round(100 * value)} %` : formatNumber(value),
    );
    return numbers.length === 0 ? '' : [...new Set(texts)].join(' - ');
  });
}

function pickAxes(result: RunResult, names: readonly string[]): PlanAxis[] {
  return names.flatMap((name) => result.axes.filter((axis) => axis.name === name));
}

interface Place {
  values: readonly string[];
  labels: readonly string[];
}

/** The combinations of `axes` that occur, in the order of the axes' values. */
function distinctPlaces(cells: readonly CellResult[], axes: readonly PlanAxis[]): Place[] {
  const found = new Map<string, number[]>();
  for (const cell of cells) {
    const order = axes.map((axis) => axis.values.findIndex(({ name }) => name === cell.axes[axis.name]));
    found.set(order.join(','), order);
  }
  const sorted = [...found.values()].sort(compareOrders);
  return sorted.map((order) => ({
    values: order.map((index, i) => axes[i]?.values[index]?.name ?? ''),
    labels: order.map((index, i) => axes[i]?.values[index]?.label ?? ''),
  }));
}

function compareOrders(a: readonly number[], b: readonly number[]): number {
  const i = a.findIndex((value, index) => value !== b[index]);
  return i < 0 ? 0 : (a[i] as number) - (b[i] as number);
}

/** The indexes of the cells at each place. */
function groupCells(cells: readonly CellResult[], ...groups: (readonly PlanAxis[])[]): Map<string, number[]> {
  const axes = groups.flat();
  const places = new Map<string, number[]>();
  for (const [i, cell] of cells.entries()) {
    const key = placeKey(axes.map((axis) => cell.axes[axis.name] ?? ''));
    const place = places.get(key);
    if (place === undefined) places.set(key, [i]);
    else place.push(i);
  }
  return places;
}

function placeKey(values: readonly string[]): string {
  return JSON.stringify(values);
}

function entryOf(result: RunResult, indexes: readonly number[], notes: readonly MarkedNote[]): TableEntry | null {
  if (indexes.length === 0) return null;
  const cells = indexes.map((i) => result.cells[i] as CellResult);
  const values = cells.map((cell) => cell.value).filter((value) => value !== null);
  const { mean, half_width } = values.length > 0 ? estimate(values) : { mean: null, half_width: null };
  const paper = cells.find((cell) => cell.paper !== null)?.paper ?? null;
  const marks = notes.filter((note) => indexes.some((i) => note.cells.has(i))).map((note) => note.mark);
  return {
    value: mean,
    half_width,
    best: false,
    measured: values.length,
    planned: cells.length,
    paper,
    marks,
    cells: indexes,
  };
}
