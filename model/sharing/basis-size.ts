// The size of a basis that matrices share, by itself: plans need it, and not the numeric package that finds one.

/** How many vectors a basis has for `layers` matrices [in, out] each, so that 1 - `ratio` of their numbers are left: as the release rounds. */
export function basisSize(input: number, output: number, layers: number, ratio: number): number {
  return Math.floor((layers * input * output * (1 - ratio)) / (input + layers * output));
}
