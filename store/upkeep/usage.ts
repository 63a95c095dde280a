// What the artifacts of a store take, by whose they are: a pure function of what is there.
import type { Inventory, KeptRecord } from './inventory.ts';
import type { RunNeeds } from './roots.ts';

/** What one owner (a stage, an experiment, a run) has. */
export interface Usage {
  name: string;
  records: number;
  /** Of all artifacts that its records name and that are there, each once. */
  size_bytes: number;
  /** Of those that no other owner of the same kind has: what is free when it goes. */
  own_bytes: number;
}

/** Bytes that some owners have together, or none. */
export interface Usages {
  owners: readonly Usage[];
  /** Artifacts of several owners, each once. */
  shared_bytes: number;
  /** Artifacts that no owner has. */
  unowned_bytes: number;
}

/** By the definitions of stages, largest first. */
export function usageByStage({ records, blobs }: Inventory): Usages {
  return usageOf(
    blobs,
    groupBy(records, ({ use }) => use),
  );
}

/** By the experiments that made it. */
export function usageByExperiment({ records, blobs }: Inventory): Usages {
  return usageOf(
    blobs,
    groupBy(records, ({ experiment }) => experiment),
  );
}

/** By the runs that were made of it; a run without an outcome has none that is known. */
export function usageByRun({ records, blobs }: Inventory, runs: readonly RunNeeds[]): Usages {
  const owners = new Map<string, Set<KeptRecord>>();
  for (const { experiment, run, units } of runs) {
    const keys = [...(units?.values() ?? [])].flat();
    owners.set(`${experiment}@${run}`, new Set(keys.flatMap((key) => records.get(key) ?? [])));
  }
  return usageOf(blobs, owners);
}

function groupBy(records: Inventory['records'], nameOf: (record: KeptRecord) => string): Map<string, Set<KeptRecord>> {
  const groups = new Map<string, Set<KeptRecord>>();
  for (const record of records.values()) {
    const group = groups.get(nameOf(record)) ?? new Set();
    groups.set(nameOf(record), group.add(record));
  }
  return groups;
}

function usageOf(blobs: Inventory['blobs'], groups: ReadonlyMap<string, ReadonlySet<KeptRecord>>): Usages {
  const named = new Map([...groups].map(([name, records]) => [name, blobsOf(records, blobs)]));
  const owners = new Map<string, number>();
  for (const own of named.values()) for (const blob of own) owners.set(blob, (owners.get(blob) ?? 0) + 1);
  const bytesOf = (names: Iterable<string>) => {
    let sum = 0;
    for (const name of names) sum += blobs.get(name) ?? 0;
    return sum;
  };
  const usages = [...named].map(([name, own]): Usage => {
    const alone = [...own].filter((blob) => owners.get(blob) === 1);
    const records = groups.get(name)?.size ?? 0;
    return { name, records, size_bytes: bytesOf(own), own_bytes: bytesOf(alone) };
  });
  const shared = [...owners].filter(([, count]) => count > 1).map(([blob]) => blob);
  const unowned = [...blobs.keys()].filter((blob) => !owners.has(blob));
  return { owners: usages.sort(bySize), shared_bytes: bytesOf(shared), unowned_bytes: bytesOf(unowned) };
}

function blobsOf(records: ReadonlySet<KeptRecord>, blobs: Inventory['blobs']): Set<string> {
  const own = new Set<string>();
  for (const { outputs } of records) for (const { blob } of outputs) if (blobs.has(blob)) own.add(blob);
  return own;
}

function bySize(a: Usage, b: Usage): number {
  return b.size_bytes - a.size_bytes || (a.name < b.name ? -1 : 1);
}
