// What a store takes: by stage, by experiment, by run, and beside its artifacts.
import { layoutOf } from '../../store/layout.ts';
import { bytesBelow, inventoryOf } from '../../store/upkeep/inventory.ts';
import { needsOf } from '../../store/upkeep/roots.ts';
import { type Usages, usageByExperiment, usageByRun, usageByStage } from '../../store/upkeep/usage.ts';
import { allRuns } from '../runs/all-runs.ts';
import type { OtherBytes } from './usage-text.ts';

export interface StoreUsage {
  usages: { stages: Usages; experiments: Usages; runs: Usages };
  beside: OtherBytes;
  total: { artifacts: number; records: number; size_bytes: number } & OtherBytes;
  /** How many there are. */
  runs: number;
}

/** Nothing is read but records and the outcomes of runs. `folder` is a store that was opened once, or none yet. */
export async function storeUsage(folder: string): Promise<StoreUsage> {
  const layout = layoutOf(folder);
  const inventory = await inventoryOf(layout);
  const needs = allRuns(folder).map((run) => needsOf(folder, run));
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
  return { usages, beside, total, runs: needs.length };
}
