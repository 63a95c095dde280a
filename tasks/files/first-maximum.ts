// numpy's argmax.
/** The place of the first of the largest; a NaN is larger than all. */
export function firstMaximum(values: readonly number[]): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) {
    const [value, leader] = [values[i] as number, values[best] as number];
    if (value > leader || (Number.isNaN(value) && !Number.isNaN(leader))) best = i;
  }
  return best;
}
