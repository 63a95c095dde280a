// How numbers are written for people: three significant digits, fewer decimals as they grow.

/** Text of a measured number: 3 significant digits below 100, one decimal below 1000, whole below 100,000, then `1.2e5`. */
export function formatNumber(value: number, digits = 3): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
  if (size === 0) return '0';
  if (size < 1e-3 || size >= 99_999.5) return formatExponent(value, digits - 1);
  if (size < 99.95) return value.toPrecision(digits);
  return value.toFixed(Math.max(0, size < 999.95 ? digits - 2 : digits - 3));
}

/** Text of a number of the paper: with `decimals` as printed there, whole from 1000, `1.5e5` from 100,000. */
export function formatPaper(value: number, decimals: number): string {
  const size = Math.abs(value);
  if (size >= 99_999.5) return formatExponent(value, 2);
  return value.toFixed(size >= 999.95 ? 0 : decimals);
}

/** The decimals that a list of published numbers was printed with: the most that any of them needs, at most 4. */
export function publishedDecimals(values: readonly number[]): number {
  const count = (value: number) => String(value).split('.')[1]?.length ?? 0;
  return Math.min(4, Math.max(0, ...values.map(count)));
}

/** Texts of numbers that are compared: with so many digits that different numbers do not read the same. */
export function formatApart(values: readonly number[]): string[] {
  const distinct = new Set(values).size;
  for (let digits = 3; digits < 9; digits++) {
    const texts = values.map((value) => formatNumber(value, digits));
    if (new Set(texts).size === distinct) return texts;
  }
  return values.map(String);
}

/** Half of an interval, with the decimals of the number it belongs to: `0.02` beside `2.71`. */
export function formatHalfWidth(halfWidth: number, beside: string): string {
  if (beside.includes('e')) return formatNumber(halfWidth);
  const decimals = beside.split('.')[1]?.length ?? 0;
  return halfWidth.toFixed(decimals);
}

/** A difference and half its interval, with two digits of the latter: `-0.080 ± 0.031`. */
export function formatInterval(mean: number, halfWidth: number): string {
  const size = halfWidth > 1e-4 * Math.abs(mean) ? halfWidth : Math.abs(mean);
  if (!(size >= 1e-6 && size < 99_999.5 && Math.abs(mean) < 99_999.5))
    return `${formatNumber(mean)} ± ${formatNumber(halfWidth)}`;
  const decimals = Math.max(0, 1 - Math.floor(Math.log10(size)));
  return `${mean.toFixed(decimals)} ± ${halfWidth.toFixed(decimals)}`;
}

function formatExponent(value: number, digits: number): string {
  return value.toExponential(Math.max(1, digits - 1)).replace('e+', 'e');
}
