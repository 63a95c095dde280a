// What the store takes, and what `lamina gc` would take away: looked at, never done.
import { join } from 'node:path';
import { previewCollection } from '../../store/upkeep/collect.ts';
import { needsOf } from '../../store/upkeep/roots.ts';
import type { CollectionFacts, CollectionQuery, StoreFacts } from '../../ui/facts.ts';
import { freeBytes } from '../common/free-space.ts';
import { shortPath } from '../common/spec-name.ts';
import { groupsOf } from '../upkeep/collection-text.ts';
import { keptRuns } from '../upkeep/kept-runs.ts';
import { storeUsage } from '../upkeep/store-usage.ts';

/** Reads every record of the store. */
export async function usageOf(folder: string, query: CollectionQuery): Promise<StoreFacts> {
  const { usages, total } = await storeUsage(folder);
  return {
    folder: shortPath(folder),
    ...total,
    free_bytes: freeBytes(join(folder, 'cas')) ?? freeBytes(folder),
    ...usages,
    collection: await collectionOf(folder, query),
  };
}

async function collectionOf(folder: string, { intermediate, keep_last }: CollectionQuery): Promise<CollectionFacts> {
  const flags = { keep: [], ...(keep_last === null ? {} : { keepLast: keep_last }) };
  const { kept, dropped } = keptRuns(folder, flags, Date.now());
  const runs = () => kept.map((run) => needsOf(folder, run));
  const found = await previewCollection(folder, { runs, ...(intermediate && { intermediate: { stages: [] } }) });
  const words = [
    'lamina gc',
    ...(keep_last === null ? [] : [`--keep-last ${keep_last}`]),
    ...(intermediate ? ['--intermediate'] : []),
    '--yes',
  ];
  return {
    command: words.join(' '),
    kept: kept.length,
    dropped: dropped.length,
    freed_bytes: found.freed_bytes + found.quarantine_bytes,
    groups: groupsOf(found.taken),
    loose: found.loose.length,
  };
}
