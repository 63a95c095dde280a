// Picks the cells that a claim speaks of, and takes one number from them.
import type { PlanAxis, Selector } from '../../contract/plan.ts';
import type { CellResult } from '../../contract/result.ts';
import { namedLabel } from '../numbers/label.ts';
import { estimate } from '../numbers/statistics.ts';

/** What a selector found: ours and the paper's number; null where some cell has none. */
export interface Selected {
  label: string;
  value: number | null;
  half_width: number | null;
  paper: number | null;
  /** The cells that the number was taken from. */
  cells: readonly CellResult[];
}

/** The cells in which all values of `selector` hold. */
export function selectCells(cells: readonly CellResult[], selector: Selector): CellResult[] {
  return cells.filter((cell) => Object.entries(selector).every(([axis, value]) => cell.axes[axis] === value));
}

/** The mean over the selected cells; null as soon as one of them has no value, because the mean would be another's. */
export function summarize(cells: readonly CellResult[], label: string): Selected {
  const values = cells.map((cell) => cell.value).filter((value) => value !== null);
  const paper = cells.find((cell) => cell.paper !== null)?.paper ?? null;
  if (values.length < cells.length || cells.length === 0) return { label, value: null, half_width: null, paper, cells };
  const { mean, half_width } = estimate(values);
  return { label, value: mean, half_width, paper, cells };
}

/** The combinations of values of `axes` that occur in `cells`, in the order of the axes' values; an axis no cell has is left out. */
export function combinations(cells: readonly CellResult[], axes: readonly PlanAxis[]): Selector[] {
  return axes.reduce<Selector[]>((found, axis) => found.flatMap((selector) => extend(cells, selector, axis)), [{}]);
}

function extend(cells: readonly CellResult[], selector: Selector, axis: PlanAxis): Selector[] {
  const longer = axis.values.map(({ name }) => ({ ...selector, [axis.name]: name }));
  const occurring = longer.filter((candidate) => selectCells(cells, candidate).length > 0);
  return occurring.length > 0 ? occurring : [selector];
}

/** The labels of a selector's values, in the order of the axes: `SHARP T_next`, `SHARP rank 16`. */
export function selectorLabel(selector: Selector, axes: readonly PlanAxis[], separator = ' '): string {
  const labels = axes.flatMap((axis) => {
    const value = selector[axis.name];
    if (value === undefined) return [];
    return [namedLabel(axis.label, axis.values.find(({ name }) => name === value)?.label ?? value)];
  });
  return labels.join(separator);
}
