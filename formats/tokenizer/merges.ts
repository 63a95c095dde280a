// Merging symbols in the order of the merges' ranks, the leftmost of one rank first.
import { PairTable } from './pair-table.ts';

/** Pairs of symbols that are merged, in the order in which they were learnt. */
export class Merges {
  readonly #ranks: PairTable;
  readonly #results: number[] = [];

  constructor(expected: number) {
    this.#ranks = new PairTable(expected);
  }

  add(left: number, right: number, result: number): void {
    this.#ranks.set(left, right, this.#results.push(result) - 1);
  }

  /** The rank of a pair, -1 for one that is not merged. */
  rankOf(left: number, right: number): number {
    return this.#ranks.get(left, right);
  }

  resultOf(rank: number): number {
    return this.#results[rank] as number;
  }
}

/** `symbols` with all merges applied; they are used up. */
export function mergeAll(symbols: number[], merges: Merges): number[] {
  if (symbols.length < 2) return symbols;
  const word = new Word(symbols, merges);
  return word.merged();
}

/** Places of a queue's entries stand below their rank in one number, which orders them as they are to be merged. */
const placeLimit = 2 ** 28;

/** Symbols as a linked list, and a queue of the pairs that can be merged. */
class Word {
  readonly #symbols: number[];
  readonly #merges: Merges;
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #queue = new Queue();

  constructor(symbols: number[], merges: Merges) {
    this.#symbols = symbols;
    this.#merges = merges;
    this.#next = Int32Array.from(symbols, (_, place) => (place + 1 < symbols.length ? place + 1 : -1));
    this.#previous = Int32Array.from(symbols, (_, place) => place - 1);
  }

  merged(): number[] {
    for (let place = 0; place + 1 < this.#symbols.length; place++) this.#offer(place);
    for (let entry = this.#queue.take(); entry >= 0; entry = this.#queue.take()) {
      this.#merge(entry % placeLimit, Math.floor(entry / placeLimit));
    }
    return this.#symbols.filter((symbol) => symbol >= 0);
  }

  /** Queues the pair that begins at `place`, if it can be merged. */
  #offer(place: number): void {
    const rank = this.#merges.rankOf(
      this.#symbols[place] as number,
      this.#symbols[this.#next[place] as number] as number,
    );
    if (rank >= 0) this.#queue.add(rank * placeLimit + place);
  }

  /** Merges the pair at `place`, unless it has become another one meanwhile. */
  #merge(place: number, rank: number): void {
    const right = this.#next[place] as number;
    if ((this.#symbols[place] as number) < 0 || right < 0) return;
    const now = this.#merges.rankOf(this.#symbols[place] as number, this.#symbols[right] as number);
    const result = this.#merges.resultOf(rank);
    if (now < 0 || this.#merges.resultOf(now) !== result) return;
    this.#symbols[place] = result;
    this.#symbols[right] = -1;
    const after = this.#next[right] as number;
    this.#next[place] = after;
    if (after >= 0) this.#previous[after] = place;
    const before = this.#previous[place] as number;
    if (before >= 0) this.#offer(before);
    if (after >= 0) this.#offer(place);
  }
}

/** A heap of numbers, the least first. */
class Queue {
  readonly #heap: number[] = [];

  add(entry: number): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if ((heap[above] as number) <= entry) break;
      heap[at] = heap[above] as number;
      at = above;
    }
    heap[at] = entry;
  }

  /** The least entry, which is removed; -1 when there is none. */
  take(): number {
    const heap = this.#heap;
    const least = heap[0];
    const last = heap.pop();
    if (least === undefined || last === undefined) return -1;
    if (heap.length > 0) this.#sink(last);
    return least;
  }

  #sink(entry: number): void {
    const heap = this.#heap;
    let at = 0;
    for (let below = 1; below < heap.length; below = 2 * at + 1) {
      if (below + 1 < heap.length && (heap[below + 1] as number) < (heap[below] as number)) below++;
      if (entry <= (heap[below] as number)) break;
      heap[at] = heap[below] as number;
      at = below;
    }
    heap[at] = entry;
  }
}
