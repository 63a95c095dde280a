// The mean of repeated runs and its 95 % confidence interval by Student's t distribution.

/** Two-sided 95 % quantiles of Student's t for 1 to 30 degrees of freedom (any statistics table). */
const quantiles = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11,
  2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
];

/** A mean and half the width of its 95 % interval; no interval for fewer than two values. */
export interface Estimate {
  mean: number;
  half_width: number | null;
}

/** The two-sided 95 % quantile of the normal distribution. */
export const normalQuantile = 1.959964;

/** The mean of `values` (at least one). */
export function estimate(values: readonly number[]): Estimate {
  return studentInterval(values) ?? { mean: sum(values) / values.length, half_width: null };
}

/** The mean of `values` and half its 95 % interval; null for fewer than two. */
export function studentInterval(values: readonly number[]): { mean: number; half_width: number } | null {
  if (values.length < 2) return null;
  const mean = sum(values) / values.length;
  const variance = sum(values.map((value) => (value - mean) ** 2)) / (values.length - 1);
  return { mean, half_width: studentQuantile(values.length - 1) * Math.sqrt(variance / values.length) };
}

/** The two-sided 95 % quantile of Student's t; above 30 degrees of freedom by the Cornish-Fisher expansion (error < 1e-4). */
export function studentQuantile(degrees: number): number {
  const z = normalQuantile;
  return (
    quantiles[degrees - 1] ??
    z + (z ** 3 + z) / (4 * degrees) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * degrees ** 2)
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
