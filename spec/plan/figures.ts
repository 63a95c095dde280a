// The figures of an experiment: which axes lie along the bottom, which become lines, and which cells are drawn.
import type { PlanFigure, PlanTable } from '../../contract/plan.ts';
import type { Problems } from '../../located/diagnostic.ts';
import type { Span } from '../../located/located.ts';
import { find, keySpan, valueSpan } from '../../located/located.ts';
import type { ExperimentFigure } from '../../schemas/experiment.ts';
import type { Axis } from '../experiment/axes.ts';
import { axisIndex } from '../experiment/axes.ts';
import { seedName } from '../experiment/bindings.ts';
import type { Choice } from '../experiment/evaluator.ts';
import { projection } from '../experiment/evaluator.ts';
import type { Experiment } from '../experiment/experiment.ts';
import type { Selection } from '../experiment/selector.ts';
import { matches, readSelection, whereOf } from '../experiment/selector.ts';

/** The name of the picture of the stages, which lies beside the figures. */
export const stagesFigure = 'stages';

/** What figures are read from: the experiment, its axes (those that --set adds become series) and its cells. */
export interface FigureParts {
  experiment: Experiment;
  axes: readonly Axis[];
  added: ReadonlySet<string>;
  choices: readonly Choice[];
  table: PlanTable;
}

/** The figures; what is wrong with them is reported, and those that are wrong are left out. */
export function readFigures(parts: FigureParts, problems: Problems): PlanFigure[] {
  const seen = new Set([stagesFigure]);
  return (parts.experiment.data.figures ?? []).flatMap((data, i) => {
    const before = problems.count;
    const figure = new FigureReader(parts, i, problems).read(data, seen);
    return problems.count === before ? [figure] : [];
  });
}

class FigureReader {
  readonly #parts: FigureParts;
  readonly #path: readonly string[];
  readonly #where: string;
  readonly #problems: Problems;

  constructor(parts: FigureParts, index: number, problems: Problems) {
    this.#parts = parts;
    this.#path = ['figures', String(index)];
    this.#where = `figure ${index + 1}: `;
    this.#problems = problems;
  }

  read(data: ExperimentFigure, seen: Set<string>): PlanFigure {
    const { axes, table, added } = this.#parts;
    if (seen.has(data.name)) this.#report(['name'], `there is a '${data.name}' already, choose another name`);
    seen.add(data.name);
    const before = this.#problems.count;
    this.#checkHeight(data);
    const named = [data.x, ...(data.y === undefined ? [] : [data.y]), ...(data.series ?? [])];
    const indexes = this.#axisIndexes(data);
    const selection = this.#selection();
    const series = [...(data.series ?? []), ...[...added].filter((name) => !named.includes(name) && name !== seedName)];
    const placed = [...indexes, ...axes.flatMap((axis, i) => (series.includes(axis.name) ? [i] : []))];
    if (selection !== undefined && this.#problems.count === before) this.#checkPlaces(placed, selection);
    const label = (name: string) => axes.find((axis) => axis.name === name)?.label ?? name;
    return {
      name: data.name,
      title: data.title ?? data.name,
      kind: data.kind,
      x: data.x,
      ...(data.y === undefined ? {} : { y: data.y }),
      series,
      where: selection === undefined ? {} : whereOf(selection, axes),
      scale: data.scale ?? 'linear',
      x_label: data.x_label ?? label(data.x),
      y_label: data.y_label ?? (data.y === undefined ? table.metric : label(data.y)),
      caption: data.caption ?? '',
    };
  }

  /** A heat map has a second axis, other kinds have the numbers there. */
  #checkHeight(data: ExperimentFigure): void {
    if (data.kind === 'heatmap' && data.y === undefined) this.#report(['kind'], "a heat map needs the axis 'y'");
    if (data.kind !== 'heatmap' && data.y !== undefined)
      this.#report(['y'], `'y' goes with a heat map, not with '${data.kind}'`);
  }

  /** The indexes of the axes that the figure names, -1 for an unknown one; an axis named twice is reported. */
  #axisIndexes({ x, y, series }: ExperimentFigure): number[] {
    const places: [path: string[], name: string][] = [[['x'], x]];
    if (y !== undefined) places.push([['y'], y]);
    for (const [i, name] of (series ?? []).entries()) places.push([['series', String(i)], name]);
    const found = new Set<number>();
    return places.map(([path, name]) => {
      const index = axisIndex(this.#parts.axes, name, this.#span(path), this.#where, this.#problems);
      if (found.has(index) && index >= 0) this.#report(path, `axis '${name}' already has a place in it`);
      found.add(index);
      return index;
    });
  }

  #selection(): Selection | undefined {
    const tree = find(this.#parts.experiment.tree, [...this.#path, 'where']);
    return readSelection(tree, this.#parts.axes, this.#where, this.#problems);
  }

  /** Two cells must not fall on one point unless they are averaged. */
  #checkPlaces(placed: readonly number[], selection: Selection): void {
    const { axes, choices, table, experiment } = this.#parts;
    const drawn = choices.filter((choice) => matches(selection, choice));
    if (drawn.length === 0 && choices.length > 0) this.#report(['where'], 'no cell has these axis values');
    const open = [...axes.keys()].filter((i) => !placed.includes(i) && !table.mean_over.includes(axes[i]?.name ?? ''));
    const first = new Map<string, Choice>();
    const varying = new Set<number>();
    for (const choice of drawn) {
      const key = projection(placed, choice);
      const other = first.get(key);
      if (other === undefined) first.set(key, choice);
      else for (const i of open) if (other[i] !== choice[i]) varying.add(i);
    }
    for (const i of varying) {
      const way = "name it in 'series', or fix it with 'where'";
      const span = keySpan(experiment.tree, [...this.#path, 'name']);
      this.#problems.add(span, `${this.#where}several cells fall on one point: axis '${axes[i]?.name}' varies: ${way}`);
    }
  }

  #span(path: readonly string[]): Span {
    return valueSpan(this.#parts.experiment.tree, [...this.#path, ...path]);
  }

  #report(path: readonly string[], message: string): void {
    this.#problems.add(this.#span(path), `${this.#where}${message}`);
  }
}
