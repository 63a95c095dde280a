// How much the means of two lists of cells may differ by chance alone.
import type { CellResult } from '../../contract/result.ts';
import { compareCells, difference } from '../numbers/noise.ts';
import { studentInterval, studentQuantile } from '../numbers/statistics.ts';

/**
 * Half the 95 % interval of a difference. `paired`: of the differences seed by seed (Student t). `pooled`: of the
 * difference of two means, where the seeds are not the same (Student t, equal spread assumed). `stderr`: of the
 * evaluation's standard errors, taken as independent: too wide rather than too narrow where both sides evaluate the same records.
 */
export interface Noise {
  half_width: number;
  kind: 'paired' | 'pooled' | 'stderr';
}

/** The noise of the difference of two means over the `averaged` axes; null when nothing tells. All cells have a value. */
export function noiseOf(
  before: readonly CellResult[],
  after: readonly CellResult[],
  averaged: readonly string[],
): Noise | null {
  if (before.length + after.length > 2 && !samePlaces(before, after, averaged)) return pooledNoise(before, after);
  const compared = compareCells(after, before, averaged, difference);
  if (compared === null) return null;
  return { half_width: compared.half_width, kind: compared.runs > 1 ? 'paired' : 'stderr' };
}

function samePlaces(a: readonly CellResult[], b: readonly CellResult[], averaged: readonly string[]): boolean {
  const places = new Set(a.map((cell) => placeOf(cell, averaged)));
  return a.length === b.length && b.every((cell) => places.has(placeOf(cell, averaged)));
}

function placeOf({ axes }: CellResult, averaged: readonly string[]): string {
  return JSON.stringify(averaged.map((axis) => axes[axis] ?? ''));
}

function pooledNoise(before: readonly CellResult[], after: readonly CellResult[]): Noise {
  const degrees = before.length + after.length - 2;
  const variance = (squares(before) + squares(after)) / degrees;
  const error = Math.sqrt(variance * (1 / before.length + 1 / after.length));
  return { half_width: studentQuantile(degrees) * error, kind: 'pooled' };
}

/** The sum of squared deviations from the mean. */
function squares(cells: readonly CellResult[]): number {
  const values = cells.map((cell) => cell.value as number);
  const mean = studentInterval(values)?.mean ?? (values[0] as number);
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
}
