// Python's `random.Random`, bit for bit: few-shot examples and bootstrap samples are then the harness's own.

const size = 624;
const period = 397;
/** `sample` takes a set rather than a pool from this size on; CPython's own constant. */
const smallSet = 21;

/** A Mersenne Twister seeded as `random.Random(seed)` is, for integers of 0 to 2^32 - 1. */
export class PythonRandom {
  readonly #state = new Uint32Array(size);
  #at = size;

  constructor(seed: number) {
    this.#seedByArray([seed >>> 0]);
  }

  /** The next 32 bits. */
  next32(): number {
    if (this.#at >= size) this.#twist();
    let y = this.#state[this.#at++] as number;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  /** `random()`: a float in [0, 1) with 53 bits. */
  random(): number {
    const high = this.next32() >>> 5;
    const low = this.next32() >>> 6;
    return (high * 67108864 + low) / 9007199254740992;
  }

  /** `_randbelow(n)`: draws of as many bits as n has until one is below n. */
  below(n: number): number {
    const shift = Math.clz32(n);
    let drawn = this.next32() >>> shift;
    while (drawn >= n) drawn = this.next32() >>> shift;
    return drawn;
  }

  /** `sample(range(n), k)`: k indexes without replacement. */
  sample(n: number, k: number): number[] {
    if (k > n) throw new RangeError(`a sample of ${k} from ${n}`);
    const setSize = k > 5 ? smallSet + 4 ** Math.ceil(Math.log(k * 3) / Math.log(4)) : smallSet;
    return n <= setSize ? this.#sampleFromPool(n, k) : this.#sampleBySet(n, k);
  }

  /** One index of `choices(range(n), k=...)`. */
  choice(n: number): number {
    return Math.floor(this.random() * n);
  }

  #sampleFromPool(n: number, k: number): number[] {
    const pool = Array.from({ length: n }, (_, i) => i);
    return Array.from({ length: k }, (_, i) => {
      const j = this.below(n - i);
      const chosen = pool[j] as number;
      pool[j] = pool[n - i - 1] as number;
      return chosen;
    });
  }

  #sampleBySet(n: number, k: number): number[] {
    const chosen = new Set<number>();
    while (chosen.size < k) chosen.add(this.below(n));
    return [...chosen];
  }

  #seed(value: number): void {
    const state = this.#state;
    state[0] = value;
    for (let i = 1; i < size; i++) {
      const last = state[i - 1] as number;
      state[i] = Math.imul(1812433253, last ^ (last >>> 30)) + i;
    }
    this.#at = size;
  }

  #seedByArray(key: readonly number[]): void {
    this.#seed(19650218);
    const state = this.#state;
    let i = 1;
    const mix = (factor: number) => {
      const last = state[i - 1] as number;
      return (state[i] as number) ^ Math.imul(last ^ (last >>> 30), factor);
    };
    const advance = () => {
      i++;
      if (i < size) return;
      state[0] = state[size - 1] as number;
      i = 1;
    };
    for (let step = 0; step < Math.max(size, key.length); step++) {
      const j = step % key.length;
      state[i] = mix(1664525) + (key[j] as number) + j;
      advance();
    }
    for (let step = 1; step < size; step++) {
      state[i] = mix(1566083941) - i;
      advance();
    }
    state[0] = 0x80000000;
  }

  #twist(): void {
    const state = this.#state;
    for (let i = 0; i < size; i++) {
      const y = ((state[i] as number) & 0x80000000) | ((state[(i + 1) % size] as number) & 0x7fffffff);
      state[i] = (state[(i + period) % size] as number) ^ (y >>> 1) ^ ((y & 1) === 0 ? 0 : 0x9908b0df);
    }
    this.#at = 0;
  }
}
