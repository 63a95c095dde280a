// Which numbers of two results moved, by how much, and whether by more than the noise.
import type { Better, PlanAxis } from '../../contract/plan.ts';
import type { CellResult } from '../../contract/result.ts';
import { namedLabel } from '../numbers/label.ts';
import { estimate } from '../numbers/statistics.ts';
import { type BesideChange, diffBeside } from './beside.ts';
import { commonAxes, groupBy, matchByAxes } from './match.ts';
import { type Noise, noiseOf } from './noise.ts';
import type { DiffResult } from './side.ts';

/** A number that is not the same on both sides; averaged axes are one number, as in the table. */
export interface MetricChange {
  /** Axis values, without the averaged axes. */
  axes: Readonly<Record<string, string>>;
  /** The values' labels, in the order of the axes. */
  labels: readonly string[];
  /** The field on each side: numbers of different fields have no difference. */
  metric_before: string;
  metric_after: string;
  /** Null where the cell failed, was not reached, or has yet to run. */
  before: number | null;
  after: number | null;
  /** `after - before`, and that as a share of `before`. */
  delta: number | null;
  relative: number | null;
  noise: Noise | null;
  /** Null when the noise is not known. */
  beyond_noise: boolean | null;
  /** Null for equal numbers of different fields, and without a difference. */
  better: boolean | null;
  /** How many numbers the means rest on; 1 where nothing is averaged. */
  n_before: number;
  n_after: number;
}

/** A cell that one side alone has. */
export interface LoneCell {
  axes: Readonly<Record<string, string>>;
  labels: readonly string[];
  value: number | null;
}

export interface MetricsDiff {
  metric: string;
  better: Better;
  /** Headings of the labels. */
  axes: readonly string[];
  averaged: readonly string[];
  /** Numbers that are the same on both sides. */
  equal: number;
  /** Cells without a number on one side or both, because a spec's have yet to be made. */
  awaited: number;
  /** Those beyond the noise first, the surest first; then those of unknown noise; then the others; else in table order. */
  changes: readonly MetricChange[];
  only_before: readonly LoneCell[];
  only_after: readonly LoneCell[];
  /** Numbers beside the table's own that differ. */
  beside: readonly BesideChange[];
}

/** A number of the table: the cells that are averaged into it. */
interface Entry {
  axes: Readonly<Record<string, string>>;
  cells: readonly CellResult[];
}

/** `awaits`: a cell without a number has yet to run, so that this is no change. */
export function diffMetrics(before: DiffResult, after: DiffResult, awaits = false): MetricsDiff {
  const averaged = [...new Set([...before.table.mean_over, ...after.table.mean_over])];
  const [olds, news] = [entriesOf(before, averaged), entriesOf(after, averaged)];
  const common = commonAxes(before.axes, after.axes, averaged);
  const matches = matchByAxes(olds, news, common);
  const shown = shownAxes(before.axes, after.axes, averaged, [...olds, ...news]);
  const { better, metric } = after.table;
  const measured = awaits
    ? matches.pairs.filter((pair) => isMeasured(pair.before) && isMeasured(pair.after))
    : matches.pairs;
  const compared = measured.map((pair) => compareEntries(pair.before, pair.after, shown, averaged, better));
  const changes = compared.filter((change) => change !== undefined);
  const rows = shown.filter(({ name }) => after.table.rows.includes(name));
  const besides = measured.map((pair) => {
    const labels = labelsOf([pair.after, pair.before], rows).map((label, i) => namedLabel(rows[i]?.label ?? '', label));
    return { before: pair.before.cells, after: pair.after.cells, labels };
  });
  const lone = (entries: readonly Entry[]) => entries.map((entry) => loneCell(entry, shown));
  return {
    metric,
    better,
    axes: shown.map((axis) => axis.label),
    averaged,
    equal: compared.length - changes.length,
    awaited: matches.pairs.length - measured.length,
    changes: bySignificance(changes),
    only_before: lone(matches.only_before),
    only_after: lone(matches.only_after),
    beside: diffBeside(besides, before.table, after.table),
  };
}

