// Reads a whole store over: artifacts and records are compared with their digests, and what is damaged is put aside.
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { UserError } from '../../util/errors.ts';
import { digestFile } from '../digest.ts';
import { fileIdentity, statOrNone } from '../file-identity.ts';
import { layoutOf } from '../layout.ts';
import { loadRun, lookForExperiments, lookForRuns } from '../runs/runs.ts';
import type { Store } from '../store.ts';
import { type Inventory, inventoryOf, type KeptRecord } from './inventory.ts';

/** Something that is not what was written. */
export interface Damaged {
  what: 'artifact' | 'record' | 'run';
  /** The artifact's or the record's name; of a run, the whole sentence. */
  name: string;
  detail: string;
  /** Whose it is: records that name the artifact, and those that were put aside with it. */
  records: readonly KeptRecord[];
}

export interface Verified {
  artifacts: number;
  records: number;
  read_bytes: number;
  damaged: readonly Damaged[];
  /** Artifacts that records name and that are not there: made again by whoever needs them. */
  absent: number;
  /** Paths where artifacts and records lie that are none; they are left alone. */
  strays: readonly string[];
}

export interface VerifyOptions {
  signal?: AbortSignal | undefined;
  told?: ((done_bytes: number, of_bytes: number) => void) | undefined;
}

/** So many records are read before Ctrl-C has its turn. */
const atOnce = 500;

/** The files that runs have. */
const runFiles = ['start', 'end', 'labels', 'plan', 'outcome', 'result'];

/** Compares everything. Rejects with the signal's reason when that is aborted; what was found by then has been put aside. */
export async function verifyStore(store: Store, { signal, told }: VerifyOptions = {}): Promise<Verified> {
  const inventory = await inventoryOf(layoutOf(store.folder), { signal });
  const artifacts = await verifyArtifacts(store, inventory, { signal, told });
  const records = await verifyRecords(store, inventory, signal);
  const named = [...inventory.records.values()].flatMap(({ outputs }) => outputs.map(({ blob }) => blob));
  return {
    artifacts: inventory.blobs.size,
    records: inventory.records.size + inventory.unreadable.length,
    read_bytes: artifacts.read_bytes,
    damaged: [...artifacts.damaged, ...records, ...verifyRuns(store.folder)],
    absent: new Set(named.filter((blob) => !inventory.blobs.has(blob))).size,
    strays: inventory.strays,
  };
}

async function verifyArtifacts(
  store: Store,
  { blobs, records }: Inventory,
  { signal, told }: VerifyOptions,
): Promise<{ read_bytes: number; damaged: Damaged[] }> {
  const layout = layoutOf(store.folder);
  const owners = ownersOf(records);
  const all = [...blobs.values()].reduce((sum, size) => sum + size, 0);
  const damaged: Damaged[] = [];
  let read_bytes = 0;
  for (const [name, size] of blobs) {
    const ref = { digest: name.slice(0, 64), size };
    const before = statOrNone(layout.blob(ref));
    if (before === undefined) continue; // collected meanwhile
    if (await isWhole(layout.blob(ref), ref, signal)) store.remember(ref, fileIdentity(before));
    else {
      const damage = await store.check(ref, 'bytes');
      const suspects = (damage?.suspects ?? []).flatMap(({ key }) => records.get(key) ?? []);
      const whose = [...new Set([...(owners.get(name) ?? []), ...suspects])];
      if (damage !== undefined) damaged.push({ what: 'artifact', name, detail: damage.detail, records: whose });
    }
    read_bytes += size;
    told?.(read_bytes, all);
  }
  return { read_bytes, damaged };
}

/** What cannot be read is not whole; why, `check` says. */
async function isWhole(path: string, { digest, size }: { digest: string; size: number }, signal?: AbortSignal) {
  try {
    const found = await digestFile(path, signal);
    return found.digest === digest && found.size === size;
  } catch (error) {
    if (signal?.aborted) throw error;
    return false;
  }
}

function ownersOf(records: Inventory['records']): Map<string, KeptRecord[]> {
  const owners = new Map<string, KeptRecord[]>();
  for (const record of records.values()) {
    for (const { blob } of record.outputs) {
      const known = owners.get(blob);
      if (known === undefined) owners.set(blob, [record]);
      else known.push(record);
    }
  }
  return owners;
}

async function verifyRecords(store: Store, inventory: Inventory, signal?: AbortSignal): Promise<Damaged[]> {
  const damaged: Damaged[] = [];
  for (const [i, key] of [...inventory.records.keys(), ...inventory.unreadable].entries()) {
    if (i % atOnce === 0) await nextTurn();
    signal?.throwIfAborted();
    const [found] = await store.find([{ key }]);
    if (found?.status === 'damaged') {
      const record = inventory.records.get(key);
      damaged.push({ what: 'record', name: key, detail: found.detail, records: record === undefined ? [] : [record] });
    }
  }
  return damaged;
}

/** A run's files are not made again, so they are named and left where they are. */
function verifyRuns(folder: string): Damaged[] {
  const runs = lookForExperiments(folder).names.flatMap((experiment) => {
    return lookForRuns(folder, experiment).names.map((run) => ({ experiment, run }));
  });
  return runs.flatMap(({ experiment, run }) =>
    runFiles.flatMap((name): Damaged[] => {
      try {
        loadRun(folder, experiment, run, name);
        return [];
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        const what = join(experiment, run, `${name}.json`);
        return [{ what: 'run', name: what, detail: error.message, records: [] }];
      }
    }),
  );
}
