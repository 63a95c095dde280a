// What comes from a shared store: records that are whole, artifacts whose bytes are those of their names, and what is known of both.
import { rmSync } from 'node:fs';
import { ignoringErrors } from '../../util/ignoring-errors.ts';
import type { BlobRef } from '../digest.ts';
import { blobName } from '../in-use.ts';
import { parseRecord, type StoreRecord } from '../record.ts';
import type { LocalStore } from '../store.ts';
import { Arrival } from './arrival.ts';
import type { Link } from './link.ts';
import { checkMarker } from './marker.ts';
import { blobAt, keyOf, recordAt, recordFolder } from './names.ts';

/** A record is small; a larger file is none. */
export const largestRecord_bytes = 2 ** 24;
/** A file that came out wrong is asked for once more: it may have been the way. */
const fetchTries = 2;

/** Of an artifact: whole or of the right size, not to be had, or of other bytes than its name says. */
export type Presence = 'here' | 'absent' | 'wrong';

export class Inbound {
  /** Keys whose records there are not to be believed: damaged, or made of damaged bytes here. */
  readonly doubted = new Set<string>();
  /** What was fetched. */
  fetched = 0;
  fetched_bytes = 0;
  readonly #local: LocalStore;
  readonly #link: Link;
  readonly #say: (sentence: string) => void;
  readonly #fetches = new Map<string, Promise<Presence>>();
  /** Artifacts that were seen there, by name, and those that came out with other bytes. */
  readonly #seen = new Map<string, 'here' | 'wrong'>();
  #marker: Promise<void> | undefined;

  constructor(local: LocalStore, link: Link, say: (sentence: string) => void) {
    this.#local = local;
    this.#link = link;
    this.#say = say;
  }

  /** The records of these keys that are there and whole. */
  async records(keys: readonly string[]): Promise<Map<string, StoreRecord>> {
    const listed = keys.length > this.#link.bucket.mostAsked ? await this.#listed(keys) : undefined;
    const records = new Map<string, StoreRecord>();
    await Promise.all(
      keys.map(async (key) => {
        const record = listed?.has(key) === false ? undefined : await this.record(key);
        if (record !== undefined) records.set(key, record);
      }),
    );
    return records;
  }

  /** The record of a key; one that is damaged is told, and not asked for again. */
  async record(key: string): Promise<StoreRecord | undefined> {
    await this.needMarker();
    const bytes = await this.#link.ask('read', (bucket) => bucket.read(recordAt(key), largestRecord_bytes), undefined);
    if (bytes === undefined) return undefined;
    const read = parseRecord(bytes.toString('utf8'), key);
    if (typeof read !== 'string' && !read.old) return read.record;
    const problem = typeof read === 'string' ? read : 'has no digest of its own';
    const way = this.#link.isOpen('write') ? ', and written anew with the result' : '';
    this.doubted.add(key);
    this.#say(`the record '${recordAt(key)}' in '${this.#link.bucket.name}' ${problem}: it is not used${way}`);
    return undefined;
  }

  /** Whether an artifact is there, by its size. */
  async look(artifact: BlobRef): Promise<Presence> {
    const known = this.#seen.get(blobName(artifact));
    if (known === 'wrong' || (known === 'here' && this.#link.isOpen('read'))) return known; // seen is not to be had
    await this.needMarker();
    const size = await this.#link.ask('read', (bucket) => bucket.size(blobAt(artifact)), undefined);
    if (size === undefined) return 'absent';
    const presence = size === artifact.size ? 'here' : 'wrong';
    this.#seen.set(blobName(artifact), presence);
    return presence;
  }

  /** Takes note that an artifact has just been written there. */
  written(artifact: BlobRef): void {
    this.#seen.set(blobName(artifact), 'here');
  }

  /** Puts an artifact into the local store; many that need one fetch it once. */
  fetch(artifact: BlobRef): Promise<Presence> {
    const name = blobName(artifact);
    const fetch = this.#fetches.get(name) ?? this.#fetch(artifact).finally(() => this.#fetches.delete(name));
    this.#fetches.set(name, fetch);
    return fetch;
  }

  /** Before anything else: a store of a later version is not misread. Throws UserError for one, whether the place is required or not. */
  needMarker(): Promise<void> {
    this.#marker ??= this.#link.ask('read', checkMarker, undefined).then(() => undefined);
    return this.#marker;
  }

  async #listed(keys: readonly string[]): Promise<ReadonlySet<string>> {
    await this.needMarker();
    const folders = [...new Set(keys.map(recordFolder))];
    const names = await Promise.all(
      folders.map((folder) => this.#link.ask('read', (bucket) => bucket.list(folder), [])),
    );
    return new Set(names.flat().flatMap((name) => keyOf(name) ?? []));
  }

  async #fetch(artifact: BlobRef): Promise<Presence> {
    if (this.#seen.get(blobName(artifact)) === 'wrong') return 'wrong';
    await this.needMarker();
    for (let left = fetchTries - 1; ; left--) {
      const path = this.#local.arrival();
      try {
        const came = await this.#receive(artifact, path);
        if (came === undefined) {
          this.#seen.delete(blobName(artifact));
          return 'absent';
        }
        if (came.digest === artifact.digest && came.size === artifact.size) return await this.#accept(artifact, path);
        if (left === 0) return this.#refuse(artifact, path);
      } finally {
        ignoringErrors(() => rmSync(path, { force: true }));
      }
    }
  }

  /** What came, whatever it is: one byte too many is enough to know. Undefined where nothing is to be had. */
  #receive(artifact: BlobRef, path: string): Promise<BlobRef | undefined> {
    return this.#link.transfer(
      'read',
      async (bucket) => {
        const arrival = await Arrival.open(this.#local.folder, path, artifact);
        try {
          return (await bucket.download(blobAt(artifact), arrival, artifact.size + 1))
            ? await arrival.end()
            : undefined;
        } finally {
          await arrival.close();
        }
      },
      undefined,
    );
  }

  async #accept(artifact: BlobRef, path: string): Promise<'here'> {
    await this.#local.accept(artifact, path);
    this.written(artifact);
    this.fetched++;
    this.fetched_bytes += artifact.size;
    return 'here';
  }

  #refuse(artifact: BlobRef, path: string): 'wrong' {
    this.#seen.set(blobName(artifact), 'wrong');
    const place = this.#local.refuse(artifact, path);
    const what = `'${blobAt(artifact)}' in '${this.#link.bucket.name}'`;
    this.#say(`${what} has other bytes than its name says: they are not used, and lie in '${place}'`);
    return 'wrong';
  }
}
