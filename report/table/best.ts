// Which numbers of a column are its best, where that is more than noise.
import type { CellResult, RunResult } from '../../contract/result.ts';
import { compareCells, difference, isWithinNoise } from '../numbers/noise.ts';

/** A number of a column: the mean of `measured` of the `planned` cells, with the indexes of these. */
interface Entry {
  value: number | null;
  measured: number;
  planned: number;
  cells: readonly number[];
}

/** The rows of a column with its best number: none where another is within its noise, where all are equal, and where the numbers are of different fields. */
export function bestRows(column: readonly (Entry | null)[], result: RunResult): ReadonlySet<number> {
  const { better, mean_over } = result.table;
  const measured = column.filter(isMeasured);
  const cellsOf = ({ cells }: Entry) => cells.map((i) => result.cells[i] as CellResult);
  const fields = new Set(measured.flatMap(cellsOf).map(({ metric }) => metric));
  const values = new Set(measured.map(({ value }) => value));
  if (better === 'neither' || fields.size > 1 || values.size < 2) return new Set();
  const best = better === 'lower' ? Math.min(...values) : Math.max(...values);
  const isApart = (one: Entry) => (other: Entry) => {
    const compared = other === one ? null : compareCells(cellsOf(one), cellsOf(other), mean_over, difference);
    return compared === null || !isWithinNoise(compared, 0);
  };
  const isBest = (entry: Entry | null) =>
    entry?.value === best && entry.measured === entry.planned && measured.every(isApart(entry));
  return new Set([...column.keys()].filter((row) => isBest(column[row] ?? null)));
}

function isMeasured(entry: Entry | null): entry is Entry & { value: number } {
  return entry !== null && entry.value !== null;
}
