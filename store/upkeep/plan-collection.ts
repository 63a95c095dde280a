// Which records and artifacts a collection takes away: a pure function of what is there and what is kept.
import type { Inventory, KeptRecord } from './inventory.ts';
import type { Roots } from './roots.ts';

export interface CollectionOptions {
  /** Also artifacts of kept records that every unit which reads them has used; of these stages alone, where some are named. */
  intermediate?: { stages: readonly string[] } | undefined;
  /** Take away no more than is needed for artifacts to have at most so many bytes together, the oldest first. */
  quota_bytes?: number | undefined;
}

/** Why something is taken away. `unused`: no kept run was made of it; `intermediate`: its record stays. */
export type Reason = 'unused' | 'intermediate';

/** A record whose artifacts, or which itself, is taken away. */
export interface Taken {
  record: KeptRecord;
  reason: Reason;
  /** The artifacts that go with it, each in one entry of a collection only. */
  blobs: readonly string[];
  size_bytes: number;
}

export interface Collection {
  /** Artifacts that no record names. */
  loose: readonly string[];
  taken: readonly Taken[];
  /** Of all artifacts, before. */
  before_bytes: number;
  freed_bytes: number;
}

/** What a collection would take away, in the order in which it does. */
export function planCollection(inventory: Inventory, roots: Roots, options: CollectionOptions = {}): Collection {
  const { records, blobs } = inventory;
  const before_bytes = sum(blobs.values());
  const left = countOwners(records);
  const loose = [...blobs.keys()].filter((blob) => !left.has(blob) && !roots.blobs.has(blob));
  const budget = new Budget(before_bytes - (options.quota_bytes ?? 0), sum(loose.map((blob) => blobs.get(blob) ?? 0)));
  const taken: Taken[] = [];
  const take = (record: KeptRecord, reason: Reason, gone: readonly string[]) => {
    const size_bytes = sum(gone.map((blob) => blobs.get(blob) ?? 0));
    taken.push({ record, reason, blobs: gone, size_bytes });
    budget.freed_bytes += size_bytes;
  };
  const isOpen = () => options.quota_bytes === undefined || budget.isOpen();
  const unused = [...records.values()].filter(({ key }) => !roots.records.has(key)).sort(byAge);
  for (const record of unused) {
    if (!isOpen()) break;
    take(
      record,
      'unused',
      release(record, left, roots).filter((blob) => blobs.has(blob)),
    );
  }
  if (options.intermediate !== undefined) takeIntermediate(inventory, roots, options.intermediate.stages, isOpen, take);
  return { loose, taken, before_bytes, freed_bytes: budget.freed_bytes };
}

/** Bytes that are to be freed, and that are. */
class Budget {
  readonly #wanted_bytes: number;
  freed_bytes: number;

  constructor(wanted_bytes: number, freed_bytes: number) {
    this.#wanted_bytes = wanted_bytes;
    this.freed_bytes = freed_bytes;
  }

  isOpen(): boolean {
    return this.freed_bytes < this.#wanted_bytes;
  }
}

/** An artifact that several records have goes when none of them needs it, and not before. */
function takeIntermediate(
  { records, blobs }: Inventory,
  roots: Roots,
  stages: readonly string[],
  isOpen: () => boolean,
  take: (record: KeptRecord, reason: Reason, gone: readonly string[]) => void,
): void {
  const isMeant = ({ use, stage }: KeptRecord) => stages.length === 0 || stages.includes(use) || stages.includes(stage);
  const kept = [...records.values()].filter(({ key }) => roots.records.has(key)).sort(byAge);
  const needed = new Set(kept.filter((record) => !isMeant(record)).flatMap(blobsOf));
  const gone = new Set<string>();
  for (const record of kept.filter(isMeant)) {
    if (!isOpen()) return;
    const own = blobsOf(record).filter((blob) => {
      return blobs.has(blob) && !roots.blobs.has(blob) && !needed.has(blob) && !gone.has(blob);
    });
    for (const blob of own) gone.add(blob);
    if (own.length > 0) take(record, 'intermediate', own);
  }
}

/** How many records name each blob. */
function countOwners(records: Inventory['records']): Map<string, number> {
  const owners = new Map<string, number>();
  for (const record of records.values())
    for (const blob of blobsOf(record)) owners.set(blob, (owners.get(blob) ?? 0) + 1);
  return owners;
}

/** The blobs that nobody names any more when this record is gone. */
function release(record: KeptRecord, owners: Map<string, number>, roots: Roots): string[] {
  return blobsOf(record).filter((blob) => {
    const left = (owners.get(blob) ?? 1) - 1;
    owners.set(blob, left);
    return left === 0 && !roots.blobs.has(blob);
  });
}

function blobsOf({ outputs }: KeptRecord): string[] {
  return [...new Set(outputs.map(({ blob }) => blob))];
}

function byAge(a: KeptRecord, b: KeptRecord): number {
  if (a.finished !== b.finished) return a.finished < b.finished ? -1 : 1;
  return a.key < b.key ? -1 : 1;
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
