// The store in a folder.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode, UserError } from '../util/errors.ts';
import type { JsonObject } from '../util/json.ts';
import { Artifacts, checkWritten, type Problem } from './artifacts.ts';
import { closeAttempt, isWorkedOn, leftBehind, openAttempt, sweepAttempts, takeUp } from './attempts.ts';
import type { BlobRef } from './digest.ts';
import { type DigestMemo, fileMemo } from './digest-memo.ts';
import { createDurably, createTogether, fsyncFolder, writeDurably } from './durable.ts';
import { statOrNone } from './file-identity.ts';
import { Flusher } from './flusher.ts';
import type { SourceRef } from './hub-source.ts';
import { blobName, collectionKey, InUse, sweepInUse } from './in-use.ts';
import { type Layout, layoutOf } from './layout.ts';
import { defaultLeaseTimes, LeaseKeeper, type LeaseTimes } from './lease.ts';
import { inFolder } from './make-folder.ts';
import { outputsName } from './outputs-name.ts';
import { prepareFolder } from './prepare-folder.ts';
import { parseRecord, recordOf, recordText, type StoreRecord, sameOutputs, shapeProblem } from './record.ts';
import { digestSource } from './source-digest.ts';
import type {
  Attempt,
  Damage,
  Draft,
  Found,
  Lease,
  LocalStore,
  Look,
  Lookup,
  OpenArtifact,
  OpenedAttempt,
  Publication,
} from './store.ts';
import { sweepSubmissions } from './submissions.ts';
import { suspectsOf } from './suspects.ts';
import { temporaryName } from './temporary.ts';
import { guardedAsync, guardWrite } from './write-error.ts';

const recordEnding = '.json';
/** How often a process that waits for a collection looks whether it has ended. */
const collectionPoll_ms = 20;
const arriving = 'an artifact that comes from elsewhere';

export interface FileStoreOptions {
  /** `read` makes, changes and cleans nothing; a folder that does not exist is then an empty store. */
  mode: 'read' | 'write';
  /** False: what killed runs left stays where it is. Of ten thousand jobs, each would go through all that the others have. */
  sweep?: boolean;
  times?: LeaseTimes;
  /** Told in a sentence what was found damaged and mended when the store was opened. */
  say?: (sentence: string) => void;
}

/**
 * Opens the store in `folder`, making it where needed. Throws UserError when the folder cannot be written to, is
 * something else, or was written by a newer lamina. What killed runs left is removed.
 */
export async function openFileStore(folder: string, options: FileStoreOptions): Promise<LocalStore> {
  const layout = layoutOf(resolve(folder));
  prepareFolder(layout, options.mode, options.say ?? (() => {}));
  const store = new FileStore(layout, options);
  if (options.mode === 'write' && options.sweep !== false) await store.sweep();
  return store;
}

/** Records and leases are small files and handled synchronously: that is many times faster than in the thread pool. What waits for the disk is not. */
class FileStore implements LocalStore {
  readonly folder: string;
  readonly #layout: Layout;
  readonly #memo: DigestMemo;
  readonly #leases: LeaseKeeper;
  readonly #artifacts: Artifacts;
  readonly #writable: boolean;
  readonly #inUse: InUse;
  readonly #flusher = new Flusher();
  readonly #say: (sentence: string) => void;

  constructor(layout: Layout, options: FileStoreOptions) {
    this.folder = layout.folder;
    this.#layout = layout;
    this.#writable = options.mode === 'write';
    this.#memo = fileMemo(layout.memo, this.#writable);
    this.#inUse = new InUse(layout);
    this.#say = options.say ?? (() => {});
    this.#artifacts = new Artifacts(layout, this.#memo);
    this.#leases = new LeaseKeeper(layout.lease, options.times ?? defaultLeaseTimes);
  }

