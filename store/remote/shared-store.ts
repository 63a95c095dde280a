// A local store with a place behind it that several machines share: records and artifacts are looked for there, and what is made here goes there.
import { setMaxListeners } from 'node:events';
import type { JsonObject } from '../../util/json.ts';
import type { BlobRef } from '../digest.ts';
import type { SourceRef } from '../hub-source.ts';
import type { LeaseTimes } from '../lease.ts';
import { type StoreRecord, shapeProblem } from '../record.ts';
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
import type { Bucket } from './bucket.ts';
import { Inbound } from './inbound.ts';
import { type RemoteLease, RemoteLeases } from './leases.ts';
import { Link } from './link.ts';
import { Outbound } from './outbound.ts';
import type { Conditions } from './probe.ts';
import { RunsOut } from './runs-out.ts';
import { Unsent } from './unsent.ts';
import { Uploads } from './uploads.ts';

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

export class SharedStore implements Store {
  readonly folder: string;
  /** The shared place, as people write it. */
  readonly name: string;
  readonly #local: LocalStore;
  readonly #link: Link;
  readonly #inbound: Inbound;
  readonly #outbound: Outbound;
  readonly #unsent: Unsent;
  readonly #runs: RunsOut;
  readonly #leases: RemoteLeases;
  readonly #uploads: Uploads;
  readonly #signal: AbortSignal;
  readonly #readOnly: boolean;
  /** What earlier runs have left is under way to the uploads. */
  #resumed: Promise<void> = Promise.resolve();
  #found = 0;

  constructor(local: LocalStore, { bucket, readOnly = false, required = false, say, signal, ...rest }: SharedOptions) {
    this.folder = local.folder;
    this.name = bucket.name;
    this.#local = local;
    this.#signal = signal;
    setMaxListeners(0, signal); // each request listens
    this.#readOnly = readOnly || !local.writable;
    this.#link = new Link({ bucket, readOnly: this.#readOnly, required, say, signal, rest_ms: rest.rest_ms });
    this.#inbound = new Inbound(local, this.#link, say);
    this.#unsent = new Unsent(this.folder, bucket.place);
    this.#outbound = new Outbound(local, this.#link, this.#inbound, this.#unsent, say);
    this.#runs = new RunsOut(this.folder, this.#link, this.#outbound, say);
    this.#leases = new RemoteLeases(bucket, rest.leaseTimes);
    this.#uploads = new Uploads(rest.mostUploads);
  }

