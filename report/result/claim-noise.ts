// What is said of the noise beside the verdict on a claim.
import { type Comparison, compareCells, difference, isWithinNoise } from '../numbers/noise.ts';
import { formatInterval } from '../numbers/number.ts';
import type { Selected } from './select-cells.ts';

/** One comparison that a verdict rests on. */
export interface Link {
  labels: string;
  comparison: Comparison | null;
  noise: boolean;
}

/** The comparisons of each number of an order with the next. */
export function orderLinks(
  sides: readonly Selected[],
  sign: string,
  slack: number,
  averaged: readonly string[],
): Link[] {
  return sides.slice(1).map((side, i) => {
    const before = sides[i] as Selected;
    const comparison = compareCells(before.cells, side.cells, averaged, difference);
    const noise = comparison !== null && isWithinNoise(comparison, slack);
    return { labels: `${before.label} ${sign} ${side.label}`, comparison, noise };
  });
}

/** `; paired difference -0.080 ± 0.031 over 3 runs (within noise)`; of single evaluations only the remark. */
export function noiseText(what: string, links: readonly Link[]): string {
  const paired = links.flatMap(({ comparison }) => (comparison !== null && comparison.runs > 1 ? [comparison] : []));
  const numbers = paired.map(({ mean, half_width }) => formatInterval(mean, half_width)).join(', ');
  const runs = Math.max(0, ...paired.map((comparison) => comparison.runs));
  const text = runs === 0 ? '' : `; paired ${what}${paired.length > 1 ? 's' : ''} ${numbers} over ${runs} runs`;
  const noisy = links.filter((link) => link.noise);
  if (noisy.length === 0) return text;
  const which = links.length === 1 ? '' : `: ${noisy.map((link) => link.labels).join(', ')}`;
  return `${text} (within noise${which})`;
}