  async sweep(): Promise<void> {
    this.#leases.sweep();
    sweepInUse(this.#layout);
    await sweepAttempts(this.#layout, (key) => this.#leases.isHeld(key));
    sweepSubmissions(this.#layout);
  }

  /** Several keys are answered from a listing of their folders: on network file systems, a look for what is not there is dear and may be out of date. */
  async find(lookups: readonly Lookup[]): Promise<readonly Found[]> {
    await this.#need(lookups.map(({ key }) => key));
    const listed = lookups.length > 1 || lookups[0]?.fresh ? this.#listed(lookups) : undefined;
    return lookups.map((lookup) => (listed?.has(lookup.key) === false ? { status: 'miss' } : this.#find(lookup)));
  }

  /**
   * Keeps these from being collected while this store is open. Either a collection that begins sees that they are needed, or it has begun and
   * is waited for.
   */
  async #need(names: readonly string[]): Promise<void> {
    if (!this.#writable) return;
    this.#inUse.add(names);
    if (!this.#leases.isHeld(collectionKey)) return;
    this.#say(`'${this.folder}' is being collected by 'lamina gc': waiting for its end`);
    while (this.#leases.isHeld(collectionKey)) await sleep(collectionPoll_ms);
  }

  /** The keys that have a record, in all the folders in which one of `lookups` would lie. */
  #listed(lookups: readonly Lookup[]): ReadonlySet<string> {
    const folders = new Set(lookups.map(({ key }) => dirname(this.#layout.record(key))));
    return new Set([...folders].flatMap(namesIn).map((name) => name.slice(0, -recordEnding.length)));
  }

  #find({ key, shape, known }: Lookup): Found {
    const path = this.#layout.record(key);
    const text = readOrNone(path);
    if (text === undefined) return { status: 'miss' };
    const found = parseRecord(text, key, known);
    const problem = typeof found === 'string' ? found : shape && shapeProblem(found.record, shape);
    if (typeof found === 'string' || problem !== undefined) {
      if (this.#writable) this.#artifacts.putAside(path);
      return { status: 'damaged', detail: `the record '${path}' ${problem}` };
    }
    if (found.old && this.#writable) this.#renew(key, text, found.record);
    return { status: 'hit', record: found.record };
  }

  async check(artifact: BlobRef, look: Look): Promise<Damage | undefined> {
    const problem = await this.#artifacts.check(artifact, look);
    return problem && this.#condemn(artifact, problem);
  }

  known(artifact: BlobRef): string | undefined {
    return this.#artifacts.known(artifact);
  }

  remember(artifact: BlobRef, identity: string): void {
    this.#artifacts.remember(artifact, identity);
  }

  async open(artifact: BlobRef): Promise<OpenArtifact> {
    return { path: this.#layout.blob(artifact) };
  }

  get writable(): boolean {
    return this.#writable;
  }

  has(artifact: BlobRef): boolean {
    return statOrNone(this.#layout.blob(artifact)) !== undefined;
  }

  arrival(): string {
    const path = join(this.#layout.temporary, temporaryName());
    guardWrite(this.folder, arriving, () => {
      inFolder(this.folder, this.#layout.temporary, () => writeFileSync(path, '', { flag: 'wx' }));
    });
    return path;
  }

  async accept(artifact: BlobRef, path: string): Promise<void> {
    await this.#need([blobName(artifact)]);
    guardWrite(this.folder, arriving, () => fsyncFolder(this.#artifacts.place({ ...artifact, extension: '', path })));
  }

  refuse(artifact: BlobRef, path: string): string {
    return this.#artifacts.putAside(path, blobName(artifact));
  }

  async adopt(record: StoreRecord): Promise<StoreRecord> {
    if (!this.#writable) return record;
    const path = this.#layout.record(record.key);
    return guardWrite(this.folder, `the record of '${record.about.node}'`, () => {
      if (createDurably(path, recordText(record), this.#layout)) return record;
      const there = parseRecord(readOrNone(path) ?? '', record.key);
      if (typeof there !== 'string') return there.record;
      writeDurably(path, recordText(record), this.#layout);
      return record;
    });
  }

  digestSource(path: string, signal?: AbortSignal): Promise<SourceRef> {
    return digestSource(path, this.#memo, signal);
  }

  async lease(key: string): Promise<Lease | undefined> {
    if (key !== collectionKey) await this.#need([key]);
    if (isWorkedOn(this.#layout, key)) return undefined;
    return guardWrite(this.folder, 'a lease', () => this.#leases.acquire(key));
  }

  async openAttempt(keys: readonly string[], order: JsonObject): Promise<Attempt | undefined> {
    const what = 'the folder of an attempt';
    const attempt = await guardedAsync(this.folder, what, () => openAttempt(this.#layout, keys, order));
    if (attempt === undefined) return undefined;
    return { ...attempt, carriedBy: (carrier) => guardWrite(this.folder, what, () => attempt.carriedBy(carrier)) };
  }

  async leftBehind(key: string): Promise<OpenedAttempt | undefined> {
    return leftBehind(this.#layout, key);
  }

  async takeUp(key: string): Promise<OpenedAttempt | undefined> {
    return takeUp(this.#layout, key);
  }

  closeAttempt(attempt: Attempt): Promise<void> {
    return closeAttempt(this.#layout, attempt);
  }

  async publish(draft: Draft): Promise<Publication> {
    await this.#need([draft.key, ...Object.values(draft.outputs).map(blobName)]);
    const found: Publication['found'][number][] = [];
    for (const [name, output] of Object.entries(draft.outputs)) {
      const what = `the artifact '${name}' of '${draft.about.node}'`;
      const damage = await guardedAsync(this.folder, what, () => this.#place(output));
      if (damage !== undefined) found.push({ ...damage, artifact: output });
    }
    // also of those that were there: who has placed them may not have flushed their names yet
    const folders = Object.values(draft.outputs).map((output) => dirname(this.#layout.blob(output)));
    const publication = await this.#publishRecord(recordOf(draft), draft.replace, folders);
    this.#forgetState(draft.key);
    return { ...publication, found };
  }

  async *records(): AsyncIterable<StoreRecord> {
    for (const part of namesIn(join(this.folder, 'ac'))) {
      for (const name of namesIn(join(this.folder, 'ac', part))) {
        const text = name.endsWith(recordEnding) ? readOrNone(join(this.folder, 'ac', part, name)) : undefined;
        const found = text === undefined ? 'is gone' : parseRecord(text, name.slice(0, -recordEnding.length));
        if (typeof found !== 'string') yield found.record;
      }
    }
  }

  close(): void {
    this.#leases.releaseAll();
    this.#inUse.close();
  }

  /** Puts a damaged artifact aside, and first the records that it may have poisoned: whoever is killed in between finds both again. */
  async #condemn(artifact: BlobRef, { kind, detail, collected }: Problem): Promise<Damage> {
    const gone = kind === 'gone';
    if (gone || !this.#writable)
      return { detail, suspects: [], ...(collected && { collected }), ...(gone && { gone }) };
    const lastRead = this.#artifacts.lastRead(artifact);
    const suspects = kind === 'changed' ? await suspectsOf(this.records(), artifact, lastRead) : [];
    for (const { key } of suspects) this.#artifacts.putAside(this.#layout.record(key));
    this.#artifacts.putAside(this.#layout.blob(artifact));
    return { detail, suspects };
  }

  /** Bytes that lie in an output's place already are read before they are preferred to the new ones. */
  async #place(output: Draft['outputs'][string]): Promise<Damage | undefined> {
    checkWritten(output);
    const problem = await this.#artifacts.check(output, 'bytes');
    if (problem === undefined) {
      rmSync(output.path);
      return undefined;
    }
    const damage = await this.#condemn(output, problem);
    this.#artifacts.place(output);
    return problem.kind === 'gone' ? undefined : damage;
  }

  /** `folders`: where its artifacts have just been given their names. */
  async #publishRecord(
    record: StoreRecord,
    replace: boolean,
    folders: readonly string[],
  ): Promise<Omit<Publication, 'found'>> {
    const path = this.#layout.record(record.key);
    const write = (to: string, value: StoreRecord) => writeDurably(to, recordText(value), this.#layout);
    return guardedAsync(this.folder, `the record of '${record.about.node}'`, async () => {
      const isNew = await createTogether(path, recordText(record), this.#layout, this.#flusher, folders);
      if (isNew) return { status: 'published', record };
      const earlier = parseRecord(readOrNone(path) ?? '', record.key);
      if (typeof earlier === 'string') {
        write(path, record);
        return { status: 'published', record };
      }
      if (sameOutputs(earlier.record, record)) {
        // What was just made is known better than what was trusted.
        if (earlier.old || earlier.record.trusted.length > record.trusted.length) write(path, record);
        return { status: 'same', record: earlier.record };
      }
      const usable = await this.#isWhole(earlier.record);
      const [kept, other] = replace || !usable ? [record, earlier.record] : [earlier.record, record];
      write(this.#layout.alternative(record.key, outputsName(other)), other);
      if (kept === record) write(path, record);
      return { status: 'different', record: kept };
    });
  }

  async #isWhole({ outputs }: StoreRecord): Promise<boolean> {
    for (const output of Object.values(outputs)) {
      if ((await this.check(output, 'use')) !== undefined) return false;
    }
    return true;
  }

  /** Gives a record of version 1 its digest, unless somebody works on its key; the next who finds it tries again. */
  #renew(key: string, text: string, record: StoreRecord): void {
    try {
      const lease = this.#leases.acquire(key);
      if (lease === undefined) return;
      const path = this.#layout.record(key);
      if (readOrNone(path) === text) writeDurably(path, recordText(record), this.#layout);
      lease.release();
    } catch {
      // It can be read as it is.
    }
  }

  /** The state that a stage kept for resuming is of no use once its result is there. */
  #forgetState(key: string): void {
    try {
      rmSync(this.#layout.scratch(key), { recursive: true, force: true });
    } catch {
      // It takes room and nothing else.
    }
  }
}

/** What cannot be read off the disk reads as nothing that a record could be. */
function readOrNone(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return undefined;
    if (hasCode(error, 'EIO') || hasCode(error, 'EISDIR')) return '';
    if (hasCode(error, 'EACCES')) throw new UserError(`cannot read '${path}': permission denied`);
    throw error;
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return [];
    throw error;
  }
}