  async find(lookups: readonly Lookup[]): Promise<readonly Found[]> {
    const found = await this.#local.find(lookups);
    const missing = lookups.filter(({ key }, i) => found[i]?.status !== 'hit' && !this.#inbound.doubted.has(key));
    if (missing.length === 0) return found;
    const records = await this.#inbound.records([...new Set(missing.map(({ key }) => key))]);
    const answers: Found[] = [];
    for (const [i, { key, shape }] of lookups.entries()) {
      const here = found[i] as Found;
      const record = here.status === 'hit' ? undefined : records.get(key);
      const isOfShape = record !== undefined && (shape === undefined || shapeProblem(record, shape) === undefined);
      answers.push(isOfShape ? await this.#adopt(record) : here);
    }
    return answers;
  }

  /** What was put aside here is told, even where there is a whole one: it may have records in its train that must not be believed any more. */
  async check(artifact: BlobRef, look: Look): Promise<Damage | undefined> {
    const damage = await this.#local.check(artifact, look);
    await this.#outbound.withdraw(damage?.suspects ?? []);
    if (damage?.gone !== true) return damage;
    const isFetched = look !== 'glance' && this.#local.writable;
    const presence = isFetched ? await this.#inbound.fetch(artifact) : await this.#inbound.look(artifact);
    if (presence === 'here') return undefined;
    return presence === 'wrong'
      ? { ...damage, detail: `has other bytes than its name says in '${this.name}'` }
      : damage;
  }

  async open(artifact: BlobRef): Promise<OpenArtifact> {
    if (this.#local.writable && !this.#local.has(artifact)) await this.#inbound.fetch(artifact);
    return this.#local.open(artifact);
  }

  async lease(key: string): Promise<Lease | undefined> {
    const lease = await this.#local.lease(key);
    if (lease === undefined) return undefined;
    try {
      const there = await this.#leaseThere(key);
      if (there !== 'held') return this.#noted(key, this.#both(key, lease, there));
    } catch (error) {
      lease.release();
      throw error;
    }
    lease.release();
    return undefined;
  }

  /** Jobs of a batch system work in the local store's folder. */
  leftBehind(key: string): Promise<OpenedAttempt | undefined> {
    return this.#local.leftBehind(key);
  }

  async publish(draft: Draft): Promise<Publication> {
    if (!this.#readOnly) this.#unsent.note(draft.key, draft.replace);
    const publication = await this.#local.publish(draft);
    for (const { suspects } of publication.found) await this.#outbound.withdraw(suspects);
    await this.share(publication.record, draft.replace);
    return publication;
  }

  /** Writes a unit there in the background. Waits only where too much waits already. Throws RemoteError where the place is required and fails. */
  async share(record: StoreRecord, replace = false): Promise<void> {
    if (this.#outbound.failure !== undefined) throw this.#outbound.failure;
    if (this.#readOnly) return;
    if (this.#link.isOpen('write')) await this.#uploads.add(record.key, () => this.#outbound.send(record, replace));
    else if (!this.#outbound.known.has(record.key)) this.#outbound.unshared.set(record.key, record.about.node);
  }

  /**
   * Begins to write what earlier runs made here and could not write there, in the background; asks nothing of the place where there is nothing
   * left. To be called before anything of this run is worked on.
   */
  async resume(): Promise<void> {
    if (this.#readOnly) return;
    const left = this.#unsent.left();
    if (left.length === 0) return;
    const found = await this.#local.find(left.map(({ key }) => ({ key })));
    const whole = left.flatMap((unit, i) => {
      const each = found[i];
      return each?.status === 'hit' ? [{ record: each.record, replace: unit.replace }] : [];
    });
    for (const [i, { key }] of left.entries()) if (found[i]?.status !== 'hit') await this.#dropIdle(key);
    this.#resumed = this.#shareAll(whole).catch(() => {}); // what failed is kept, and told at the end
  }

  /** Writes a run that has ended there, with the logs of `keys`; false where it is not there in the end. Throws RemoteError where the place is required and fails. */
  async shareRun(experiment: string, run: string, keys: readonly string[]): Promise<boolean> {
    if (this.#readOnly || !this.#link.isOpen('write')) return false;
    const isSent = await this.#runs.sendRun(experiment, run);
    return (await this.#runs.sendLogs(keys)) && isSent;
  }

  /** Makes sure that an artifact is here; false when it is not to be had. */
  async bring(artifact: BlobRef): Promise<boolean> {
    return (await this.check(artifact, 'use')) === undefined;
  }

  get traffic(): Traffic {
    const { fetched, fetched_bytes } = this.#inbound;
    return { found: this.#found, fetched, fetched_bytes, shared: this.#outbound.shared };
  }

  /** Units under way to the shared place. */
  get waiting(): number {
    return this.#uploads.size;
  }

  /** The nodes of units that were made here and are not there. */
  get unshared(): readonly string[] {
    return [...this.#outbound.unshared.values()];
  }

  /** Waits for all that is under way, and gives the leases back. Throws RemoteError where the place is required and failed. */
  async settle(): Promise<void> {
    let stop = () => {};
    const stopped = new Promise<void>((done) => {
      stop = done;
      if (this.#signal.aborted) done();
      this.#signal.addEventListener('abort', stop);
    });
    await Promise.race([this.#resumed.then(() => this.#uploads.all()), stopped]);
    this.#signal.removeEventListener('abort', stop);
    if (this.#outbound.failure !== undefined) throw this.#outbound.failure;
    await this.#link.ask('write', () => this.#leases.close(), undefined);
  }

  /** What the place lets several writers do; undefined where it cannot be asked, or must not be. */
  conditions(): Promise<Conditions | undefined> {
    return this.#outbound.conditions();
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

  closeAttempt(attempt: Attempt): Promise<void> {
    return this.#local.closeAttempt(attempt);
  }

  records(): AsyncIterable<StoreRecord> {
    return this.#local.records();
  }

  close(): void {
    this.#local.close();
  }

  async #adopt(record: StoreRecord): Promise<Found> {
    this.#found++;
    this.#outbound.known.add(record.key);
    return { status: 'hit', record: await this.#local.adopt(record) };
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

  /** Whoever holds the lease may be killed as soon as the key has a result here. */
  #noted(key: string, lease: Lease): Lease {
    try {
      if (!this.#readOnly) this.#unsent.note(key);
      return lease;
    } catch (error) {
      lease.release();
      throw error;
    }
  }

  /** Who carried the attempt out may have published it by itself. */
  async #letGo(key: string, there: RemoteLease | undefined): Promise<void> {
    const { known, unshared } = this.#outbound;
    if (known.has(key)) this.#unsent.forget(key);
    else if (!unshared.has(key) && !this.#readOnly) await this.#sendIfMade(key);
    if (there !== undefined) await this.#link.ask('write', () => there.release(), undefined);
  }

  async #sendIfMade(key: string): Promise<void> {
    const [found] = await this.#local.find([{ key }]);
    if (found?.status !== 'hit') this.#unsent.forget(key);
    else if (this.#link.isOpen('write')) await this.#outbound.send(found.record, false);
    else this.#outbound.unshared.set(key, found.record.about.node);
  }

  async #shareAll(units: readonly { record: StoreRecord; replace: boolean }[]): Promise<void> {
    for (const { record, replace } of units) await this.share(record, replace);
  }

  /** A unit without a result is left to whoever works on it, here or in a batch system. */
  async #dropIdle(key: string): Promise<void> {
    const lease = await this.#local.lease(key);
    if (lease === undefined) return;
    if ((await this.#local.leftBehind(key)) === undefined) this.#unsent.forget(key);
    lease.release();
  }
}
