// A local store with a place behind it that several machines share: records and artifacts are looked for there, and what is made here goes there.
import { rmSync } from 'node:fs';
import { ignoringErrors } from '../../util/ignoring-errors.ts';
import type { JsonObject } from '../../util/json.ts';
import type { BlobRef } from '../digest.ts';
import type { SourceRef } from '../hub-source.ts';
import { blobName } from '../in-use.ts';
import type { LeaseTimes } from '../lease.ts';
import { outputsName } from '../outputs-name.ts';
import { parseRecord, recordText, type StoreRecord, sameOutputs, shapeProblem } from '../record.ts';
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
  Store,
} from '../store.ts';
import { Arrival } from './arrival.ts';
import { type Bucket, RemoteError, WrongBytes } from './bucket.ts';
import { type RemoteLease, RemoteLeases } from './leases.ts';
import { Link } from './link.ts';
import { checkMarker, markerText } from './marker.ts';
import { alternativeAt, blobAt, keyOf, markerName, recordAt, recordFolder } from './names.ts';
import { type Conditions, probeConditions } from './probe.ts';
import { Uploads } from './uploads.ts';

/** A record is small; a larger file is none. */
const largestRecord_bytes = 2 ** 24;
/** A file that came out wrong is asked for once more: it may have been the way. */
const fetchTries = 2;

export interface SharedOptions {
  bucket: Bucket;
  /** Read from there, and write nothing. */
  readOnly?: boolean | undefined;
  /** Stop with an error where the place does not do what it should; otherwise the local store is gone on with. */
  required?: boolean | undefined;
  say: (sentence: string) => void;
  /** Ends whatever is under way: the local store is gone on with, to stop. */
  signal: AbortSignal;
  leaseTimes?: LeaseTimes | undefined;
  rest_ms?: number | undefined;
  mostUploads?: number | undefined;
}

/** What has gone to and fro. */
export interface Traffic {
  /** Records that were found there and not here. */
  found: number;
  /** Artifacts that were fetched, and their bytes. */
  fetched: number;
  fetched_bytes: number;
  /** Units that were written there, or were there with the same result. */
  shared: number;
}

/** The store that the runner sees. */
export class SharedStore implements Store {
  readonly folder: string;
  /** The shared place, as people write it. */
  readonly name: string;
  readonly traffic: Traffic = { found: 0, fetched: 0, fetched_bytes: 0, shared: 0 };
  readonly #local: LocalStore;
  readonly #link: Link;
  readonly #say: (sentence: string) => void;
  readonly #leases: RemoteLeases;
  readonly #uploads: Uploads;
  readonly #fetches = new Map<string, Promise<'here' | 'absent' | 'wrong'>>();
  /** Artifacts of which it is known that they are there, by name. */
  readonly #there = new Set<string>();
  /** Artifacts that came out with other bytes: not taken from there any more, and written anew. */
  readonly #wrong = new Set<string>();
  /** Keys whose records there are not to be believed: damaged, or made of damaged bytes here. */
  readonly #doubted = new Set<string>();
  /** Keys that are known to have their record there. */
  readonly #known = new Set<string>();
  /** Why a unit that was made here is not there, by key. */
  readonly #unshared = new Map<string, string>();
  /** What was to be written there and failed where that ends everything. */
  #failure: RemoteError | undefined;
  #marker: Promise<void> | undefined;
  #conditions: Promise<Conditions | undefined> | undefined;

