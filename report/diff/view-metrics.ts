// The numbers that moved in words and digits.
import { namedLabel } from '../numbers/label.ts';
import { formatApart, formatInterval, formatNumber } from '../numbers/number.ts';
import { metricText } from '../table/entry-text.ts';
import type { BesideChange } from './beside.ts';
import type { LoneCell, MetricChange, MetricsDiff } from './metrics.ts';
import type { Tone } from './tone.ts';

export interface MetricRow {
  labels: readonly string[];
  before: string;
  after: string;
  /** `-0.080`, with the sign. */
  delta: string;
  /** `-1.8 %`. */
  relative: string;
  /** `± 0.031`. */
  noise: string;
  /** `better`, `worse`, or why it is neither. */
  verdict: string;
  tone: Tone;
}

const gap = '–';

/** `12 cells moved, 3 of them beyond the noise · 65 equal`. */
export function metricsSummary(diff: MetricsDiff): string {
  const { changes, equal, awaited, only_before, only_after, beside } = diff;
  const moved = changes.length;
  const beyond = changes.filter((change) => change.beyond_noise === true).length;
  const part = (count: number, text: string) => (count === 0 ? [] : [`${count} ${text}`]);
  const cells = moved === 1 ? 'cell' : 'cells';
  const surely = beyondText(beyond, moved);
  return [
    moved === 0 ? 'no cell moved' : `${moved} ${cells} moved${surely}`,
    ...part(equal, 'equal'),
    ...part(awaited, 'without a number yet'),
    ...part(only_before.length, 'only before'),
    ...part(only_after.length, 'only after'),
    ...part(beside.length, 'beside the numbers'),
  ].join(' · ');
}

function beyondText(beyond: number, moved: number): string {
  if (beyond === 0) return ', none beyond the noise';
  if (beyond < moved) return `, ${beyond} of them beyond the noise`;
  return moved === 1 ? ', beyond the noise' : ', all beyond the noise';
}

/** The rows of the cells that moved; as lines the cells of one side alone, and what differs beside the numbers. */
export function metricRows(diff: MetricsDiff): Pick<MetricsView, 'headings' | 'rows' | 'lone'> {
  const lone = (where: string) => (cell: LoneCell) => {
    return `${where}  ${cell.labels.map((label, i) => namedLabel(diff.axes[i] ?? '', label)).join(' ')}  ${cell.value === null ? gap : formatNumber(cell.value)}`;
  };
  return {
    headings: diff.axes,
    rows: diff.changes.map(metricRow),
    lone: [
      ...diff.only_before.map(lone('only before')),
      ...diff.only_after.map(lone('only after')),
      ...diff.beside.map(besideLine),
    ],
  };
}

/** `s  T_next  0.62 → 0.59`. */
function besideLine({ column, labels, before, after }: BesideChange): string {
  const texts = formatApart([before, after].filter((value) => value !== null));
  const [old, now] = [before === null ? gap : texts[0], after === null ? gap : texts.at(-1)];
  return [column, ...labels, `${old} → ${now}`].join('  ');
}

function metricRow(change: MetricChange): MetricRow {
  const { before, after, delta, relative, noise } = change;
  const values = [before, after].filter((value) => value !== null);
  const texts = formatApart(values);
  const interval = delta === null || noise === null ? undefined : formatInterval(delta, noise.half_width).split(' ± ');
  return {
    labels: change.labels,
    before: before === null ? gap : (texts[0] ?? ''),
    after: after === null ? gap : (texts.at(-1) ?? ''),
    delta: delta === null ? '' : signed(interval?.[0] ?? formatNumber(delta)),
    relative: relative === null ? '' : `${signed(formatNumber(100 * relative, 2))} %`,
    noise: interval === undefined ? '' : `± ${interval[1]}`,
    ...verdictOf(change),
  };
}

function signed(text: string): string {
  return text.startsWith('-') ? text : `+${text}`;
}

function verdictOf(change: MetricChange): { verdict: string; tone: Tone } {
  const { before, after, delta, beyond_noise, better, n_before, n_after } = change;
  const runs = n_before === n_after || n_before * n_after === 0 ? '' : ` (${n_before} → ${n_after} runs)`;
  if (change.metric_before !== change.metric_after)
    return { verdict: `${change.metric_before} → ${change.metric_after}`, tone: 'plain' };
  if (before === null) return { verdict: 'had no value', tone: 'plain' };
  if (after === null || delta === null) return { verdict: 'has no value', tone: 'bad' };
  if (beyond_noise === false) return { verdict: `within noise${runs}`, tone: 'faint' };
  if (better === null) return { verdict: `moved${runs}`, tone: 'plain' };
  const word = better ? 'better' : 'worse';
  if (beyond_noise === null) return { verdict: `${word}, noise unknown${runs}`, tone: 'plain' };
  return { verdict: `${word}${runs}`, tone: better ? 'good' : 'bad' };
}

/** What the numbers are and what the noise was taken from, one remark per line. */
export function metricLegend({ metric, better, averaged, changes }: MetricsDiff): string[] {
  if (changes.length === 0) return [];
  const kinds = new Set(changes.map((change) => change.noise?.kind));
  const over = averaged.join(', ');
  const lines = [metricText(metric, better)];
  const half = '± half the 95 % interval of the difference';
  if (kinds.has('paired')) lines.push(`${half}, paired by ${over} (Student t)`);
  if (kinds.has('pooled')) lines.push(`${half} of two means over ${over} that are not the same (Student t)`);
  if (kinds.has('stderr')) lines.push(`${half}, by the standard errors of the two evaluations`);
  return lines;
}

export interface MetricsView {
  summary: string;
  /** Headings of the labels. */
  headings: readonly string[];
  rows: readonly MetricRow[];
  /** As lines, cells of one side alone (`only before  SHARP Arxiv-math  2.02`) and columns beside (`s  T_next  0.62 → 0.59`). */
  lone: readonly string[];
  legend: readonly string[];
}
