// The artifacts of a file store: put in their place once, checked when they are used, put aside when damaged.
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { hasCode } from '../util/errors.ts';
import type { DigestMemo } from './digest-memo.ts';
import { fsyncFolder } from './durable.ts';
import { statOrNone } from './file-identity.ts';
import type { Layout } from './layout.ts';
import type { OutputRef, StoreRecord } from './record.ts';
import { digestWithMemo } from './source-digest.ts';
import { guardWrite } from './write-error.ts';

export class Artifacts {
  readonly #layout: Layout;
  readonly #memo: DigestMemo;
  readonly #writable: boolean;
  /** Checks under way, so that two keys with one large artifact read it once. */
  readonly #checks = new Map<string, Promise<string | undefined>>();

  constructor(layout: Layout, memo: DigestMemo, writable: boolean) {
    this.#layout = layout;
    this.#memo = memo;
    this.#writable = writable;
  }

  /** Undefined when all outputs of a record are whole, otherwise a sentence on the first that is not. */
  async check(record: StoreRecord): Promise<string | undefined> {
    for (const [name, output] of Object.entries(record.outputs)) {
      const problem = await this.#checkOnce(output);
      if (problem !== undefined) return `artifact '${name}' (${output.digest.slice(0, 12)}) ${problem}`;
    }
    return undefined;
  }

  /** Moves a finished, flushed file to its place; bytes that are there already stay. */
  place(output: OutputRef & { path: string }): void {
    const written = statSync(output.path).size;
    if (written !== output.size) {
      throw new Error(`'${output.path}' has ${written} bytes, but the worker reported ${output.size}`);
    }
    const target = this.#layout.blob(output);
    if (statOrNone(target)?.size === BigInt(output.size)) {
      rmSync(output.path);
      return;
    }
    chmodSync(output.path, 0o444);
    mkdirSync(dirname(target), { recursive: true });
    renameSync(output.path, target);
    fsyncFolder(dirname(target));
    // Just written and hashed by ourselves, and read-only from now on: no second reading is needed.
    const stats = statOrNone(target);
    if (stats !== undefined) this.#memo.put(target, stats, output.digest);
  }

  /** Moves a damaged file out of the way, where it can still be looked at. */
  putAside(path: string): void {
    if (!this.#writable) return;
    const target = this.#layout.quarantine(`${basename(path)}.${randomUUID()}`);
    guardWrite(this.#layout.folder, 'a damaged file, to put it aside,', () => {
      try {
        renameSync(path, target);
      } catch (error) {
        if (!hasCode(error, 'ENOENT')) throw error; // otherwise another runner was faster
      }
    });
  }

  #checkOnce(output: OutputRef): Promise<string | undefined> {
    const name = `${output.digest}-${output.size}`;
    let check = this.#checks.get(name);
    if (check === undefined) {
      check = this.#check(output).finally(() => this.#checks.delete(name));
      this.#checks.set(name, check);
    }
    return check;
  }

  async #check(output: OutputRef): Promise<string | undefined> {
    const path = this.#layout.blob(output);
    const stats = statOrNone(path);
    if (stats === undefined) return 'is gone';
    if (Number(stats.size) !== output.size) {
      this.putAside(path);
      return `has ${stats.size} bytes instead of ${output.size}`;
    }
    const { digest } = await digestWithMemo(path, this.#memo);
    if (digest === output.digest) return undefined;
    this.putAside(path);
    return 'was changed on disk';
  }
}