function entriesOf({ cells }: DiffResult, averaged: readonly string[]): Entry[] {
  const placeOf = (cell: CellResult) => Object.entries(cell.axes).filter(([axis]) => !averaged.includes(axis));
  const groups = groupBy(cells, (cell) => JSON.stringify(placeOf(cell)));
  return [...groups.values()].map((group) => {
    return { axes: Object.fromEntries(placeOf(group[0] as CellResult)), cells: group };
  });
}

function isMeasured(entry: Entry): boolean {
  return measuredOf(entry).length > 0;
}

/** The axes of both sides that tell the entries apart, with the labels of both; the only axis is always shown. */
function shownAxes(
  before: readonly PlanAxis[],
  after: readonly PlanAxis[],
  averaged: readonly string[],
  entries: readonly Entry[],
): PlanAxis[] {
  const axes = new Map<string, PlanAxis>();
  for (const axis of [...before, ...after]) {
    const values = new Map(
      [...(axes.get(axis.name)?.values ?? []), ...axis.values].map((value) => [value.name, value]),
    );
    if (!averaged.includes(axis.name)) axes.set(axis.name, { ...axis, values: [...values.values()] });
  }
  const all = [...axes.values()];
  const varying = all.filter(({ name }) => new Set(entries.map((entry) => entry.axes[name])).size > 1);
  return varying.length > 0 ? varying : all.slice(0, 1);
}

function labelsOf(entries: readonly Entry[], shown: readonly PlanAxis[]): string[] {
  return shown.map(({ name, values }) => {
    const value = entries.map((entry) => entry.axes[name]).find((found) => found !== undefined) ?? '';
    return values.find((each) => each.name === value)?.label ?? value;
  });
}

function loneCell(entry: Entry, shown: readonly PlanAxis[]): LoneCell {
  return { axes: entry.axes, labels: labelsOf([entry], shown), value: meanOf(measuredOf(entry)) };
}

/** Undefined when both sides have the same number, or both none. */
function compareEntries(
  before: Entry,
  after: Entry,
  shown: readonly PlanAxis[],
  averaged: readonly string[],
  better: Better,
): MetricChange | undefined {
  const [olds, news] = [measuredOf(before), measuredOf(after)];
  const [old, now] = [meanOf(olds), meanOf(news)];
  const metrics = { metric_before: metricOf(before), metric_after: metricOf(after) };
  const comparable = metrics.metric_before === metrics.metric_after;
  if (comparable && old === now) return undefined;
  const delta = comparable && old !== null && now !== null ? now - old : null;
  const noise = delta === null ? null : noiseOf(olds, news, averaged);
  return {
    axes: { ...before.axes, ...after.axes },
    labels: labelsOf([after, before], shown),
    ...metrics,
    before: old,
    after: now,
    delta,
    relative: delta === null || old === null || old === 0 ? null : delta / Math.abs(old),
    noise,
    beyond_noise: noise === null || delta === null ? null : Math.abs(delta) > noise.half_width,
    better: delta === null || better === 'neither' ? null : delta < 0 === (better === 'lower'),
    n_before: olds.length,
    n_after: news.length,
  };
}

function metricOf({ cells }: Entry): string {
  return [...new Set(cells.map((cell) => cell.metric))].join(', ');
}

function measuredOf({ cells }: Entry): CellResult[] {
  return cells.filter((cell) => cell.value !== null);
}

function meanOf(cells: readonly CellResult[]): number | null {
  return cells.length === 0 ? null : estimate(cells.map((cell) => cell.value as number)).mean;
}

function bySignificance(changes: readonly MetricChange[]): MetricChange[] {
  return changes
    .map((change, i) => ({ change, rank: rankOf(change), sure: sureness(change), i }))
    .sort((a, b) => a.rank - b.rank || b.sure - a.sure || a.i - b.i)
    .map(({ change }) => change);
}

function rankOf({ beyond_noise }: MetricChange): number {
  if (beyond_noise === null) return 1;
  return beyond_noise ? 0 : 2;
}

/** How many times the noise it is; finite, so that two of them can be compared. */
function sureness({ delta, noise }: MetricChange): number {
  if (delta === null || noise === null) return 0;
  return Math.min(Number.MAX_VALUE, Math.abs(delta) / noise.half_width);
}
