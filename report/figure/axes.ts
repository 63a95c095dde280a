// The axes of figures: names and numbers along the bottom, and the room that their labels need.
import * as Plot from '@observablehq/plot';
import { formatNumber } from '../numbers/number.ts';
import { cutText, textWidth } from '../numbers/text-width.ts';
import type { FigureTick } from './data.ts';
import { character_px } from './frame.ts';

const longestLabel = 28;

/** Where the ticks along the bottom lie: at their numbers when all of them are numbers, else one after the other. */
export interface BottomAxis {
  positions: readonly number[];
  domain: readonly [number, number];
  mark: Plot.Markish;
  margin: number;
}

/** The axis along the bottom. */
export function bottomAxis(xs: readonly FigureTick[], width: number, numeric: boolean, label: string): BottomAxis {
  const positions = numeric ? xs.map(({ name }) => Number(name)) : xs.map((_, i) => i);
  const [low, high] = [Math.min(...positions), Math.max(...positions)];
  const pad = numeric ? Math.max((high - low) * 0.03, high === low ? 0.5 : 0) : 0.5;
  const labels = xs.map((tick) => cutText(tick.label, longestLabel));
  const widest = Math.max(0, ...labels.map((text) => textWidth(text) * character_px));
  const step = width / Math.max(1, xs.length);
  const turned = !numeric && widest > step - 6;
  const every = numeric ? 1 : Math.max(1, Math.ceil((turned ? 13 : 1) / step));
  const shown = [...positions.keys()].filter((i) => i % every === 0);
  const all = shown.map((i) => positions[i] as number);
  const ticks = numeric ? spaced(all, (width / (high - low || 1)) * 0.94) : all;
  const mark = Plot.axisX(ticks, {
    label,
    labelAnchor: 'center',
    labelArrow: 'none',
    labelOffset: turned ? 26 + widest * 0.6 : 32,
    tickFormat: (at: number) => (numeric ? String(at) : (labels[positions.indexOf(at)] ?? '')),
    tickSize: 4,
    ...(turned ? { tickRotate: -36 } : {}),
  });
  return { positions, domain: [low - pad, high + pad], mark, margin: turned ? 34 + widest * 0.6 : 40 };
}

/** The numbers whose texts do not run into the one before; `scale` is in pixels per unit. */
function spaced(numbers: readonly number[], scale: number): number[] {
  const kept: number[] = [];
  let free = Number.NEGATIVE_INFINITY;
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const half = (String(number).length * character_px) / 2 + 3;
    if (number * scale - half < free) continue;
    kept.push(number);
    free = number * scale + half;
  }
  return kept;
}

/** True when the values of an axis are numbers and called by their names: they then lie at their places. */
export function isNumericAxis(xs: readonly FigureTick[]): boolean {
  return xs.length > 1 && xs.every(({ name, label }) => name === label && /^-?\d+(\.\d+)?(e-?\d+)?$/.test(name));
}

/** Numbers upwards: where they stand and how they are written; on a logarithm at 1, 2 and 5 times powers of ten. */
export interface SideAxis {
  domain: readonly [number, number];
  /** Undefined where Plot finds round numbers by itself. */
  ticks: readonly number[] | undefined;
  format(value: number): string;
}

/** The axis of the numbers from `least` to `most`, with a little room around them. */
export function sideAxis([least, most]: readonly [number, number], scale: 'linear' | 'log'): SideAxis {
  if (scale === 'linear') return { domain: [least, most], ticks: undefined, format: shortNumber };
  const room = Math.max(1.06, (most / least) ** 0.04);
  const domain = [least / room, most * room] as const;
  const decades = Math.log10(domain[1] / domain[0]);
  const leads = decades > 3 ? [1] : decades > 1 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9];
  return { domain, ticks: logTicks(domain, leads), format: shortNumber };
}

function logTicks([low, high]: readonly [number, number], leads: readonly number[]): number[] {
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    ticks.push(...leads.map((lead) => Number(`${lead}e${power}`)));
  }
  return ticks.filter((tick) => tick >= low && tick <= high);
}

function shortNumber(value: number): string {
  const size = Math.abs(value);
  const plain = size === 0 || (size >= 0.001 && size < 100_000);
  return plain ? String(Number(value.toPrecision(6))) : formatNumber(value);
}
