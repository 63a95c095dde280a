// The store in memory: the same contract without durability, for tests and for trying things out.
import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { JsonObject } from '../util/json.ts';
import { closeAttempt, leftBehind, openAttempt, takeUp } from './attempts.ts';
import { type BlobRef, sha256 } from './digest.ts';
import { type DigestMemo, memoryMemo } from './digest-memo.ts';
import type { SourceRef } from './hub-source.ts';
import { type Layout, layoutOf } from './layout.ts';
import { type RecordShape, recordOf, type StoreRecord, sameOutputs, shapeProblem } from './record.ts';
import { digestSource } from './source-digest.ts';
import type {
  Attempt,
  Damage,
  Draft,
  Found,
  Lease,
  Lookup,
  OpenArtifact,
  OpenedAttempt,
  Publication,
  Store,
} from './store.ts';

/** A store whose records and artifacts live in memory; `folder` serves the attempts and whoever asks for a path. */
export function createMemoryStore(folder: string): MemoryStore {
  return new MemoryStore(resolve(folder));
}

export class MemoryStore implements Store {
  readonly folder: string;
  readonly #layout: Layout;
  readonly #memo: DigestMemo = memoryMemo();
  readonly #records = new Map<string, StoreRecord>();
  readonly #artifacts = new Map<string, Buffer>();
  readonly #leases = new Set<string>();

  constructor(folder: string) {
    this.folder = folder;
    this.#layout = layoutOf(folder);
  }

  async find(lookups: readonly Lookup[]): Promise<readonly Found[]> {
    return lookups.map(({ key, shape }) => this.#find(key, shape));
  }

  #find(key: string, shape?: RecordShape): Found {
    const record = this.#records.get(key);
    if (record === undefined) return { status: 'miss' };
    const problem = shape && shapeProblem(record, shape);
    if (problem === undefined) return { status: 'hit', record };
    this.#records.delete(key);
    return { status: 'damaged', detail: `the record '${key}' ${problem}` };
  }

  /** Every look reads the bytes: they lie in memory. */
  async check({ digest }: BlobRef): Promise<Damage | undefined> {
    const bytes = this.#artifacts.get(digest);
    if (bytes === undefined) return { detail: 'is gone', suspects: [] };
    if (sha256(bytes) === digest) return undefined;
    this.#artifacts.delete(digest);
    return { detail: 'was changed', suspects: [] };
  }

  known(): undefined {}

  remember(): void {}

  /** Writes the artifact to its path on first use. */
  async open(artifact: BlobRef): Promise<OpenArtifact> {
    const path = this.#layout.blob(artifact);
    const bytes = this.#artifacts.get(artifact.digest);
    if (bytes !== undefined && statSync(path, { throwIfNoEntry: false }) === undefined) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, bytes);
      chmodSync(path, 0o444);
    }
    return { path };
  }

  digestSource(path: string, signal?: AbortSignal): Promise<SourceRef> {
    return digestSource(path, this.#memo, signal);
  }

  async lease(key: string): Promise<Lease | undefined> {
    if (this.#leases.has(key)) return undefined;
    this.#leases.add(key);
    let released = false;
    return {
      release: () => {
        if (!released) this.#leases.delete(key);
        released = true;
      },
      isHeld: () => !released,
    };
  }

  openAttempt(keys: readonly string[], order: JsonObject): Promise<Attempt | undefined> {
    return openAttempt(this.#layout, keys, order);
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
    const record = this.#absorb(draft);
    rmSync(this.#layout.scratch(draft.key), { recursive: true, force: true });
    const earlier = this.#records.get(draft.key);
    if (earlier !== undefined && sameOutputs(earlier, record)) return { status: 'same', record: earlier, found: [] };
    const usable = earlier !== undefined && (await this.#isWhole(earlier));
    if (usable && !draft.replace) return { status: 'different', record: earlier, found: [] };
    this.#records.set(draft.key, record);
    return { status: earlier === undefined ? 'published' : 'different', record, found: [] };
  }

  async *records(): AsyncIterable<StoreRecord> {
    yield* this.#records.values();
  }

  close(): void {
    this.#leases.clear();
  }

  /** The bytes of an artifact, to look at or to damage. */
  bytesOf(artifact: BlobRef): Buffer | undefined {
    return this.#artifacts.get(artifact.digest);
  }

  async #isWhole({ outputs }: StoreRecord): Promise<boolean> {
    const found = await Promise.all(Object.values(outputs).map((output) => this.check(output)));
    return found.every((damage) => damage === undefined);
  }

  #absorb(draft: Draft): StoreRecord {
    for (const { path, digest, size } of Object.values(draft.outputs)) {
      const bytes = readFileSync(path);
      if (bytes.length !== size) {
        throw new Error(`'${path}' has ${bytes.length} bytes, but the worker reported ${size}`);
      }
      this.#artifacts.set(digest, bytes);
      rmSync(path);
    }
    return recordOf(draft);
  }
}
