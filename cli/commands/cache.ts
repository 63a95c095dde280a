// `lamina cache`: what the store takes, by stage, by experiment and by run, and what they share.
import { formatBytes } from '../../util/amounts.ts';
import type { Context } from '../common/context.ts';
import { exitCodes } from '../common/exit-codes.ts';
import type { StoreFlags } from '../common/flags.ts';
import { openedToRead } from '../common/opened.ts';
import { sayLocalAlone } from '../common/remote.ts';
import { countOf, shortPath } from '../common/spec-name.ts';
import { storeUsage } from '../upkeep/store-usage.ts';
import { otherLines, usageLines } from '../upkeep/usage-text.ts';

interface CacheFlags extends StoreFlags {
  all?: boolean;
}

/** Prints three tables and a total. Nothing is read but records and the outcomes of runs. */
export async function cache(_: [], { store, json, all = false }: CacheFlags, context: Context): Promise<number> {
  const { out } = context.terminal;
  const folder = await openedToRead(store, context);
  sayLocalAlone(context);
  const { usages, total, beside, runs } = await storeUsage(folder);
  if (json) out.write(`${JSON.stringify({ ...usages, total }, undefined, 1)}\n`);
  else {
    const what = `${countOf(total.artifacts, 'artifact')} of ${countOf(total.records, 'unit')}`;
    const lines = [
      ...(total.records > 0 ? usageLines('stage', usages.stages, all, out) : []),
      ...(total.records > 0 ? usageLines('experiment', usages.experiments, all, out) : []),
      ...(runs > 0 ? usageLines('run', usages.runs, all, out) : []),
      `${shortPath(folder)}: ${formatBytes(total.size_bytes)} in ${what}`,
      ...otherLines(beside),
    ];
    out.write(`${lines.join('\n')}\n`);
  }
  return exitCodes.done;
}
