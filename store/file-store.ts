// The store in a folder.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { hasCode, UserError } from '../util/errors.ts';
import { canonicalJson, type Json } from '../util/json.ts';
import { Artifacts } from './artifacts.ts';
import { closeAttempt, openAttempt, sweepAttempts } from './attempts.ts';
import { type BlobRef, sha256 } from './digest.ts';
import { type DigestMemo, fileMemo } from './digest-memo.ts';
import { createDurably, writeDurably } from './durable.ts';
import type { SourceRef } from './hub-source.ts';
import { type Layout, layoutOf } from './layout.ts';
import { defaultLeaseTimes, LeaseKeeper, type LeaseTimes } from './lease.ts';
import { prepareFolder } from './prepare-folder.ts';
import { parseRecord, type StoreRecord, sameOutputs } from './record.ts';
import { digestSource } from './source-digest.ts';
import type { Attempt, Draft, Found, Lease, Publication, Store } from './store.ts';
import { guardWrite } from './write-error.ts';

export interface FileStoreOptions {
  /** `read` makes, changes and cleans nothing; a folder that does not exist is then an empty store. */
  mode: 'read' | 'write';
  times?: LeaseTimes;
}

/**
 * Opens the store in `folder`, making it where needed. Throws UserError when the folder cannot be written to, is
 * something else, or was written by a newer lamina. What killed runs left is removed.
 */
export async function openFileStore(folder: string, options: FileStoreOptions): Promise<Store> {
  const layout = layoutOf(resolve(folder));
  prepareFolder(layout, options.mode);
  const store = new FileStore(layout, options);
  if (options.mode === 'write') await store.sweep();
  return store;
}

/** Records and leases are small files and handled synchronously: that is many times faster than in the thread pool. */
class FileStore implements Store {
  readonly folder: string;
  readonly #layout: Layout;
  readonly #memo: DigestMemo;
  readonly #leases: LeaseKeeper;
  readonly #artifacts: Artifacts;

  constructor(layout: Layout, options: FileStoreOptions) {
    this.folder = layout.folder;
    this.#layout = layout;
    const writable = options.mode === 'write';
    this.#memo = fileMemo(layout.memo, writable);
    this.#artifacts = new Artifacts(layout, this.#memo, writable);
    this.#leases = new LeaseKeeper(layout.lease, options.times ?? defaultLeaseTimes);
  }

  async sweep(): Promise<void> {
    this.#leases.sweep();
    await sweepAttempts(this.#layout, (key) => this.#leases.isHeld(key));
  }

  async find(key: string): Promise<Found> {
    const path = this.#layout.record(key);
    const text = readOrNone(path);
    if (text === undefined) return { status: 'miss' };
    const record = parseRecord(text, key);
    if (typeof record === 'string') {
      this.#artifacts.putAside(path);
      return { status: 'damaged', detail: `the record '${path}' ${record}` };
    }
    const problem = await this.#artifacts.check(record);
    return problem === undefined ? { status: 'hit', record } : { status: 'damaged', detail: problem };
  }

  pathOf(artifact: BlobRef): string {
    return this.#layout.blob(artifact);
  }

  digestSource(path: string, signal?: AbortSignal): Promise<SourceRef> {
    return digestSource(path, this.#memo, signal);
  }

  async lease(key: string): Promise<Lease | undefined> {
    return guardWrite(this.folder, 'a lease', () => this.#leases.acquire(key));
  }

  async openAttempt(keys: readonly string[], worker: number): Promise<Attempt> {
    try {
      return await openAttempt(this.#layout, keys, worker);
    } catch (error) {
      return guardWrite(this.folder, 'the folder of an attempt', () => {
        throw error;
      });
    }
  }

  closeAttempt(attempt: Attempt, keep: 'nothing' | 'log'): void {
    guardWrite(this.folder, 'the folder of an attempt', () => closeAttempt(this.#layout, attempt, keep));
  }

  async publish(draft: Draft): Promise<Publication> {
    for (const [name, output] of Object.entries(draft.outputs)) {
      guardWrite(this.folder, `the artifact '${name}' of '${draft.about.node}'`, () => this.#artifacts.place(output));
    }
    const publication = await this.#publishRecord(recordOf(draft), draft.replace);
    rmSync(this.#layout.scratch(draft.key), { recursive: true, force: true });
    return publication;
  }

  async *records(): AsyncIterable<StoreRecord> {
    for (const part of namesIn(join(this.folder, 'ac'))) {
      for (const name of namesIn(join(this.folder, 'ac', part))) {
        const text = name.endsWith('.json') ? readOrNone(join(this.folder, 'ac', part, name)) : undefined;
        const record = text === undefined ? undefined : parseRecord(text, name.slice(0, -'.json'.length));
        if (record !== undefined && typeof record !== 'string') yield record;
      }
    }
  }

  close(): void {
    this.#leases.releaseAll();
  }

  async #publishRecord(record: StoreRecord, replace: boolean): Promise<Publication> {
    const path = this.#layout.record(record.key);
    const write = (to: string, value: StoreRecord) => writeDurably(to, recordText(value));
    return guardedAsync(this.folder, `the record of '${record.about.node}'`, async () => {
      if (createDurably(path, recordText(record))) return { status: 'published', record };
      const earlier = parseRecord(readOrNone(path) ?? '', record.key);
      if (typeof earlier === 'string') {
        write(path, record);
        return { status: 'published', record };
      }
      if (sameOutputs(earlier, record)) return { status: 'same', record: earlier };
      const usable = (await this.#artifacts.check(earlier)) === undefined;
      const [kept, other] = replace || !usable ? [record, earlier] : [earlier, record];
      write(this.#layout.alternative(record.key, outputsName(other)), other);
      if (kept === record) write(path, record);
      return { status: 'different', record: kept };
    });
  }
}

async function guardedAsync<T>(folder: string, what: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    return guardWrite(folder, what, () => {
      throw error;
    });
  }
}

function recordOf({ key, preimage, outputs, facts, about }: Draft): StoreRecord {
  const refs = Object.entries(outputs).map(([name, { digest, size, extension }]) => [
    name,
    { digest, size, extension },
  ]);
  return { format: 'lamina-record', version: 1, key, preimage, outputs: Object.fromEntries(refs), facts, about };
}

function recordText(record: StoreRecord): string {
  return `${JSON.stringify(record, undefined, 1)}\n`;
}

function outputsName(record: StoreRecord): string {
  return sha256(canonicalJson(record.outputs as unknown as Json)).slice(0, 16);
}

function readOrNone(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    if (hasCode(error, 'EACCES')) throw new UserError(`cannot read '${path}': permission denied`);
    throw error;
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}
