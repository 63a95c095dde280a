// What runs need of a store: the records of all that they were made of, and the artifacts that somebody may still read.
import { UserError } from '../../util/errors.ts';
import { isObject } from '../../util/json.ts';
import { decodePlan } from '../runs/plan-file.ts';
import { loadRun } from '../runs/runs.ts';
import type { Inventory, KeptRecord } from './inventory.ts';

/** A run by its name. */
export interface RunName {
  experiment: string;
  run: string;
}

/** What one run needs. */
export interface RunNeeds extends RunName {
  /** The keys of all its units by plan node; undefined for one that left no outcome: it may need any record of its experiment. */
  units: ReadonlyMap<string, readonly string[]> | undefined;
  /** Outputs that every unit which reads them has used, as `node output`; none where something is left to be done. */
  used: ReadonlySet<string>;
}

/** What is kept of a store, by keys and blobs. */
export interface Roots {
  records: ReadonlySet<string>;
  /** Artifacts of these records that are read or shown, or may be. */
  blobs: ReadonlySet<string>;
}

/** What a run needs, by its own files; one that is damaged needs what one without an outcome does. */
export function needsOf(store: string, { experiment, run }: RunName): RunNeeds {
  const nothing = { experiment, run, units: undefined, used: new Set<string>() };
  try {
    const outcome = loadRun(store, experiment, run, 'outcome');
    if (outcome === undefined || !Array.isArray(outcome.nodes)) return nothing;
    const units = new Map<string, readonly string[]>();
    for (const node of outcome.nodes) {
      if (isObject(node) && typeof node.node === 'string') units.set(node.node, keysOf(node.units));
    }
    return {
      ...nothing,
      units,
      used: outcome.status === 'done' ? usedOutputs(store, { experiment, run }) : nothing.used,
    };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return nothing;
  }
}

function keysOf(units: unknown): string[] {
  const all = Array.isArray(units) ? units : [];
  return all.flatMap((unit) => (isObject(unit) && typeof unit.key === 'string' ? [unit.key] : []));
}

/** Of a run that is done: outputs that other stages read and no cell shows. */
function usedOutputs(store: string, { experiment, run }: RunName): ReadonlySet<string> {
  const kept = loadRun(store, experiment, run, 'plan');
  if (kept === undefined) return new Set();
  const { nodes, cells } = decodePlan(kept, `the plan of run '${experiment}@${run}'`);
  const read = nodes.flatMap(({ inputs }) => Object.values(inputs).map(({ node, output }) => `${node} ${output}`));
  const shown = new Set(cells.map(({ node, output }) => `${node} ${output}`));
  return new Set(read.filter((each) => !shown.has(each)));
}

/** What the given runs need, and what living processes do (`inUse`: keys and blobs). */
export function rootsOf(
  { records }: Pick<Inventory, 'records'>,
  runs: readonly RunNeeds[],
  inUse: ReadonlySet<string>,
): Roots {
  const kept = { records: new Set<string>(), blobs: new Set<string>() };
  const keep = (record: KeptRecord | undefined, isUsed: (output: string) => boolean = () => false) => {
    if (record === undefined) return;
    kept.records.add(record.key);
    // numbers are small, and what tables show: they are never taken away
    for (const { name, blob, extension } of record.outputs) {
      if (extension === 'json' || !isUsed(name)) kept.blobs.add(blob);
    }
  };
  const whole = new Set(runs.filter(({ units }) => units === undefined).map(({ experiment }) => experiment));
  for (const record of records.values()) if (whole.has(record.experiment)) keep(record);
  for (const { units, used } of runs) {
    for (const [node, keys] of units ?? []) {
      for (const key of keys) keep(records.get(key), (output) => used.has(`${node} ${output}`));
    }
  }
  for (const name of inUse) {
    if (records.has(name)) keep(records.get(name));
    else kept.blobs.add(name);
  }
  return kept;
}
