// Whether two numbers differ by more than their noise: run by run where runs are repeated, else by their standard errors.
import type { CellResult } from '../../contract/result.ts';
import { normalQuantile, studentInterval } from './statistics.ts';

/** A difference (or a ratio) of two numbers and half its 95 % interval. */
export interface Comparison {
  mean: number;
  half_width: number;
  /** How many pairs of runs it rests on; 1 when it rests on the standard errors of two evaluations. */
  runs: number;
}

/** How two numbers are compared, and the standard error of the result by the delta method (independent errors). */
export interface Measure {
  of(a: number, b: number): number;
  stderr(a: number, b: number, stderrA: number, stderrB: number): number;
}

export const difference: Measure = {
  of: (a, b) => a - b,
  stderr: (_a, _b, stderrA, stderrB) => Math.hypot(stderrA, stderrB),
};

export const ratio: Measure = {
  of: (a, b) => a / b,
  stderr: (a, b, stderrA, stderrB) => Math.abs(a / b) * Math.hypot(stderrA / a, stderrB / b),
};

/**
 * Compares two lists of cells that differ in `averaged` axes alone. Cells with the same values there (the same seed) are a
 * pair; a side with one cell is paired with every cell of the other. Null when nothing is known of the noise.
 */
export function compareCells(
  a: readonly CellResult[],
  b: readonly CellResult[],
  averaged: readonly string[],
  measure: Measure,
): Comparison | null {
  const pairs = pairUp(a, b, averaged);
  const values = pairs.map(([x, y]) => measure.of(x.value as number, y.value as number));
  const interval = studentInterval(values);
  if (interval !== null) return { ...interval, runs: pairs.length };
  const [pair] = pairs;
  const [x, y] = pair ?? [];
  if (pairs.length !== 1 || x?.stderr == null || y?.stderr == null) return null;
  const stderr = measure.stderr(x.value as number, y.value as number, x.stderr, y.stderr);
  const half_width = normalQuantile * stderr;
  return Number.isFinite(half_width) ? { mean: values[0] as number, half_width, runs: 1 } : null;
}

/** True when the comparison's interval holds `bound`: other runs might fall on its other side. */
export function isWithinNoise({ mean, half_width }: Comparison, bound: number): boolean {
  return half_width > 0 && Math.abs(mean - bound) <= half_width;
}

function pairUp(
  a: readonly CellResult[],
  b: readonly CellResult[],
  averaged: readonly string[],
): [CellResult, CellResult][] {
  const [first, second] = [measuredCells(a), measuredCells(b)];
  const [onlyA, onlyB] = [first.length === 1 ? first[0] : undefined, second.length === 1 ? second[0] : undefined];
  if (onlyA !== undefined) return second.map((cell) => [onlyA, cell]);
  if (onlyB !== undefined) return first.map((cell) => [cell, onlyB]);
  const runOf = (cell: CellResult) => JSON.stringify(averaged.map((axis) => cell.axes[axis] ?? ''));
  const others = new Map(second.map((cell) => [runOf(cell), cell]));
  return first.flatMap((cell) => {
    const other = others.get(runOf(cell));
    return other === undefined ? [] : [[cell, other] as [CellResult, CellResult]];
  });
}

function measuredCells(cells: readonly CellResult[]): CellResult[] {
  return cells.filter((cell) => cell.value !== null);
}
