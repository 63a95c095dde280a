// Numbers held against those that they should be.
import type { Comparison } from './findings.ts';

/** Right when no number of `got` is further from `want` than `tolerance`, as a share of the largest number of `want`. */
export function compare(got: ArrayLike<number>, want: ArrayLike<number>, tolerance: number): Comparison {
  let difference = got.length === want.length ? 0 : Number.NaN;
  let largest = 0;
  for (let i = 0; i < want.length; i++) {
    difference = Math.max(difference, Math.abs((got[i] as number) - (want[i] as number))); // NaN stays
    largest = Math.max(largest, Math.abs(want[i] as number));
  }
  const share = difference / largest;
  return { difference: Number.isFinite(share) ? share : null, tolerance, right: share <= tolerance };
}