  constructor(
    local: LocalStore,
    { bucket, readOnly = false, required = false, say, signal, ...options }: SharedOptions,
  ) {
    this.folder = local.folder;
    this.name = bucket.name;
    this.#local = local;
    this.#say = say;
    this.#link = new Link({
      bucket,
      readOnly: readOnly || !local.writable,
      required,
      say,
      signal,
      rest_ms: options.rest_ms,
    });
    this.#leases = new RemoteLeases(bucket, options.leaseTimes);
    this.#uploads = new Uploads(options.mostUploads);
  }

  async find(lookups: readonly Lookup[]): Promise<readonly Found[]> {
    const found = await this.#local.find(lookups);
    const missing = lookups.filter(({ key }, i) => found[i]?.status !== 'hit' && !this.#doubted.has(key));
    if (missing.length === 0) return found;
    const records = await this.#records([...new Set(missing.map(({ key }) => key))]);
    const answers: Found[] = [];
    for (const [i, { key, shape }] of lookups.entries()) {
      const here = found[i] as Found;
      const record = here.status === 'hit' ? undefined : records.get(key);
      const isOfShape = record !== undefined && (shape === undefined || shapeProblem(record, shape) === undefined);
      answers.push(isOfShape ? await this.#adopt(record) : here);
    }
    return answers;
  }

  async check(artifact: BlobRef, look: Look): Promise<Damage | undefined> {
    const damage = await this.#local.check(artifact, look);
    // what was put aside here is told: it may have records in its train that must not be believed any more
    if (damage === undefined || damage.gone !== true) {
      await this.#withdraw(damage?.suspects ?? []);
      return damage;
    }
    const isFetched = look !== 'glance' && this.#local.writable;
    const state = isFetched ? await this.#fetch(artifact) : await this.#look(artifact);
    if (state === 'here') return undefined;
    return state === 'wrong' ? { ...damage, detail: `has other bytes than its name says in '${this.name}'` } : damage;
  }

  async open(artifact: BlobRef): Promise<OpenArtifact> {
    if (this.#local.writable && !this.#local.has(artifact)) await this.#fetch(artifact);
    return this.#local.open(artifact);
  }

  async lease(key: string): Promise<Lease | undefined> {
    const lease = await this.#local.lease(key);
    if (lease === undefined) return undefined;
    try {
      const there = await this.#leaseThere(key);
      if (there !== 'held') return this.#both(key, lease, there);
      lease.release();
      return undefined;
    } catch (error) {
      lease.release();
      throw error;
    }
  }

  async publish(draft: Draft): Promise<Publication> {
    const publication = await this.#local.publish(draft);
    for (const { suspects } of publication.found) await this.#withdraw(suspects);
    await this.share(publication.record, draft.replace);
    return publication;
  }

  /** Writes a unit there, in the background: its artifacts first, the record last. Waits only where too much waits already. */
  async share(record: StoreRecord, replace = false): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (!this.#link.isOpen('write')) {
      if (!this.#known.has(record.key)) this.#unshared.set(record.key, record.about.node);
      return;
    }
    await this.#uploads.add(record.key, () => this.#upload(record, replace));
  }

  /** Fetches an artifact; false when it is not to be had. */
  async bring(artifact: BlobRef): Promise<boolean> {
    return (await this.#local.check(artifact, 'use')) === undefined || (await this.#fetch(artifact)) === 'here';
  }

  /** Units under way to the shared place. */
  get waiting(): number {
    return this.#uploads.size;
  }

  /** The nodes of units that were made here and are not there. */
  get unshared(): readonly string[] {
    return [...this.#unshared.values()];
  }

  /** Waits for all that is under way, and gives the leases back; `signal` gives up on it. Throws RemoteError where the place is required. */
  async settle(signal?: AbortSignal): Promise<void> {
    const given = new Promise<void>((done) => {
      if (signal?.aborted) done();
      signal?.addEventListener('abort', () => done(), { once: true });
    });
    await Promise.race([this.#uploads.all(), given]);
    if (this.#failure !== undefined) throw this.#failure;
    await this.#link.ask('write', () => this.#leases.close(), undefined);
  }

  /** What the place lets several writers do; undefined where it cannot be asked, or must not be. */
  conditions(): Promise<Conditions | undefined> {
    this.#conditions ??= this.#probe();
    return this.#conditions;
  }

  known(artifact: BlobRef): string | undefined {
    return this.#local.known(artifact);
  }

  remember(artifact: BlobRef, identity: string): void {
    this.#local.remember(artifact, identity);
  }

  digestSource(path: string, signal?: AbortSignal): Promise<SourceRef> {
    return this.#local.digestSource(path, signal);
  }

  openAttempt(keys: readonly string[], order: JsonObject): Promise<Attempt | undefined> {
    return this.#local.openAttempt(keys, order);
  }

  takeUp(key: string): Promise<OpenedAttempt | undefined> {
    return this.#local.takeUp(key);
  }

  closeAttempt(attempt: Attempt): void {
    this.#local.closeAttempt(attempt);
  }

  records(): AsyncIterable<StoreRecord> {
    return this.#local.records();
  }

  close(): void {
    this.#local.close();
  }

  /** The records of these keys that are there and whole. */
  async #records(keys: readonly string[]): Promise<Map<string, StoreRecord>> {
    await this.#needMarker();
    const listed = keys.length > this.#link.bucket.mostAsked ? await this.#listed(keys) : undefined;
    const records = new Map<string, StoreRecord>();
    await Promise.all(
      keys.map(async (key) => {
        if (listed?.has(key) === false) return;
        const record = await this.#record(key);
        if (record !== undefined) records.set(key, record);
      }),
    );
    return records;
  }

  async #listed(keys: readonly string[]): Promise<ReadonlySet<string>> {
    const folders = [...new Set(keys.map(recordFolder))];
    const names = await Promise.all(
      folders.map((folder) => this.#link.ask('read', (bucket) => bucket.list(folder), [])),
    );
    return new Set(names.flat().flatMap((name) => keyOf(name) ?? []));
  }

  async #record(key: string): Promise<StoreRecord | undefined> {
    const bytes = await this.#link.ask('read', (bucket) => bucket.read(recordAt(key), largestRecord_bytes), undefined);
    if (bytes === undefined) return undefined;
    const read = parseRecord(bytes.toString('utf8'), key);
    const problem = typeof read === 'string' ? read : read.old ? 'has no digest of its own' : undefined;
    if (problem === undefined && typeof read !== 'string') return read.record;
    this.#doubted.add(key);
    this.#say(
      `the record '${recordAt(key)}' in '${this.name}' ${problem}: it is not used${this.#link.isOpen('write') ? ', and written anew with the result' : ''}`,
    );
    return undefined;
  }

  async #adopt(record: StoreRecord): Promise<Found> {
    this.traffic.found++;
    this.#known.add(record.key);
    return { status: 'hit', record: await this.#local.adopt(record) };
  }

  /** Whether an artifact is there, by its size. */
  async #look(artifact: BlobRef): Promise<'here' | 'absent' | 'wrong'> {
    const name = blobName(artifact);
    if (this.#wrong.has(name)) return 'wrong';
    if (this.#there.has(name)) return 'here';
    await this.#needMarker();
    const size = await this.#link.ask('read', (bucket) => bucket.size(blobAt(artifact)), undefined);
    if (size === undefined) return 'absent';
    (size === artifact.size ? this.#there : this.#wrong).add(name);
    return size === artifact.size ? 'here' : 'wrong';
  }

  /** Many that need one artifact fetch it once. */
  #fetch(artifact: BlobRef): Promise<'here' | 'absent' | 'wrong'> {
    const name = blobName(artifact);
    const fetch = this.#fetches.get(name) ?? this.#fetchNow(artifact).finally(() => this.#fetches.delete(name));
    this.#fetches.set(name, fetch);
    return fetch;
  }

  async #fetchNow(artifact: BlobRef): Promise<'here' | 'absent' | 'wrong'> {
    if (this.#wrong.has(blobName(artifact))) return 'wrong';
    await this.#needMarker();
    for (let left = fetchTries - 1; ; left--) {
      const path = this.#local.arrival();
      try {
        const came = await this.#receive(artifact, path);
        if (came === undefined) return 'absent';
        if (came.digest === artifact.digest && came.size === artifact.size) {
          await this.#local.accept(artifact, path);
          this.#there.add(blobName(artifact));
          this.traffic.fetched++;
          this.traffic.fetched_bytes += artifact.size;
          return 'here';
        }
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
        const arrival = await Arrival.open(this.folder, path, artifact);
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

  #refuse(artifact: BlobRef, path: string): 'wrong' {
    const name = blobName(artifact);
    this.#wrong.add(name);
    this.#there.delete(name);
    const place = this.#local.refuse(artifact, path);
    this.#say(
      `'${blobAt(artifact)}' in '${this.name}' has other bytes than its name says: they are not used, and lie in '${place}'`,
    );
    return 'wrong';
  }

  async #leaseThere(key: string): Promise<RemoteLease | 'held' | undefined> {
    if (!this.#link.isOpen('write') || (await this.conditions()) !== 'one-wins') return undefined;
    return this.#link.ask('write', () => this.#leases.take(key), undefined);
  }

  /** Given back there when the result is there, so that whoever waits for it finds it. */
  #both(key: string, lease: Lease, there: RemoteLease | undefined): Lease {
    let isReleased = false;
    const release = () => {
      lease.release();
      if (isReleased) return;
      isReleased = true;
      this.#uploads.add(key, () => this.#letGo(key, there)).catch(() => {});
    };
    return { release, isHeld: () => lease.isHeld() };
  }

  /** Who carried the attempt out may have published it by itself. */
  async #letGo(key: string, there: RemoteLease | undefined): Promise<void> {
    if (!this.#known.has(key) && !this.#unshared.has(key)) {
      const [found] = await this.#local.find([{ key }]);
      if (found?.status === 'hit') await this.#upload(found.record, false);
    }
    if (there !== undefined) await this.#link.ask('write', () => there.release(), undefined);
  }

  async #upload(record: StoreRecord, replace: boolean): Promise<void> {
    const { key, about } = record;
    try {
      const isShared = await this.#uploadAll(record, replace);
      if (isShared) {
        this.#known.add(key);
        this.#unshared.delete(key);
        this.traffic.shared++;
      } else this.#unshared.set(key, about.node);
    } catch (error) {
      this.#unshared.set(key, about.node);
      if (error instanceof WrongBytes) return; // found again, and told, when it is used here
      if (!(error instanceof RemoteError)) throw error;
      this.#failure ??= error; // it is required: the next who publishes hears of it
    }
  }

  /** False where the place does not take it now. An artifact that is not here any more is left out: who needs it makes it again. */
  async #uploadAll(record: StoreRecord, replace: boolean): Promise<boolean> {
    if (!(await this.#writeMarker())) return false;
    for (const artifact of Object.values(record.outputs)) {
      if (!(await this.#uploadBlob(artifact))) return false;
    }
    return this.#uploadRecord(record, replace || this.#doubted.has(record.key));
  }

  async #uploadBlob(artifact: BlobRef): Promise<boolean> {
    const name = blobName(artifact);
    if (!this.#local.has(artifact)) return true;
    if (!this.#wrong.has(name) && (await this.#look(artifact)) === 'here') return true;
    const { path } = await this.#local.open(artifact);
    const isWritten = await this.#link.transfer(
      'write',
      async (bucket) => {
        await bucket.upload(blobAt(artifact), path, artifact);
        return true;
      },
      false,
    );
    if (isWritten) {
      this.#wrong.delete(name);
      this.#there.add(name);
    }
    return isWritten;
  }

  /** The first result wins. A different one is kept beside it, and told. */
  async #uploadRecord(record: StoreRecord, replace: boolean): Promise<boolean> {
    const { key } = record;
    const bytes = Buffer.from(recordText(record));
    const isCareful = (await this.conditions()) === 'one-wins';
    const earlier = isCareful || replace ? undefined : await this.#record(key);
    const write = (name: string, writing: 'always' | 'unless-there') =>
      this.#link.ask('write', (bucket) => bucket.write(name, bytes, writing), undefined);
    const outcome =
      earlier !== undefined ? 'there' : await write(recordAt(key), isCareful && !replace ? 'unless-there' : 'always');
    if (outcome !== 'there') {
      if (outcome === 'written') this.#doubted.delete(key);
      return outcome === 'written';
    }
    const other = earlier ?? (await this.#record(key));
    if (other === undefined) return this.#doubted.has(key) && (await write(recordAt(key), 'always')) !== undefined;
    if (sameOutputs(other, record)) return true;
    await write(alternativeAt(key, outputsName(record)), 'always');
    const { stage, cell } = record.about;
    const what = cell === '' ? `stage '${stage}'` : `stage '${stage}' of '${cell}'`;
    this.#say(
      `${what}: '${this.name}' has another result of the same work, made on '${other.about.host}'; both are kept, and this store goes on with its own`,
    );
    return true;
  }

  /** Records that were made of damaged bytes here are taken away there, if they are the same. */
  async #withdraw(suspects: readonly StoreRecord[]): Promise<void> {
    for (const suspect of suspects) {
      this.#doubted.add(suspect.key);
      this.#known.delete(suspect.key);
      await this.#link.ask(
        'write',
        async (bucket) => {
          const read = parseRecord(
            (await bucket.read(recordAt(suspect.key), largestRecord_bytes))?.toString('utf8') ?? '',
            suspect.key,
          );
          if (typeof read !== 'string' && sameOutputs(read.record, suspect)) await bucket.remove(recordAt(suspect.key));
        },
        undefined,
      );
    }
  }

  /** Before anything is read: a store of a later version is not misread. Throws UserError for one, in any case. */
  #needMarker(): Promise<void> {
    this.#marker ??= this.#link.ask('read', (bucket) => checkMarker(bucket), undefined).then(() => undefined);
    return this.#marker;
  }

  async #writeMarker(): Promise<boolean> {
    await this.#needMarker();
    this.#marked ??= this.#link.ask(
      'write',
      async (bucket) => {
        if ((await bucket.size(markerName)) === undefined)
          await bucket.write(markerName, Buffer.from(markerText), 'always');
        return true;
      },
      false,
    );
    const isMarked = await this.#marked;
    if (!isMarked) this.#marked = undefined;
    return isMarked;
  }

  #marked: Promise<boolean> | undefined;

  async #probe(): Promise<Conditions | undefined> {
    if (!(await this.#writeMarker())) return undefined;
    const conditions = await this.#link.ask('write', probeConditions, undefined);
    if (conditions === 'all-win' || conditions === 'unable') {
      const what = conditions === 'all-win' ? 'lets all of several writers win' : 'knows no conditional writes';
      this.#say(
        `'${this.name}' ${what}: records are written there without leases, so two runs at a time may do the same work twice`,
      );
    }
    return conditions;
  }
}
