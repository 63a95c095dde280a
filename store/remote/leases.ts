// One worker per key among machines that share nothing but a bucket whose conditional writes hold.
import { randomUUID } from 'node:crypto';
import { isObject } from '../../util/json.ts';
import { defaultLeaseTimes, type LeaseTimes } from '../lease.ts';
import { identityOf, type ProcessIdentity, parseIdentity, stateOf } from '../process-identity.ts';
import type { Bucket } from './bucket.ts';
import { holderAt, leaseFolder } from './names.ts';

/** What is written for a lease and for a sign of life has some hundred bytes. */
const most_bytes = 4096;

/** Signs of life cost requests. */
export const remoteLeaseTimes: LeaseTimes = { ...defaultLeaseTimes, heartbeat_ms: 15_000 };

/** A lease that was taken. */
export interface RemoteLease {
  release(): Promise<void>;
}

/**
 * The leases of this process in a bucket. The lease of a key is the object with the highest number in its folder; who finds its holder dead
 * writes the next number, which one alone can do. A process has one sign of life for all its leases, and is dead to others when that has not
 * changed for long by their own clock, to those on its host when they see it. A lease saves work and nothing else: of two results the first
 * one wins in any case.
 */
export class RemoteLeases {
  readonly #bucket: Bucket;
  readonly #times: LeaseTimes;
  readonly #id = randomUUID();
  readonly #me: ProcessIdentity = identityOf();
  /** Signs of life of others, as they were first seen, on this process's own clock. */
  readonly #seen = new Map<string, { beat: string; since_ms: number }>();
  #beats = 0;
  #alive: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(bucket: Bucket, times: LeaseTimes = remoteLeaseTimes) {
    this.#bucket = bucket;
    this.#times = times;
  }

  /** `held`: somebody alive has it. */
  async take(key: string): Promise<RemoteLease | 'held'> {
    await this.#live();
    if (await this.#write(key, 1)) return this.#lease(key, 1);
    const numbers = await this.#numbers(key);
    const last = numbers.at(-1);
    if (last === undefined) return 'held'; // given back this moment: the next look will tell
    if (!(await this.#isDead(key, last))) return 'held';
    return (await this.#write(key, last + 1)) ? this.#lease(key, last + 1) : 'held';
  }

  /** Ends the sign of life; leases that are not given back count as left behind. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    if (this.#alive === undefined) return;
    this.#alive = undefined;
    await this.#bucket.remove(holderAt(this.#id));
  }

  #lease(key: string, number: number): RemoteLease {
    return {
      release: async () => {
        // from the highest on: while a lower one is there, nobody can begin anew
        for (let each = number; each >= 1; each--) await this.#bucket.remove(this.#at(key, each));
      },
    };
  }

  /** True also where it was written and the answer got lost. */
  async #write(key: string, number: number): Promise<boolean> {
    const text = JSON.stringify({ id: this.#id, ...this.#me });
    const outcome = await this.#bucket.write(this.#at(key, number), Buffer.from(text), 'unless-there');
    return outcome === 'written' || (await this.#holder(key, number))?.id === this.#id;
  }

  async #numbers(key: string): Promise<number[]> {
    const folder = leaseFolder(key);
    const names = await this.#bucket.list(folder);
    const numbers = names.map((name) => Number(/^\d{1,9}$/.exec(name.slice(folder.length))?.[0]));
    return numbers.filter((number) => number >= 1).sort((a, b) => a - b);
  }

  async #holder(key: string, number: number): Promise<({ id: string } & ProcessIdentity) | undefined> {
    const value = parse(await this.#bucket.read(this.#at(key, number), most_bytes));
    const process = parseIdentity(value);
    if (process === undefined || !isObject(value) || typeof value.id !== 'string') return undefined;
    return /^[\w-]{1,64}$/.test(value.id) ? { id: value.id, ...process } : undefined;
  }

  async #isDead(key: string, number: number): Promise<boolean> {
    const holder = await this.#holder(key, number);
    const state = holder === undefined ? 'elsewhere' : stateOf(holder);
    if (state !== 'elsewhere') return state === 'dead';
    // one that cannot be read has no life of its own: it counts from when it was seen
    const life = holder === undefined ? undefined : await this.#bucket.read(holderAt(holder.id), most_bytes);
    return this.#isSilent(holder?.id ?? `${key} ${number}`, life?.toString() ?? '');
  }

  #isSilent(whose: string, beat: string): boolean {
    const seen = this.#seen.get(whose);
    const now_ms = performance.now();
    if (seen?.beat === beat) return now_ms - seen.since_ms > this.#times.stale_ms;
    this.#seen.set(whose, { beat, since_ms: now_ms });
    return false;
  }

  /** Begins to give signs of life: before the first lease, so that nobody finds that without one. */
  #live(): Promise<void> {
    this.#alive ??= this.#beat().then(() => {
      this.#timer = setInterval(() => {
        this.#beat().catch(() => {}); // one that is missed is harmless
      }, this.#times.heartbeat_ms).unref();
    });
    return this.#alive.catch((error: unknown) => {
      this.#alive = undefined;
      throw error;
    });
  }

  async #beat(): Promise<void> {
    const text = JSON.stringify({ beat: ++this.#beats });
    await this.#bucket.write(holderAt(this.#id), Buffer.from(text), 'always');
  }

  #at(key: string, number: number): string {
    return leaseFolder(key) + number;
  }
}

function parse(bytes: Buffer | undefined): unknown {
  try {
    return JSON.parse(bytes?.toString() ?? '');
  } catch {
    return undefined;
  }
}
