// `lamina cache`: what the store takes, by stage, by experiment and by run, and what they share.
import { layoutOf } from '../../store/layout.ts';
import { bytesBelow, inventoryOf } from '../../store/upkeep/inventory.ts';
import { needsOf } from '../../store/upkeep/roots.ts';
import { usageByExperiment, usageByRun, usageByStage } from '../../store/upkeep/usage.ts';
import { formatBytes } from '../../util/amounts.ts';
import type { Context } from '../common/context.ts';
import { exitCodes } from '../common/exit-codes.ts';
import type { StoreFlags } from '../common/flags.ts';
import { openedToRead } from '../common/opened.ts';
import { sayLocalAlone } from '../common/remote.ts';
import { countOf, shortPath } from '../common/spec-name.ts';
import { allRuns } from '../runs/all-runs.ts';
import { otherLines, usageLines } from '../upkeep/usage-text.ts';

interface CacheFlags extends StoreFlags {
  all?: boolean;
}

/** Prints three tables and a total. Nothing is read but records and the outcomes of runs. */
export async function cache(_: [], { store, json, all = false }: CacheFlags, context: Context): Promise<number> {
  const { out } = context.terminal;
  const layout = layoutOf(await openedToRead(store, context));
  sayLocalAlone(context);
  const inventory = await inventoryOf(layout);
  const needs = allRuns(store).map((run) => needsOf(store, run));
  const usages = {
    stages: usageByStage(inventory),
    experiments: usageByExperiment(inventory),
    runs: usageByRun(inventory, needs),
  };
  const beside = {
    scratch: bytesBelow(layout.scratch('')),
    logs: bytesBelow(layout.logs),
    quarantine: bytesBelow(layout.quarantine('')),
  };
  const size_bytes = [...inventory.blobs.values()].reduce((sum, size) => sum + size, 0);
  const total = { artifacts: inventory.blobs.size, records: inventory.records.size, size_bytes, ...beside };
  if (json) out.write(`${JSON.stringify({ ...usages, total }, undefined, 1)}\n`);
  else {
    const what = `${countOf(total.artifacts, 'artifact')} of ${countOf(total.records, 'unit')}`;
    const lines = [
      ...(total.records > 0 ? usageLines('stage', usages.stages, all, out) : []),
      ...(total.records > 0 ? usageLines('experiment', usages.experiments, all, out) : []),
      ...(needs.length > 0 ? usageLines('run', usages.runs, all, out) : []),
      `${shortPath(layout.folder)}: ${formatBytes(size_bytes)} in ${what}`,
      ...otherLines(beside),
    ];
    out.write(`${lines.join('\n')}\n`);
  }
  return exitCodes.done;
}
