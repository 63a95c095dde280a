// Which of the numbers beside the table's own (`table.beside`: ratios, bytes) are not the same on both sides.
import type { PlanTable } from '../../contract/plan.ts';
import type { CellResult } from '../../contract/result.ts';

/** A number beside a row that differs; null where a side has none. */
export interface BesideChange {
  /** Labels of the row's axis values. */
  labels: readonly string[];
  /** The heading of the column. */
  column: string;
  before: number | null;
  after: number | null;
}

/** Cells of both sides that belong together, with the labels of the axes that make the rows. */
export interface BesidePair {
  before: readonly CellResult[];
  after: readonly CellResult[];
  labels: readonly string[];
}

/** The differences in the columns that both tables have, each once for all cells of its row. */
export function diffBeside(pairs: readonly BesidePair[], before: PlanTable, after: PlanTable): BesideChange[] {
  const known = new Set(before.beside.map(({ name }) => name));
  const columns = after.beside.filter(({ name }) => known.has(name));
  const changes = new Map<string, BesideChange>();
  for (const pair of pairs) {
    for (const { name, label } of columns) {
      const [old, now] = [numberOf(pair.before, name), numberOf(pair.after, name)];
      const change = { labels: pair.labels, column: label, before: old, after: now };
      if (old !== now) changes.set(JSON.stringify(change), change);
    }
  }
  return [...changes.values()];
}

/** Cells that are averaged into one number share what stands beside it. */
function numberOf(cells: readonly CellResult[], column: string): number | null {
  return cells.map(({ beside }) => beside[column]).find((value) => typeof value === 'number') ?? null;
}
