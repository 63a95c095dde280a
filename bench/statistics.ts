// Medians with their quartiles, and ratios of pairs: what a benchmark reports.
import { median, quantile } from '../util/statistics.ts';

/** A median with the quartiles around it. */
export interface Spread {
  median: number;
  low: number;
  high: number;
}

/** Median and quartiles. */
export function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), low: quantile(values, 0.25), high: quantile(values, 0.75) };
}

/** Ratios of what was measured side by side, pair by pair: a slow moment of the machine hits both and cancels. */
export function pairedRatios(a: readonly number[], b: readonly number[]): number[] {
  return a.map((value, i) => value / (b[i] as number));
}
