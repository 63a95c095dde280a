// The store as the runner sees it; held by a folder (file-store.ts) or by memory (memory-store.ts).
import type { JsonObject } from '../util/json.ts';
import type { BlobRef } from './digest.ts';
import type { SourceRef } from './hub-source.ts';
import type { KnownPreimage, OutputRef, RecordShape, StoreRecord } from './record.ts';

/** What a key leads to. `damaged`: it was there and cannot be used any more; `detail` says what was found. */
export type Found = { status: 'hit'; record: StoreRecord } | { status: 'miss' } | { status: 'damaged'; detail: string };

/**
 * How closely an artifact is looked at. `glance`: it is there with the right size, and a small one is read; `use`: a large one too, unless
 * it was read on this host not long ago; `bytes`: it is read in any case.
 */
export type Look = 'glance' | 'use' | 'bytes';

/** What was found wrong with an artifact. */
export interface Damage {
  /** Follows the artifact's name: `was changed on disk`. */
  detail: string;
  /** Records that were put aside with it: they were made from it, at a time at which it was not read over. */
  suspects: readonly StoreRecord[];
  /** It was taken away on purpose, by `lamina gc`: nothing to warn of. */
  collected?: boolean;
  /** Nothing lies in its place, and nothing was put aside. */
  gone?: boolean;
}

/** The sole right to work on a key, until released. */
export interface Lease {
  /** Never fails: what cannot be taken away now counts as left behind. */
  release(): void;
  /** False when somebody took this holder for dead. */
  isHeld(): boolean;
}

/** The folders of one try at one or several keys. */
export interface Attempt {
  id: string;
  keys: readonly string[];
  /** Where it works: gone when a runner took it over that took this one for dead. */
  folder: string;
  /** Where the worker's standard output and error go; it stays when the attempt has ended, with its size bounded. */
  log: string;
  /** Where an output of a key is to be written. */
  output(key: string, name: string, extension: string): string;
  /** A folder that outlives the attempt until the key is published. */
  scratch(key: string): string;
  /** Where the numbers of a key's training are noted while it goes on; kept and swept with the log. */
  trace(key: string): string;
  /**
   * Notes who carries it out, in words that its executor understands: a process of this host is ended when its attempt is found left behind. One that
   * names the task of a submission (`submissions.ts`) outlives whoever ordered it.
   */
  carriedBy(carrier: JsonObject): void;
}

/** An attempt that another process has opened, and what it is to do. */
export interface OpenedAttempt {
  attempt: Attempt;
  order: JsonObject;
  /** Who carries it out, as far as that was noted. */
  carrier: JsonObject;
}

/** A finished unit's files, not yet in the store. */
export interface Draft extends Pick<StoreRecord, 'key' | 'preimage' | 'trusted' | 'facts' | 'about'> {
  outputs: Readonly<Record<string, OutputRef & { path: string }>>;
  /** Take this result even where the key has another one already (--force). */
  replace: boolean;
}

/**
 * `record` is the key's result from now on. `same`: it was there already. `different`: this draft and an earlier result
 * of the same key are not the same bytes; the one that is not `record` is kept beside it as an alternative.
 */
export interface Publication {
  status: 'published' | 'same' | 'different';
  record: StoreRecord;
  /** What lay damaged where the draft's artifacts belong. */
  found: readonly (Damage & { artifact: BlobRef })[];
}

/** A key to look up. */
export interface Lookup {
  key: string;
  /** What the key was made of, where that is at hand: a record is then read in less time. */
  known?: KnownPreimage | undefined;
  /** The outputs that its record must have; not given: any. */
  shape?: RecordShape;
  /** Another host may just have written it: it is looked for in a fresh listing, as several keys are. */
  fresh?: boolean;
}

/** An artifact that can be read now. */
export interface OpenArtifact {
  /** An absolute path on this machine, to read and not to keep. */
  readonly path: string;
}

/** Immutable artifacts by digest, and records of finished work by cache key. */
export interface Store {
  /** Absolute. */
  readonly folder: string;
  /**
   * Looks keys up, all that are wanted at one time in one call; the answers are in their order. A hit has a whole record with the outputs
   * of its shape; its artifacts are not looked at. A damaged record is put aside.
   */
  find(lookups: readonly Lookup[]): Promise<readonly Found[]>;
  /** Undefined when an artifact is whole, as far as `look` goes. A damaged one is put aside, and what it may have poisoned with it. */
  check(artifact: BlobRef, look: Look): Promise<Damage | undefined>;
  /** What a worker need not read over again: the identity of the file of a large artifact that was read not long ago. */
  known(artifact: BlobRef): string | undefined;
  /** Takes note that a worker read an artifact and found it whole, when its file had this identity. */
  remember(artifact: BlobRef, identity: string): void;
  /**
   * Makes an artifact readable, wherever the store has it. What is not there need not be noticed here: who reads it compares the bytes
   * with the digest, or has asked `check` before.
   */
  open(artifact: BlobRef): Promise<OpenArtifact>;
  /** The digest of a file or folder of the user's, read only if it changed, or of an `hf://` name. Throws UserError when there is none. */
  digestSource(path: string, signal?: AbortSignal): Promise<SourceRef>;
  /** The lease of a key, or undefined while somebody alive holds it or works on it. */
  lease(key: string): Promise<Lease | undefined>;
  /**
   * Prepares folders for a try and keeps what is to be done there; the leases of all keys must be held. Undefined while somebody alive works
   * on one of them.
   */
  openAttempt(keys: readonly string[], order: JsonObject): Promise<Attempt | undefined>;
  /**
   * The attempt at `key`, whichever of its keys that is, that was left with a batch system and has not ended; undefined when there is none, or
   * while whoever ordered it lives. The lease of the key must be held.
   */
  leftBehind(key: string): Promise<OpenedAttempt | undefined>;
  /** The attempt that was opened with `key` as its first; undefined when there is none, or no order that can be read. */
  takeUp(key: string): Promise<OpenedAttempt | undefined>;
  /** Publishes a unit's whole output set: artifacts first, the record last. First result wins unless `replace`. */
  publish(draft: Draft): Promise<Publication>;
  /** Removes what an attempt left but its log, as far as that is possible. */
  closeAttempt(attempt: Attempt): Promise<void>;
  /** All valid records, in no order. */
  records(): AsyncIterable<StoreRecord>;
  /** Gives back every lease and stops the heartbeat. */
  close(): void;
}

/** A store on this machine, into which can be put what was made elsewhere. */
export interface LocalStore extends Store {
  /** False for one that was opened to read. */
  readonly writable: boolean;
  /** True when a file lies in the artifact's place; it is not looked at. */
  has(artifact: BlobRef): boolean;
  /** A new path for an artifact that is on its way here. */
  arrival(): string;
  /** Puts a file that was read over, flushed and closed in the artifact's place. */
  accept(artifact: BlobRef, path: string): Promise<void>;
  /** Puts a file of other bytes aside; where it lies now. */
  refuse(artifact: BlobRef, path: string): string;
  /** Keeps a record that was made elsewhere; the one that is there already where there is one. */
  adopt(record: StoreRecord): Promise<StoreRecord>;
}

/** Looks one key up. */
export async function findOne(store: Pick<Store, 'find'>, key: string, shape?: RecordShape): Promise<Found> {
  const [found] = await store.find([{ key, ...(shape && { shape }) }]);
  if (found === undefined) throw new Error(`the store has no answer for '${key}'`);
  return found;
}
