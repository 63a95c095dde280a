// Decides which attempts may run side by side: by number, threads and memory, first in plan order first.
import type { Need } from './executor.ts';

/** What an attempt takes of the machine while it runs. */
export type Share = Pick<Need, 'threads' | 'memory_bytes'>;

interface Waiting {
  order: readonly [number, number];
  need: Share;
  start: (release: () => void) => void;
}

/**
 * Hands out the right to run. The first in the queue is never passed by a later one, so a large attempt cannot starve;
 * one that wants more than there is gets everything.
 */
export class Slots {
  readonly #jobs: number;
  readonly #total: Share;
  readonly #queue: Waiting[] = [];
  #running = 0;
  #used: Share = { threads: 0, memory_bytes: 0 };
  #pumping = false;

  constructor(jobs: number, total: Share) {
    this.#jobs = jobs;
    this.#total = total;
  }

  /** Waits for a turn; `order` is the attempt's place in the plan (node, unit). Call the result when done. */
  take(order: readonly [number, number], need: Share): Promise<() => void> {
    return new Promise((start) => {
      this.#insert({ order, need: this.#capped(need), start });
      this.#pumpSoon();
    });
  }

  #insert(entry: Waiting): void {
    let low = 0;
    for (let high = this.#queue.length; low < high; ) {
      const middle = (low + high) >> 1;
      if (precedes(entry, this.#queue[middle] as Waiting)) high = middle;
      else low = middle + 1;
    }
    this.#queue.splice(low, 0, entry);
  }

  #capped({ threads, memory_bytes }: Share): Share {
    return {
      threads: Math.min(threads, this.#total.threads),
      memory_bytes: Math.min(memory_bytes, this.#total.memory_bytes),
    };
  }

  /** After what is ready in this turn of the event loop has queued up, so that the order is the plan's. */
  #pumpSoon(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    setImmediate(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  #pump(): void {
    for (let next = this.#queue[0]; next !== undefined && this.#fits(next.need); next = this.#queue[0]) {
      this.#queue.shift();
      this.#add(next.need, 1);
      next.start(this.#releaser(next.need));
    }
  }

  #releaser(need: Share): () => void {
    let released = false;
    return () => {
      if (released) return;
      released = true;
      this.#add(need, -1);
      this.#pumpSoon();
    };
  }

  #fits({ threads, memory_bytes }: Share): boolean {
    if (this.#running >= this.#jobs) return false;
    if (this.#used.threads + threads > this.#total.threads) return false;
    return this.#used.memory_bytes + memory_bytes <= this.#total.memory_bytes;
  }

  #add({ threads, memory_bytes }: Share, sign: 1 | -1): void {
    this.#running += sign;
    this.#used = {
      threads: this.#used.threads + sign * threads,
      memory_bytes: this.#used.memory_bytes + sign * memory_bytes,
    };
  }
}

function precedes(a: Waiting, b: Waiting): boolean {
  return a.order[0] - b.order[0] < 0 || (a.order[0] === b.order[0] && a.order[1] < b.order[1]);
}
