// What a store takes, as tables on a terminal.
import type { Usages } from '../../store/upkeep/usage.ts';
import { formatBytes } from '../../util/amounts.ts';
import { printable } from '../../util/printable.ts';
import { alignNumbers } from '../common/columns.ts';
import type { Output } from '../common/terminal.ts';

/** What lies in a store beside artifacts and records, in bytes. */
export interface OtherBytes {
  /** State from which stages go on. */
  scratch: number;
  logs: number;
  /** What was put aside as damaged. */
  quarantine: number;
}

/** Rows of a table that are shown without `--all`. */
const most = 20;

/** One table: each owner with what it has, and what it has alone; then what several have. */
export function usageLines(title: string, usages: Usages, all: boolean, { paint }: Output): string[] {
  const { owners, shared_bytes, unowned_bytes } = usages;
  const shown = all ? owners : owners.slice(0, most);
  const rows = shown.map(({ name, records, size_bytes, own_bytes }) => {
    return [printable(name), String(records), formatBytes(size_bytes), formatBytes(own_bytes)];
  });
  const rest: string[][] = [
    ...(shared_bytes > 0 ? [['shared by several', '', formatBytes(shared_bytes), '']] : []),
    ...(unowned_bytes > 0 ? [['of none of them', '', formatBytes(unowned_bytes), '']] : []),
  ];
  const lines = alignNumbers([[title, 'units', 'bytes', 'alone'], ...rows, ...rest]);
  const left = owners.length - shown.length;
  return [
    paint.strong(lines[0] ?? ''),
    ...lines.slice(1),
    ...(left > 0 ? [paint.faint(`and ${left} more (--all)`)] : []),
    '',
  ];
}

/** What lies beside them. */
export function otherLines({ scratch, logs, quarantine }: OtherBytes): string[] {
  const parts = [
    ...(scratch > 0 ? [`state to go on from ${formatBytes(scratch)}`] : []),
    ...(logs > 0 ? [`logs ${formatBytes(logs)}`] : []),
    ...(quarantine > 0 ? [`damaged, put aside ${formatBytes(quarantine)}`] : []),
  ];
  return parts.length === 0 ? [] : [`beside them: ${parts.join(' · ')}`];
}
