// Numbers as the result tables print them.
import { median as medianOf } from '../util/statistics.ts';
import { type Spread, spreadOf } from './statistics.ts';

/** What stands where nothing was measured. */
export const unmeasured = '–';

/** Three digits, thousands with commas: `12,300`, `0.87`. */
export function figure(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return unmeasured;
  return Number(value.toPrecision(3)).toLocaleString('en-US', { maximumSignificantDigits: 3 });
}

/** `0.87 (0.82 to 0.95)`: the median of `values` and its quartiles. */
export function figureWithSpread(values: readonly number[]): string {
  if (values.length === 0) return unmeasured;
  const { median, low, high }: Spread = spreadOf(values);
  return `${median.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
}

/** `0.87 (0.80 to 1.02)`: the median of `values`, the least and the greatest. */
export function figureWithRange(values: readonly number[]): string {
  if (values.length === 0) return unmeasured;
  const [least, greatest] = [Math.min(...values), Math.max(...values)];
  return `${medianOf(values).toFixed(2)} (${least.toFixed(2)} to ${greatest.toFixed(2)})`;
}

/** Whole MiB. */
export function mebibytes(value: number | undefined): string {
  return value === undefined ? unmeasured : String(Math.round(value));
}

/** `63 %`. */
export function percent(value: number | undefined): string {
  return value === undefined || !Number.isFinite(value) ? unmeasured : `${Math.round(100 * value)} %`;
}
