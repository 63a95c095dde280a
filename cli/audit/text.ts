// What an audit found, for people and for programs.

import type { Audited } from '../../runner/audit/audit-unit.ts';
import { type MetricDrift, relativeDrift } from '../../runner/audit/compare-metrics.ts';
import { describeUnit } from '../../runner/survey/events.ts';
import type { Observed } from '../../store/record.ts';
import type { JsonObject } from '../../util/json.ts';
import { printable } from '../../util/printable.ts';
import { alignColumns } from '../common/columns.ts';
import { countOf } from '../common/spec-name.ts';
import type { Output } from '../common/terminal.ts';

/** What there was to choose from. */
export interface AuditCounts {
  seed: number;
  /** Units that could be made again, are timings, or read what is not in the store any more. */
  cached: number;
  timings: number;
  unread: number;
}

/** Numbers of one unit that are named. */
const mostMetrics = 10;

export function auditText(audited: readonly Audited[], counts: AuditCounts, { paint }: Output): string {
  const lines = audited.flatMap((each) => {
    const name = `${each.experiment}, ${describeUnit(each)}`;
    if (each.status === 'same') return [`${paint.good('✓')} ${name}: the same bytes`];
    if (each.status === 'failed') return [`${paint.bad('✗')} ${name}: not made again: ${each.message}`];
    return [
      `${paint.bad('✗')} ${name}: other bytes in ${each.outputs.map((output) => `'${output}'`).join(', ')}`,
      ...alignColumns(each.metrics.slice(0, mostMetrics).map(metricRow), '    '),
      ...(each.metrics.length > mostMetrics ? [`    and ${each.metrics.length - mostMetrics} more numbers`] : []),
      `    ${machinesText(each)}`,
    ];
  });
  return `${[...lines, ...driftLines(audited), ...countLines(audited, counts)].map(printable).join('\n')}\n`;
}

export function auditJson(audited: readonly Audited[], counts: AuditCounts): JsonObject {
  return JSON.parse(JSON.stringify({ ...counts, units: audited, drift: driftOf(audited) })) as JsonObject;
}

/** By number and machine: how many units of a sample have it otherwise, and the largest share by which. */
interface Drift {
  metric: string;
  machines: string;
  units: number;
  largest: number | null;
}

function driftOf(audited: readonly Audited[]): Drift[] {
  const found = new Map<string, Drift>();
  for (const each of audited) {
    for (const metric of each.metrics) {
      const machines = machinesText(each);
      const name = `${metric.field}\n${machines}`;
      const known = found.get(name) ?? { metric: metric.field, machines, units: 0, largest: null };
      const largest = Math.max(known.largest ?? 0, relativeDrift(metric) ?? Number.POSITIVE_INFINITY);
      found.set(name, { ...known, units: known.units + 1, largest });
    }
  }
  return [...found.values()];
}

function driftLines(audited: readonly Audited[]): string[] {
  const drift = driftOf(audited);
  if (drift.length === 0) return [];
  const rows = drift.map(({ metric, machines, units, largest }) => {
    return [metric, countOf(units, 'unit'), `at most ${shareText(largest ?? 0)}`, machines];
  });
  return ['', ...alignColumns([['number', 'units', 'drift', 'machine'], ...rows])];
}

function countLines(audited: readonly Audited[], { seed, cached, timings, unread }: AuditCounts): string[] {
  const bad = audited.filter(({ status }) => status !== 'same').length;
  const verdict = bad === 0 ? 'all came out with the same bytes' : `${bad} did not come out with the same bytes`;
  const left = [
    ...(timings > 0 ? [`${countOf(timings, 'timing')} left out: a time is never the same twice`] : []),
    ...(unread > 0 ? [`${countOf(unread, 'unit')} left out: what they read is not in the store any more`] : []),
  ];
  if (audited.length === 0)
    return ['nothing was made again: the store has no unit of these specs that could be', ...left];
  const first = `${audited.length} of ${countOf(cached, 'cached unit')} made again (seed ${seed}): ${verdict}`;
  return ['', first, ...left];
}

function metricRow(drift: MetricDrift): string[] {
  const { field, before, after } = drift;
  const share = relativeDrift(drift);
  return [field, `${before ?? 'none'} → ${after ?? 'none'}`, share === undefined ? '' : shareText(share)];
}

function shareText(share: number): string {
  return Number.isFinite(share) ? `${(100 * share).toPrecision(2)} %` : 'from or to nothing';
}

/** In which parts the two environments differ: where in none, the code or chance is the cause, and no machine. */
function machinesText({ before, after }: Audited): string {
  const [old, now] = [partsOf(before), after === null ? {} : partsOf(after)];
  const names = [...new Set([...Object.keys(old), ...Object.keys(now)])].filter((name) => old[name] !== now[name]);
  if (names.length === 0) return 'the same machine and versions';
  return names.map((name) => `${name} ${old[name] ?? 'not kept'} → ${now[name] ?? 'none'}`).join(', ');
}

function partsOf({ versions, machine }: Observed): Record<string, string> {
  return { ...versions, ...machine };
}
