// The artifacts of a file store: put in their place once, looked at when they are used, put aside when damaged.
import { randomUUID } from 'node:crypto';
import { chmodSync, closeSync, constants, openSync, readSync, renameSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { hasCode } from '../util/errors.ts';
import { fileError } from '../util/system-error.ts';
import { CollectedBlobs } from './collected.ts';
import { type BlobRef, digestFile, sha256 } from './digest.ts';
import type { DigestMemo } from './digest-memo.ts';
import { fileIdentity, isSettled, statOrNone } from './file-identity.ts';
import type { Layout } from './layout.ts';
import { inFolder } from './make-folder.ts';
import type { OutputRef } from './record.ts';
import type { Look } from './store.ts';
import { guardWrite } from './write-error.ts';

/** What is wrong with an artifact. `changed`: other bytes lie in its place, which somebody may have read. */
export interface Problem {
  kind: 'gone' | 'unreadable' | 'changed';
  detail: string;
  /** It was taken away on purpose. */
  collected?: boolean;
}

const gone: Problem = { kind: 'gone', detail: 'is gone' };
const collected: Problem = { kind: 'gone', detail: "was freed by 'lamina gc'", collected: true };
const unreadable: Problem = { kind: 'unreadable', detail: 'cannot be read any more, the disk reports an error' };

/** Up to this size an artifact is read by one call. */
const atOnceBytes = 1 << 16;

export class Artifacts {
  readonly #layout: Layout;
  readonly #memo: DigestMemo;
  readonly #collected: CollectedBlobs;
  /** Looks under way, so that many who need one large artifact read it once. */
  readonly #looks = new Map<string, Promise<Problem | undefined>>();

  constructor(layout: Layout, memo: DigestMemo) {
    this.#layout = layout;
    this.#memo = memo;
    this.#collected = new CollectedBlobs(layout);
  }

  /** Undefined when the artifact is whole, as far as `look` goes; changes nothing. */
  async check(ref: BlobRef, look: Look): Promise<Problem | undefined> {
    if (this.#isSmall(ref)) {
      const isWhole = ref.size <= atOnceBytes && holds(this.#layout.blob(ref), ref);
      return isWhole ? undefined : this.#check(ref, 'bytes');
    }
    const name = `${look} ${ref.digest}-${ref.size}`;
    let check = this.#looks.get(name);
    if (check === undefined) {
      check = this.#check(ref, look).finally(() => this.#looks.delete(name));
      this.#looks.set(name, check);
    }
    return check;
  }

  /** What the file system says of a large artifact that was read on this host not long ago; undefined for all others. */
  known(ref: BlobRef): string | undefined {
    const stats = this.#isSmall(ref) ? undefined : statOrNone(this.#layout.blob(ref));
    return stats !== undefined && this.#memo.get(stats) === ref.digest ? fileIdentity(stats) : undefined;
  }

  /** Takes note that somebody has read the artifact and found it whole, when the file system said `identity` of it. */
  remember(ref: BlobRef, identity: string): void {
    const path = this.#layout.blob(ref);
    const stats = statOrNone(path);
    if (stats !== undefined && fileIdentity(stats) === identity) this.#memo.put(path, stats, ref.digest);
  }

  /** When the artifact was last read and found whole, in ms since 1970; undefined when that is not known. */
  lastRead(ref: BlobRef): number | undefined {
    return this.#memo.lastRead(basename(this.#layout.blob(ref)), ref.digest);
  }

  /** Moves a finished, flushed file to its place, where nothing lies that is worth keeping; the folder that has to be flushed then. */
  place(output: OutputRef & { path: string }): string {
    const to = this.#layout.blob(output);
    chmodSync(output.path, 0o444);
    inFolder(this.#layout.folder, dirname(to), () => renameSync(output.path, to));
    // Just written and hashed by ourselves, and read-only from now on: no second reading is needed.
    const stats = statOrNone(to);
    if (stats !== undefined) this.#memo.put(to, stats, output.digest);
    return dirname(to);
  }

  /** Moves a damaged file out of the way, where it can still be looked at; returns where. */
  putAside(path: string, name: string = basename(path)): string {
    const to = this.#layout.quarantine(`${name}.${randomUUID()}`);
    guardWrite(this.#layout.folder, 'a damaged file, to put it aside,', () => {
      try {
        inFolder(this.#layout.folder, dirname(to), () => renameSync(path, to));
      } catch (error) {
        if (!hasCode(error, 'ENOENT') || statOrNone(path) !== undefined) throw error; // otherwise another runner was faster
      }
    });
    return to;
  }

  #isSmall({ size }: BlobRef): boolean {
    return size <= this.#memo.trust.small_bytes;
  }

  async #check(ref: BlobRef, look: Look): Promise<Problem | undefined> {
    const path = this.#layout.blob(ref);
    const stats = statOrNone(path);
    if (stats === undefined) return this.#collected.has(basename(path)) ? collected : gone;
    if (Number(stats.size) !== ref.size) return ofOtherSize(Number(stats.size), ref);
    if (look === 'glance' || (look === 'use' && this.#memo.get(stats) === ref.digest)) return undefined;
    const settled = isSettled(stats, Date.now());
    try {
      const problem = problemOf(await digestFile(path), ref);
      if (problem === undefined && settled) this.#memo.put(path, stats, ref.digest);
      return problem;
    } catch (error) {
      return problemFrom(error, path);
    }
  }
}

/** One byte more than is read at once, so that a longer file is seen. */
const buffer = Buffer.allocUnsafeSlow(atOnceBytes + 1);

/** True for a short file that has the bytes; false where it has not, and where one has to look closer. */
function holds(path: string, { digest, size }: BlobRef): boolean {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK); // a pipe in its place is not waited for
  } catch {
    return false;
  }
  try {
    return readSync(file, buffer, 0, size + 1, 0) === size && sha256(buffer.subarray(0, size)) === digest;
  } catch {
    return false;
  } finally {
    closeSync(file);
  }
}

function ofOtherSize(found: number, { size }: BlobRef): Problem {
  return { kind: 'changed', detail: `has ${found} bytes instead of ${size}` };
}

function problemOf(found: BlobRef, ref: BlobRef): Problem | undefined {
  if (found.size !== ref.size) return ofOtherSize(found.size, ref);
  return found.digest === ref.digest ? undefined : { kind: 'changed', detail: 'was changed on disk' };
}

/** The size of a worker's file, compared with what it reported; a difference is a bug. */
export function checkWritten({ path, size }: OutputRef & { path: string }): void {
  const written = statSync(path).size;
  if (written !== size) throw new Error(`'${path}' has ${written} bytes, but the worker reported ${size}`);
}

/** What it means that an artifact cannot be read; other errors are thrown on. */
function problemFrom(error: unknown, path: string): Problem {
  if (hasCode(error, 'ENOENT')) return gone;
  if (hasCode(error, 'EIO')) return unreadable;
  throw fileError(error, path, 'cannot read');
}
