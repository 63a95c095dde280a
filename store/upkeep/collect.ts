// Takes away what a collection has named: records first, so that a kill in between leaves artifacts that the next collection finds.
import { rmSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { hasCode, UserError } from '../../util/errors.ts';
import { namesIn } from '../../util/names-in.ts';
import { noteCollected } from '../collected.ts';
import { collectionKey, readInUse } from '../in-use.ts';
import { type Layout, layoutOf } from '../layout.ts';
import type { Store } from '../store.ts';
import { guardWrite } from '../write-error.ts';
import { bytesBelow, filesIn, type Inventory, inventoryOf } from './inventory.ts';
import { needsOfJobs } from './jobs.ts';
import { type Leftover, leftoversOf } from './leftovers.ts';
import { type Collection, type CollectionOptions, planCollection } from './plan-collection.ts';
import { type RunNeeds, rootsOf } from './roots.ts';

export interface CollectOptions extends CollectionOptions {
  /** What is kept: asked when nothing is looked up or published any more. */
  runs: () => readonly RunNeeds[];
  /** Ends between two files; what is gone by then is gone, and the store is whole. */
  signal?: AbortSignal | undefined;
  told?: ((records: number) => void) | undefined;
}

export interface Collected extends Collection {
  inventory: Inventory;
  /** Bytes of what was put aside as damaged. */
  quarantine_bytes: number;
  /** States and logs that nobody will go on with. */
  leftovers: readonly Leftover[];
}

/** So many files go before others have their turn: the heartbeat of the lease, Ctrl-C. */
const atOnce = 200;

/** What a collection would take away now; changes nothing. */
export async function previewCollection(folder: string, options: CollectOptions): Promise<Collected> {
  return look(layoutOf(folder), options);
}

/**
 * Takes away what nothing needs. Processes that use the store wait meanwhile. Throws UserError while another collection is under way, and
 * rejects with the signal's reason when that is aborted.
 */
export async function collect(store: Store, options: CollectOptions): Promise<Collected> {
  const lease = await store.lease(collectionKey);
  if (lease === undefined)
    throw new UserError(`'${store.folder}' is being collected by another 'lamina gc': wait for its end`);
  try {
    const layout = layoutOf(store.folder);
    const found = await look(layout, options);
    const isHeld = () => {
      options.signal?.throwIfAborted();
      if (!lease.isHeld()) throw new UserError(`another process has taken over the collection of '${store.folder}'`);
    };
    await takeAway(layout, found, isHeld);
    return found;
  } finally {
    lease.release();
  }
}

async function look(layout: Layout, options: CollectOptions): Promise<Collected> {
  const jobs = needsOfJobs(layout);
  const inUse = new Set([...readInUse(layout), ...jobs.names]);
  const inventory = await inventoryOf(layout, options);
  const runs = [...options.runs(), ...jobs.runs];
  const collection = planCollection(inventory, rootsOf(inventory, runs, inUse), options);
  const leftovers = leftoversOf(layout, inventory, runs, inUse);
  return { ...collection, inventory, leftovers, quarantine_bytes: bytesBelow(layout.quarantine('')) };
}

async function takeAway(
  layout: Layout,
  { loose, taken, leftovers, inventory }: Collected,
  isHeld: () => void,
): Promise<void> {
  const used = taken.filter(({ reason }) => reason === 'intermediate').flatMap(({ blobs }) => blobs);
  noteCollected(layout, used, (blob) => inventory.blobs.has(blob));
  const unused = taken.filter(({ reason }) => reason === 'unused');
  const keys = new Set(unused.map(({ record }) => record.key));
  const others = [...filesIn(join(layout.folder, 'ac-alt'))].filter(({ name }) => keys.has(name.split('.')[0] ?? ''));
  const paths = [
    ...unused.map(({ record }) => layout.record(record.key)),
    ...others.map(({ path }) => path),
    ...unused.map(({ record }) => layout.logsOf(record.key)),
    ...[...loose, ...taken.flatMap(({ blobs }) => blobs)].map((blob) => blobPath(layout, blob)),
    ...leftovers.map(({ path }) => path),
    ...namesIn(layout.quarantine('')).map((name) => layout.quarantine(name)),
  ];
  for (const [i, path] of paths.entries()) {
    if (i % atOnce === 0) {
      await nextTurn();
      isHeld();
    }
    guardWrite(layout.folder, 'the removal of a file', () => remove(path));
  }
}

function blobPath(layout: Layout, blob: string): string {
  const [digest = '', size] = blob.split('-');
  return layout.blob({ digest, size: Number(size) });
}

/** A link is removed, and never what it leads to. */
function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return; // another process put it aside
    rmSync(path, { force: true, recursive: true }); // a folder: logs, or what was put aside
  }
}
