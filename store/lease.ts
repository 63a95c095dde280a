// One worker per key: a lease file names its holder, and a heartbeat shows that the holder lives.
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { hasCode } from '../util/errors.ts';
import { isObject } from '../util/json.ts';
import { linkUnlessTaken } from './durable.ts';
import { statOrNone } from './file-identity.ts';
import { inFolder } from './make-folder.ts';
import {
  identityOf,
  type ProcessIdentity,
  parseIdentity,
  sameProcess,
  shortNameOf,
  stateOf,
  stateOfShortName,
} from './process-identity.ts';
import type { Lease } from './store.ts';

export interface LeaseTimes {
  /** Between two signs of life of a holder. */
  heartbeat_ms: number;
  /** Without a sign of life for this long, a holder that cannot be seen from here counts as dead. */
  stale_ms: number;
}

export const defaultLeaseTimes: LeaseTimes = { heartbeat_ms: 5_000, stale_ms: 60_000 };

interface Holder extends ProcessIdentity {
  /** Unique to this holding of the lease. */
  id: string;
}

/** The leases that this process holds and watches; `pathOf` gives the lease file of a key. */
export class LeaseKeeper {
  readonly #pathOf: (key: string) => string;
  readonly #times: LeaseTimes;
  readonly #held = new Map<string, string>();
  /** Ids of leases that were given back but whose files the system does not let go. */
  readonly #stuck = new Set<string>();
  /** When a foreign lease was first seen with the heartbeat that it still has, on this process's own clock. */
  readonly #watched = new Map<string, { beat: string; since_ms: number }>();
  #timer: NodeJS.Timeout | undefined;

  constructor(pathOf: (key: string) => string, times: LeaseTimes = defaultLeaseTimes) {
    this.#pathOf = pathOf;
    this.#times = times;
  }

