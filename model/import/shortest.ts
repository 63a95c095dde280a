// Numbers that a file holds as float32 and a person wrote in decimals.

/** The number of fewest decimal digits whose float32 is that of `value`: 0.00001 for 0.000009999999747378752. */
export function shortest(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.fround(rounded) === Math.fround(value)) return rounded;
  }
  return value;
}
