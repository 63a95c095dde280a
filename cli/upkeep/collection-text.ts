// What a collection takes away, in the names that people know.
import type { Collected } from '../../store/upkeep/collect.ts';
import type { Reason, Taken } from '../../store/upkeep/plan-collection.ts';
import { formatBytes, formatDuration } from '../../util/amounts.ts';
import { printable } from '../../util/printable.ts';
import { alignColumns } from '../common/columns.ts';
import { countOf } from '../common/spec-name.ts';

/** The units of one stage of one experiment that lose something, or are gone. */
export interface Group {
  experiment: string;
  stage: string;
  reason: Reason;
  units: number;
  artifacts: number;
  size_bytes: number;
  /** What they took to make, one after the other. */
  duration_ms: number;
}

const leftoverKinds = [
  ['state', '(states)', 'to go on from, of work that no kept run has'],
  ['log', '(logs)', 'of work that has no record and that no kept run has'],
] as const;

/** One entry for each stage of an experiment, the largest first. */
export function groupsOf(taken: readonly Taken[]): Group[] {
  const groups = new Map<string, Group>();
  for (const { record, reason, blobs, size_bytes } of taken) {
    const { experiment, stage } = record;
    const name = `${experiment}\n${stage}\n${reason}`;
    const before = groups.get(name) ?? { units: 0, artifacts: 0, size_bytes: 0, duration_ms: 0 };
    groups.set(name, {
      ...{ experiment, stage, reason },
      units: before.units + 1,
      artifacts: before.artifacts + blobs.length,
      size_bytes: before.size_bytes + size_bytes,
      duration_ms: before.duration_ms + record.duration_ms,
    });
  }
  return [...groups.values()].sort((a, b) => b.size_bytes - a.size_bytes || (a.stage < b.stage ? -1 : 1));
}

/** Lines for each group: `table-2 activations  120 units  1.2 GB  made in 3:11  used by all that read it`. */
export function collectionLines({ taken, loose, inventory, quarantine_bytes, leftovers }: Collected): string[] {
  const rows = groupsOf(taken).map(({ experiment, stage, reason, units, size_bytes, duration_ms }) => [
    printable(`${experiment} ${stage}`),
    countOf(units, 'unit'),
    formatBytes(size_bytes),
    `made in ${formatDuration(duration_ms)}`,
    reason === 'unused' ? 'no kept run has it' : 'used by all that read it; its record stays',
  ]);
  const loose_bytes = loose.reduce((sum, blob) => sum + (inventory.blobs.get(blob) ?? 0), 0);
  if (loose.length > 0)
    rows.push(['(no record)', countOf(loose.length, 'artifact'), formatBytes(loose_bytes), '', 'left by a kill']);
  for (const [kind, name, why] of leftoverKinds) {
    const own = leftovers.filter((each) => each.kind === kind);
    const bytes = own.reduce((sum, { size_bytes }) => sum + size_bytes, 0);
    if (own.length > 0) rows.push([name, countOf(own.length, 'unit'), formatBytes(bytes), '', why]);
  }
  if (quarantine_bytes > 0) rows.push(['(damaged)', '', formatBytes(quarantine_bytes), '', 'put aside before']);
  return alignColumns(rows);
}
