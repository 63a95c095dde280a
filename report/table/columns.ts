// The cells of a result as typed columns: for data frames, spreadsheets and programs.
import type { PlanAxis, PlanTable } from '../../contract/plan.ts';
import type { CellResult, RunResult } from '../../contract/result.ts';

/** A column of one value for each cell; what is missing is null. */
export interface Column {
  name: string;
  kind: 'text' | 'integer' | 'number';
  values: readonly (string | number | null)[];
}

/** What is known of every cell, beside its axes. */
type Field = 'metric' | 'value' | 'paper' | 'stderr' | 'n' | 'key' | 'digest' | 'name' | 'error';

const kinds: Readonly<Record<Field, Column['kind']>> = {
  metric: 'text',
  value: 'number',
  paper: 'number',
  stderr: 'number',
  n: 'integer',
  key: 'text',
  digest: 'text',
  name: 'text',
  error: 'text',
};

/**
 * A column for each axis, then one for each number beside the table's own, then `fields`. The values of an axis are numbers where all of them
 * are written as numbers.
 */
export function columnsOf(
  { cells, axes, table }: Pick<RunResult, 'cells' | 'axes'> & { table: Pick<PlanTable, 'beside'> },
  fields: readonly Field[],
): Column[] {
  const taken = new Set<string>([...axes.map(({ name }) => name), ...Object.keys(kinds)]);
  const beside = table.beside.filter(({ name }) => !taken.has(name));
  return [
    ...axes.map((axis) => axisColumn(axis, cells)),
    ...beside.map(({ name }) => ({
      name,
      kind: 'number' as const,
      values: cells.map((cell) => cell.beside[name] ?? null),
    })),
    ...fields.map((name) => ({ name, kind: kinds[name], values: cells.map((cell) => cell[name]) })),
  ];
}

function axisColumn({ name, values }: PlanAxis, cells: readonly CellResult[]): Column {
  const texts = cells.map((cell) => cell.axes[name] ?? null);
  const kind = kindOf(values.map((value) => value.name));
  return { name, kind, values: kind === 'text' ? texts : texts.map((text) => (text === null ? null : Number(text))) };
}

/** `007` and what has more digits than a number keeps are names. */
function kindOf(names: readonly string[]): Column['kind'] {
  if (names.length === 0 || !names.every((name) => /^-?(0|[1-9]\d*)(\.\d+)?(e[+-]?\d+)?$/i.test(name))) return 'text';
  const isWhole = names.every((name) => /^-?\d+$/.test(name));
  if (isWhole) return names.every((name) => Number.isSafeInteger(Number(name))) ? 'integer' : 'text';
  return 'number';
}
