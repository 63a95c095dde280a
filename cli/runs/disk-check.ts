// Refuses a run that would not fit on the disk, with what could be freed.
import { join } from 'node:path';
import { tooFullText } from '../../runner/estimate/disk.ts';
import type { Survey } from '../../runner/survey/survey.ts';
import { previewCollection } from '../../store/upkeep/collect.ts';
import { needsOf } from '../../store/upkeep/roots.ts';
import { formatBytes } from '../../util/amounts.ts';
import { UserError } from '../../util/errors.ts';
import { freeBytes } from '../common/free-space.ts';
import { allRuns } from './all-runs.ts';

/** Throws a UserError where what `survey` found would fill the disk of the store in `folder`, of which `free_bytes` are free. */
export async function refuseTooFull(
  survey: Survey,
  folder: string,
  free_bytes: number | null = freeBytes(join(folder, 'cas')),
): Promise<void> {
  const text = free_bytes === null ? undefined : await tooFullText(survey, free_bytes);
  if (text === undefined) return;
  throw new UserError(
    `${text}: ${await waysToFree(folder)}choose a --store on another disk, or run it all the same with --no-disk-check`,
  );
}

/** What collections would free: what no run needs, and with it what is used up. */
async function waysToFree(folder: string): Promise<string> {
  const runs = () => allRuns(folder).map((run) => needsOf(folder, run));
  const unused = await previewCollection(folder, { runs });
  const all = await previewCollection(folder, { runs, intermediate: { stages: [] } });
  const ways = [
    ...(unused.freed_bytes > 0 ? [`'lamina gc --yes' frees ${formatBytes(unused.freed_bytes)}`] : []),
    ...(all.freed_bytes > unused.freed_bytes
      ? [`'lamina gc --intermediate --yes' frees ${formatBytes(all.freed_bytes)}`]
      : []),
  ];
  return ways.map((way) => `${way}, `).join('');
}
