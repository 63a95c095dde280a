// The one number of each run that a list has room for.
import type { CellResult } from '../../contract/result.ts';
import { formatNumber } from '../../report/numbers/number.ts';

export interface MainNumber {
  metric: string;
  cell: string;
  value: number;
}

/** What is asked of a run's cells. */
export type NumberedCell = Pick<CellResult, 'name' | 'metric' | 'value'>;

/**
 * By run, the number of one cell, the same for all of them: `wanted`, or else the last cell of those that most of the runs have a number for
 * (in a spec the proposed method mostly stands last). Runs without a number there are left out.
 */
export function mainNumbers(
  results: ReadonlyMap<string, { cells: readonly NumberedCell[] }>,
  wanted: string | undefined,
): Map<string, MainNumber> {
  const cell = wanted ?? usualCell([...results.values()]);
  const found = [...results].flatMap(([run, { cells }]) => {
    const number = cells.find((each) => each.name === cell);
    return isMeasured(number)
      ? [[run, { metric: number.metric, cell: number.name, value: number.value }] as const]
      : [];
  });
  return new Map(found);
}

/** `perplexity 2.71 (sharp,dialogsum)`. */
export function mainNumberText(number: MainNumber | undefined): string {
  return number === undefined ? '' : `${number.metric} ${formatNumber(number.value)} (${number.cell})`;
}

function usualCell(results: readonly { cells: readonly NumberedCell[] }[]): string | undefined {
  const counts = new Map<string, number>();
  for (const { cells } of results)
    for (const cell of cells.filter(isMeasured)) counts.set(cell.name, (counts.get(cell.name) ?? 0) + 1);
  const most = Math.max(0, ...counts.values());
  // the order is that of the latest run that has the cell
  const order = results.toReversed().flatMap(({ cells }) => cells.toReversed());
  return order.find((cell) => isMeasured(cell) && counts.get(cell.name) === most)?.name;
}

function isMeasured(cell: NumberedCell | undefined): cell is NumberedCell & { value: number } {
  return cell !== undefined && cell.value !== null;
}
