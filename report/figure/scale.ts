// The range of numbers that a figure shows.
import type { FigurePoint } from './data.ts';

/** The least and the largest number to be drawn, intervals and the paper's numbers included; undefined without any. */
export function figureRange(
  points: readonly FigurePoint[],
  scale: 'linear' | 'log',
  papers: boolean,
): [least: number, most: number] | undefined {
  const numbers = points.flatMap(({ value, half_width, paper }) => {
    const ours = value === null ? [] : [value, value - (half_width ?? 0), value + (half_width ?? 0)];
    return papers && paper !== null ? [...ours, paper] : ours;
  });
  const shown = numbers.filter((number) => Number.isFinite(number) && (scale === 'linear' || number > 0));
  if (shown.length === 0) return undefined;
  const [least, most] = [Math.min(...shown), Math.max(...shown)];
  if (least < most) return [least, most];
  return scale === 'log' ? [least / 2, most * 2] : [least - Math.abs(least || 1) / 2, most + Math.abs(most || 1) / 2];
}

/** True for a number that the scale can show: a logarithm has no place for zero and less. */
export function isDrawable(value: number | null, scale: 'linear' | 'log'): value is number {
  return value !== null && Number.isFinite(value) && (scale === 'linear' || value > 0);
}
