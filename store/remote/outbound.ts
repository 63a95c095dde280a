// What goes to a shared store: the units that were made here, each with its artifacts first and its record last.
import type { BlobRef } from '../digest.ts';
import { outputsName } from '../outputs-name.ts';
import { parseRecord, recordText, type StoreRecord, sameOutputs } from '../record.ts';
import type { LocalStore } from '../store.ts';
import { RemoteError, type Writing, WrongBytes } from './bucket.ts';
import { type Inbound, largestRecord_bytes } from './inbound.ts';
import type { Link } from './link.ts';
import { markerText } from './marker.ts';
import { alternativeAt, blobAt, markerName, recordAt } from './names.ts';
import { type Conditions, probeConditions } from './probe.ts';
import type { Unsent } from './unsent.ts';

export class Outbound {
  /** Keys that are known to have their record there. */
  readonly known = new Set<string>();
  /** The nodes of units that were made here and are not there, by key. */
  readonly unshared = new Map<string, string>();
  /** Units that were written there, or were there with the same result. */
  shared = 0;
  /** What failed where the place is required: nothing goes on then. */
  failure: RemoteError | undefined;
  readonly #local: LocalStore;
  readonly #link: Link;
  readonly #inbound: Inbound;
  readonly #unsent: Unsent;
  readonly #say: (sentence: string) => void;
  #marked: Promise<boolean> | undefined;
  #conditions: Promise<Conditions | undefined> | undefined;

  constructor(local: LocalStore, link: Link, inbound: Inbound, unsent: Unsent, say: (sentence: string) => void) {
    this.#local = local;
    this.#link = link;
    this.#inbound = inbound;
    this.#unsent = unsent;
    this.#say = say;
  }

  /** Writes a unit. What stands in the way is kept in `unshared`, and in `failure` where the place is required. */
  async send(record: StoreRecord, replace: boolean): Promise<void> {
    const { key, about } = record;
    this.unshared.set(key, about.node); // until it is there
    try {
      if (!(await this.#sendAll(record, replace))) return;
      this.known.add(key);
      this.unshared.delete(key);
      this.#unsent.forget(key);
      this.shared++;
    } catch (error) {
      if (error instanceof WrongBytes) return; // found again, and told, when it is used here
      if (!(error instanceof RemoteError)) throw error;
      this.failure ??= error;
    }
  }

  /** Records that were made of damaged bytes here are taken away there, if they are the same. */
  async withdraw(suspects: readonly StoreRecord[]): Promise<void> {
    for (const suspect of suspects) {
      const name = recordAt(suspect.key);
      this.#inbound.doubted.add(suspect.key);
      this.known.delete(suspect.key);
      const remove = async (bucket: Link['bucket']) => {
        const bytes = await bucket.read(name, largestRecord_bytes);
        const read = parseRecord(bytes?.toString('utf8') ?? '', suspect.key);
        if (typeof read !== 'string' && sameOutputs(read.record, suspect)) await bucket.remove(name);
      };
      await this.#link.ask('write', remove, undefined);
    }
  }

  /** What the place lets several writers do, tried once; undefined where it cannot be asked, or must not be. */
  conditions(): Promise<Conditions | undefined> {
    this.#conditions ??= this.#probe();
    return this.#conditions;
  }

  async #probe(): Promise<Conditions | undefined> {
    if (!(await this.mark())) return undefined;
    const conditions = await this.#link.ask('write', probeConditions, undefined);
    if (conditions === 'all-win' || conditions === 'unable') {
      const what = conditions === 'all-win' ? 'lets all of several writers win' : 'knows no conditional writes';
      const meaning = 'records are written there without leases, so two runs at a time may do the same work twice';
      this.#say(`'${this.#link.bucket.name}' ${what}: ${meaning}`);
    }
    return conditions;
  }

  /** Says what the place is, before anything else is written there; false where it does not take that now. */
  async mark(): Promise<boolean> {
    await this.#inbound.needMarker();
    const write = async (bucket: Link['bucket']) => {
      const isThere = (await bucket.size(markerName)) !== undefined;
      if (!isThere) await bucket.write(markerName, Buffer.from(markerText), 'always');
      return true;
    };
    this.#marked ??= this.#link.ask('write', write, false);
    const isMarked = await this.#marked;
    if (!isMarked) this.#marked = undefined;
    return isMarked;
  }

  /** False where the place does not take it now. */
  async #sendAll(record: StoreRecord, replace: boolean): Promise<boolean> {
    if (!(await this.mark())) return false;
    for (const artifact of Object.values(record.outputs)) {
      if (!(await this.#sendArtifact(artifact))) return false;
    }
    return this.#sendRecord(record, replace || this.#inbound.doubted.has(record.key));
  }

  /** One that is not here any more is left out: who needs it makes it again. One that is wrong there is written over. */
  async #sendArtifact(artifact: BlobRef): Promise<boolean> {
    if (!this.#local.has(artifact) || (await this.#inbound.look(artifact)) === 'here') return true;
    const { path } = await this.#local.open(artifact);
    const upload = async (bucket: Link['bucket']) => {
      try {
        await bucket.upload(blobAt(artifact), path, artifact);
        this.#inbound.written(artifact);
      } catch (error) {
        if (this.#local.has(artifact)) throw error; // otherwise it was collected meanwhile
      }
      return true;
    };
    return this.#link.transfer('write', upload, false);
  }

  /** The first result wins. A different one is kept beside it, and told. */
  async #sendRecord(record: StoreRecord, replace: boolean): Promise<boolean> {
    const { key } = record;
    const isCareful = (await this.conditions()) === 'one-wins';
    const earlier = isCareful || replace ? undefined : await this.#inbound.record(key);
    const writing = isCareful && !replace ? 'unless-there' : 'always';
    const outcome = earlier === undefined ? await this.#writeRecord(recordAt(key), record, writing) : 'there';
    if (outcome === 'written') this.#inbound.doubted.delete(key);
    if (outcome !== 'there') return outcome === 'written';
    const other = earlier ?? (await this.#inbound.record(key));
    if (other === undefined) return this.#replaceDamaged(record);
    if (sameOutputs(other, record)) return true;
    await this.#writeRecord(alternativeAt(key, outputsName(record)), record, 'always');
    this.#sayDifferent(record, other);
    return true;
  }

  async #replaceDamaged(record: StoreRecord): Promise<boolean> {
    if (!this.#inbound.doubted.has(record.key)) return false;
    if ((await this.#writeRecord(recordAt(record.key), record, 'always')) === undefined) return false;
    this.#inbound.doubted.delete(record.key);
    return true;
  }

  #writeRecord(name: string, record: StoreRecord, writing: Writing): Promise<'written' | 'there' | undefined> {
    const bytes = Buffer.from(recordText(record));
    return this.#link.ask('write', (bucket) => bucket.write(name, bytes, writing), undefined);
  }

  #sayDifferent({ about: { stage, cell } }: StoreRecord, other: StoreRecord): void {
    const what = cell === '' ? `stage '${stage}'` : `stage '${stage}' of '${cell}'`;
    const where = `'${this.#link.bucket.name}' has another result of the same work, made on '${other.about.host}'`;
    this.#say(`${what}: ${where}; both are kept, and this store goes on with its own`);
  }
}
