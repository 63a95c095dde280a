// A diff in words and rows, from which the renderers for text, Markdown and HTML are made.
import type { ResultWarning } from '../../contract/result.ts';
import { warningText } from '../../spec/plan/warnings.ts';
import { isObject } from '../../util/json.ts';
import type { Diff, WarningsDiff } from './diff.ts';
import type { MetricsDiff } from './metrics.ts';
import { type ClaimRow, claimRows, claimsSummary } from './view-claims.ts';
import { type MetricsView, metricLegend, metricRows, metricsSummary } from './view-metrics.ts';
import { type SpecRow, specRow, specSummary } from './view-spec.ts';

export interface DiffView {
  before: string;
  after: string;
  remarks: readonly string[];
  spec: { summary: string; rows: readonly SpecRow[] };
  /** Null when numbers were not compared. */
  metrics: MetricsView | null;
  claims: { summary: string; rows: readonly ClaimRow[] } | null;
  /** Null when both sides warn of the same, or were not compared. */
  warnings: { summary: string; rows: readonly WarningRow[] } | null;
}

/** A sentence that one side alone has. */
export interface WarningRow {
  mark: '+' | '-';
  text: string;
}

/** The words of a diff; control characters of a hostile spec do not get into them. */
export function viewOf(diff: Diff): DiffView {
  const { before, after, remarks, spec, metrics, claims, warnings } = diff;
  const rows = spec.changes.map((change) => specRow(change, spec.cells));
  return withoutControls({
    before: before.label,
    after: after.label,
    remarks,
    spec: { summary: specSummary(spec), rows },
    metrics: metrics === null ? null : metricsView(metrics),
    claims: claims === null ? null : { summary: claimsSummary(claims), rows: claimRows(claims) },
    warnings: warnings === null ? null : warningsView(warnings),
  }) as DiffView;
}

function warningsView({ added, removed }: WarningsDiff): DiffView['warnings'] {
  if (added.length + removed.length === 0) return null;
  const row = (mark: WarningRow['mark']) => (warning: ResultWarning) => ({ mark, text: warningText(warning, 0) });
  const counts = [added.length > 0 ? `${added.length} new` : '', removed.length > 0 ? `${removed.length} gone` : ''];
  return {
    summary: counts.filter((count) => count !== '').join(', '),
    rows: [...added.map(row('+')), ...removed.map(row('-'))],
  };
}

function metricsView(metrics: MetricsDiff): MetricsView {
  return { ...metricRows(metrics), summary: metricsSummary(metrics), legend: metricLegend(metrics) };
}

function withoutControls(value: unknown): unknown {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to replace
  if (typeof value === 'string') return value.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '?');
  if (Array.isArray(value)) return value.map(withoutControls);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withoutControls(each)]));
}
