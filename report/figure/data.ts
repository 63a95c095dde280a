// The points of a figure: its cells by place, averaged over repeated runs.
import type { PlanAxis, PlanFigure } from '../../contract/plan.ts';
import type { CellResult, RunResult } from '../../contract/result.ts';
import { namedLabel } from '../numbers/label.ts';
import { estimate } from '../numbers/statistics.ts';

/** A value of an axis, as a figure names it. */
export interface FigureTick {
  name: string;
  label: string;
}

export interface FigurePoint {
  /** Indexes into the ticks along the bottom and upwards (0 without a second axis), and into the series. */
  x: number;
  y: number;
  series: number;
  /** Null when no run of this place has a number. */
  value: number | null;
  /** Half the 95 % interval of a mean over runs. */
  half_width: number | null;
  paper: number | null;
}

export interface FigureSeries {
  /** The label of its value on each series axis. */
  labels: readonly string[];
  /** Place of its value on the first series axis, and of the rest of its values among all such rests. */
  first: number;
  rest: number;
}

export interface FigureData {
  xs: readonly FigureTick[];
  ys: readonly FigureTick[];
  series: readonly FigureSeries[];
  points: readonly FigurePoint[];
}

/** The points of `figure` in `result`; ticks and series are those that occur, in the order of the axes' values. */
export function figureData(result: RunResult, figure: PlanFigure): FigureData {
  const cells = result.cells.filter((cell) => isDrawn(cell, figure));
  const axis = (name: string) => result.axes.find((each) => each.name === name) ?? { name, label: name, values: [] };
  const xs = ticksOf(cells, axis(figure.x));
  const ys = figure.y === undefined ? [] : ticksOf(cells, axis(figure.y));
  const seriesAxes = figure.series.map(axis);
  const groups = groupBy(cells, (cell) => seriesAxes.map(({ name }) => cell.axes[name] ?? ''));
  const orders = [...groups.values()].map((group) => seriesAxes.map((each) => orderOf(group[0] as CellResult, each)));
  const sorted = [...groups.values()].map((group, i) => ({ group, order: orders[i] as number[] }));
  sorted.sort((a, b) => compareOrders(a.order, b.order));
  const firsts = [...new Set(sorted.map(({ order }) => order[0] ?? 0))];
  const rests = [...new Set(sorted.map(({ order }) => order.slice(1).join()))];
  const points = sorted.flatMap(({ group }, series) => {
    const places = groupBy(group, (cell) => [cell.axes[figure.x] ?? '', cell.axes[figure.y ?? ''] ?? '']);
    return [...places.values()].map((place) => pointOf(place, series, figure, xs, ys));
  });
  points.sort((a, b) => a.series - b.series || a.x - b.x || a.y - b.y);
  return {
    xs,
    ys,
    series: sorted.map(({ order }) => ({
      labels: order.map((at, i) => namedLabel(seriesAxes[i]?.label ?? '', seriesAxes[i]?.values[at]?.label ?? '')),
      first: firsts.indexOf(order[0] ?? 0),
      rest: rests.indexOf(order.slice(1).join()),
    })),
    points,
  };
}

function isDrawn(cell: CellResult, { where }: PlanFigure): boolean {
  return Object.entries(where).every(([axis, values]) => values.includes(cell.axes[axis] ?? ''));
}

function ticksOf(cells: readonly CellResult[], axis: PlanAxis): FigureTick[] {
  const occurring = new Set(cells.map((cell) => cell.axes[axis.name]));
  return axis.values.filter(({ name }) => occurring.has(name));
}

function groupBy(
  cells: readonly CellResult[],
  key: (cell: CellResult) => readonly string[],
): Map<string, CellResult[]> {
  const groups = new Map<string, CellResult[]>();
  for (const cell of cells) {
    const name = JSON.stringify(key(cell));
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [cell]);
    else group.push(cell);
  }
  return groups;
}

function orderOf(cell: CellResult, axis: PlanAxis): number {
  return axis.values.findIndex(({ name }) => name === cell.axes[axis.name]);
}

function compareOrders(a: readonly number[], b: readonly number[]): number {
  const i = a.findIndex((value, index) => value !== b[index]);
  return i < 0 ? 0 : (a[i] as number) - (b[i] as number);
}

function pointOf(
  cells: readonly CellResult[],
  series: number,
  figure: PlanFigure,
  xs: readonly FigureTick[],
  ys: readonly FigureTick[],
): FigurePoint {
  const [first] = cells as [CellResult];
  const at = (ticks: readonly FigureTick[], axis: string) => ticks.findIndex(({ name }) => name === first.axes[axis]);
  const values = cells.map((cell) => cell.value).filter((value) => value !== null);
  const { mean, half_width } = values.length > 0 ? estimate(values) : { mean: null, half_width: null };
  const paper = cells.find((cell) => cell.paper !== null)?.paper ?? null;
  const y = figure.y === undefined ? 0 : at(ys, figure.y);
  return { x: at(xs, figure.x), y, series, value: mean, half_width, paper };
}
