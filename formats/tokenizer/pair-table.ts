// A hash table from pairs of numbers to numbers, in flat arrays: a published vocabulary has 300,000 merges.

/** Pairs of whole numbers of 0 to 2^31 - 1; the last value that is set for a pair counts. */
export class PairTable {
  #keys: Int32Array;
  #values: Int32Array;
  #size = 0;

  /** Begins with room for `expected` pairs. */
  constructor(expected = 16) {
    const capacity = 2 ** Math.ceil(Math.log2(2 * Math.max(expected, 8)));
    this.#keys = new Int32Array(2 * capacity).fill(-1);
    this.#values = new Int32Array(capacity);
  }

  /** The value of the pair, -1 when there is none. */
  get(left: number, right: number): number {
    const slot = this.#slotOf(left, right);
    return this.#keys[2 * slot] === -1 ? -1 : (this.#values[slot] as number);
  }

  set(left: number, right: number, value: number): void {
    if (2 * this.#size >= this.#values.length) this.#grow();
    const slot = this.#slotOf(left, right);
    if (this.#keys[2 * slot] === -1) this.#size++;
    this.#keys[2 * slot] = left;
    this.#keys[2 * slot + 1] = right;
    this.#values[slot] = value;
  }

  /** Where the pair is, or would be. */
  #slotOf(left: number, right: number): number {
    const mask = this.#values.length - 1;
    let slot = (Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b)) >>> 0;
    for (slot = (slot ^ (slot >>> 15)) & mask; ; slot = (slot + 1) & mask) {
      const key = this.#keys[2 * slot];
      if (key === -1 || (key === left && this.#keys[2 * slot + 1] === right)) return slot;
    }
  }

  #grow(): void {
    const [keys, values] = [this.#keys, this.#values];
    this.#keys = new Int32Array(2 * keys.length).fill(-1);
    this.#values = new Int32Array(2 * values.length);
    this.#size = 0;
    values.forEach((value, slot) => {
      if (keys[2 * slot] !== -1) this.set(keys[2 * slot] as number, keys[2 * slot + 1] as number, value);
    });
  }
}
