// What attempts left for work that nobody will go on with: states to go on from, and logs without a record.
import { join } from 'node:path';
import { namesIn } from '../../util/names-in.ts';
import { isWorkedOn } from '../attempts.ts';
import { isDigest } from '../digest.ts';
import type { Layout } from '../layout.ts';
import { bytesBelow, type Inventory } from './inventory.ts';
import type { RunNeeds } from './roots.ts';

/** A folder of one key that can go. */
export interface Leftover {
  kind: 'state' | 'log';
  path: string;
  size_bytes: number;
}

/**
 * The states and logs of keys that have no record and that no kept run has named. A run without an outcome (it died, or goes on) may go on
 * with any of them: then all stay. So do those of keys that a living process has looked up or works on (`inUse`).
 */
export function leftoversOf(
  layout: Layout,
  { records, unreadable }: Pick<Inventory, 'records' | 'unreadable'>,
  runs: readonly RunNeeds[],
  inUse: ReadonlySet<string>,
): Leftover[] {
  if (runs.some(({ units }) => units === undefined)) return [];
  const named = new Set([...runs.flatMap(({ units }) => [...(units?.values() ?? [])].flat()), ...unreadable, ...inUse]);
  const isLeft = (key: string) => isDigest(key) && !records.has(key) && !named.has(key) && !isWorkedOn(layout, key);
  const found = (kind: Leftover['kind'], path: string) => ({ kind, path, size_bytes: bytesBelow(path) });
  const states = namesIn(layout.scratch('')).filter(isLeft);
  const logs = namesIn(layout.logs).flatMap((part) => namesIn(join(layout.logs, part)).filter(isLeft));
  return [
    ...states.map((key) => found('state', layout.scratch(key))),
    ...logs.map((key) => found('log', layout.logsOf(key))),
  ];
}