  /** Takes the lease of a key unless somebody alive holds it; a dead holder's lease is taken over. */
  acquire(key: string): Lease | undefined {
    const path = this.#pathOf(key);
    return this.#withCard(path, (card, id) => {
      const taken = linkUnlessTaken(card, path) || this.#takeOver(path, card);
      return taken ? this.#hold(path, id) : undefined;
    });
  }

  /** True while somebody alive (this process included) holds the lease of `key`. */
  isHeld(key: string): boolean {
    const path = this.#pathOf(key);
    return this.#held.has(path) || (statOrNone(path) !== undefined && !this.#isStale(path));
  }

  /**
   * Removes what processes that were killed left behind: first what a taker had half done, then leases. A lease can
   * outlive its holder although its result is published, and then nobody would ever take it over.
   */
  sweep(): void {
    const folder = dirname(this.#pathOf('any'));
    const leftOver = readdirSync(folder)
      .map((name) => join(folder, name))
      .filter((path) => this.#isLeftOver(path));
    const isHalfDone = (path: string) => /\.(tmp|guard)$/.test(path);
    for (const path of leftOver.filter(isHalfDone)) tryToRemove(path);
    for (const path of leftOver.filter((path) => !isHalfDone(path))) this.#removeStale(path);
  }

  releaseAll(): void {
    for (const [path, id] of [...this.#held]) this.#release(path, id);
  }

  /**
   * Writes this process's name, under `id`, to a file beside `path` that others can be linked or renamed from. The
   * file's own name tells the process too, since one that is killed here leaves an empty file.
   */
  #withCard<Result>(path: string, use: (card: string, id: string) => Result, id: string = randomUUID()): Result {
    const mine: Holder = { id, ...identityOf() };
    const card = `${path}.${shortNameOf(mine)}.${randomUUID()}.tmp`;
    try {
      inFolder(dirname(dirname(path)), dirname(path), () => writeFileSync(card, JSON.stringify(mine)));
      return use(card, id);
    } finally {
      tryToRemove(card);
    }
  }

  #hold(path: string, id: string): Lease {
    this.#held.set(path, id);
    this.#watched.delete(path);
    this.#timer ??= setInterval(() => this.#beat(), this.#times.heartbeat_ms).unref();
    const isHeld = () => this.#held.get(path) === id && readHolder(path)?.id === id;
    return { release: () => this.#release(path, id), isHeld };
  }

  #release(path: string, id: string): void {
    if (this.#held.get(path) !== id) return;
    this.#held.delete(path);
    if (readHolder(path)?.id === id && !tryToRemove(path)) this.#stuck.add(id);
    if (this.#held.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #beat(): void {
    const now = new Date();
    for (const [path, id] of this.#held) {
      try {
        if (this.#isMine(path, id)) utimesSync(path, now, now);
        else this.#restore(path, id);
      } catch {
        // A missed beat is harmless: another runner would only do the work twice, and the first result wins.
      }
    }
  }

  #isMine(path: string, id: string): boolean {
    const holder = readHolder(path);
    return holder?.id === id && sameProcess(holder, identityOf());
  }

  /** Writes a lease again that somebody removed or damaged; one that another process took over stays taken. */
  #restore(path: string, id: string): void {
    const holder = readHolder(path);
    if (holder !== undefined && holder.id !== id && stateOf(holder) !== 'dead') return;
    this.#withCard(
      path,
      (card) => (statOrNone(path) === undefined ? linkUnlessTaken(card, path) : renameSync(card, path)),
      id,
    );
  }

  /** Replaces a stale lease by `card`; false if somebody was faster, or the lease is not stale. */
  #takeOver(path: string, card: string): boolean {
    const stale = readHolder(path);
    if (!this.#isStale(path)) return false;
    return this.#guarded(path, stale, card, () => {
      if (statOrNone(path) === undefined) return linkUnlessTaken(card, path);
      if (readHolder(path)?.id !== stale?.id) return false;
      renameSync(card, path);
      return true;
    });
  }

  #removeStale(path: string): void {
    const stale = readHolder(path);
    this.#withCard(path, (card) =>
      this.#guarded(path, stale, card, () => {
        if (this.#isLeftOver(path) && readHolder(path)?.id === stale?.id) tryToRemove(path);
        return true;
      }),
    );
  }

  /**
   * Does `change` to a stale lease while no other process does. The guard's name holds the stale lease's id, so that of
   * several who found it stale one goes on; the others get false.
   */
  #guarded(path: string, stale: Holder | undefined, card: string, change: () => boolean): boolean {
    const guard = `${path}.${stale?.id ?? 'empty'}.guard`;
    if (!linkUnlessTaken(card, guard)) {
      // Its owner died within these few lines: make way for the next try.
      if (this.#isStale(guard)) tryToRemove(guard);
      return false;
    }
    try {
      return change();
    } finally {
      tryToRemove(guard);
    }
  }

  /** Written by a process that is dead, or never finished and old. */
  #isLeftOver(path: string): boolean {
    const holder = readHolder(path);
    if (holder !== undefined) return stateOf(holder) === 'dead';
    const writer = stateOfShortName(path.split('.').at(-3) ?? '');
    if (writer !== 'elsewhere') return writer === 'dead';
    const stats = statOrNone(path);
    return stats !== undefined && Date.now() - Number(stats.mtimeMs) > this.#times.stale_ms;
  }

  #isStale(path: string): boolean {
    const holder = readHolder(path);
    if (holder !== undefined && this.#stuck.has(holder.id)) return true;
    const state = holder === undefined ? 'elsewhere' : stateOf(holder);
    return state === 'dead' || (state === 'elsewhere' && this.#isSilent(path));
  }

  /** True when the lease's heartbeat has not moved for long; clocks of other hosts play no part. */
  #isSilent(path: string): boolean {
    const stats = statOrNone(path);
    if (stats === undefined) return false;
    const beat = `${stats.ino}:${stats.mtimeNs}`;
    const seen = this.#watched.get(path);
    const now_ms = performance.now();
    if (seen?.beat === beat) return now_ms - seen.since_ms > this.#times.stale_ms;
    this.#watched.set(path, { beat, since_ms: now_ms });
    return false;
  }
}

/** What a lease says, or nothing: an id becomes a part of file names, so that one with a slash in it is none. */
function readHolder(path: string): Holder | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    const process = parseIdentity(value);
    if (process === undefined || !isObject(value) || typeof value.id !== 'string') return undefined;
    return /^[\w-]{1,64}$/.test(value.id) ? { id: value.id, ...process } : undefined;
  } catch {
    return undefined;
  }
}

/** Removes a file, or whatever a stranger put in its place; false when the system does not let it go. */
function tryToRemove(path: string): boolean {
  try {
    rmSync(path, { force: true, recursive: true });
    return true;
  } catch (error) {
    return hasCode(error, 'ENOENT');
  }
}
