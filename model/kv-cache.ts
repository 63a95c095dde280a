// The keys and values of the tokens so far: arrays of fixed size, which a step reads where they lie and adds one token to.
//
// B rows (texts), S places (tokens), L layers, K key/value heads, hd head size. Row b holds its tokens at the places 0 to lengths[b] - 1.
import type { LlamaConfig } from './config.ts';

/** A layer's keys and values, [B, K, S, hd] each. */
export interface LayerCache {
  k: Float32Array;
  v: Float32Array;
}

/** Keys and values of B texts of at most S tokens, and how many tokens each has. */
export class KvCache {
  readonly #heads: number;
  readonly #width: number;
  #rows = 0;
  #places = 0;
  #lengths = new Int32Array(0);
  readonly layers: readonly LayerCache[];

  constructor({ num_hidden_layers, num_key_value_heads, head_dim }: LlamaConfig) {
    this.#heads = num_key_value_heads;
    this.#width = head_dim;
    const empty = (): LayerCache => ({ k: new Float32Array(0), v: new Float32Array(0) });
    this.layers = Array.from({ length: num_hidden_layers }, empty);
  }

  /** B. */
  get rows(): number {
    return this.#rows;
  }

  /** S. */
  get places(): number {
    return this.#places;
  }

  /** Tokens of each row [B]. */
  get lengths(): Int32Array {
    return this.#lengths;
  }

  /** The shape of each array. */
  get shape(): [number, number, number, number] {
    return [this.#rows, this.#heads, this.#places, this.#width];
  }

  /** Makes room for `rows` texts of `places` tokens; rows that stay keep what they hold. */
  resize(rows: number, places: number): void {
    if (rows === this.#rows && places === this.#places) return;
    const kept = this.#lengths.subarray(0, rows);
    if (kept.some((length) => length > places)) throw new Error(`a text has more than ${places} tokens`);
    for (const layer of this.layers) {
      layer.k = this.#moved(layer.k, kept, rows, places);
      layer.v = this.#moved(layer.v, kept, rows, places);
    }
    const lengths = new Int32Array(rows);
    lengths.set(kept);
    [this.#rows, this.#places, this.#lengths] = [rows, places, lengths];
  }

  /** Row `row` becomes the first `tokens` of the T that each array of `found` [K, T, hd] has; `found` is by layer. */
  fill(row: number, tokens: number, found: readonly LayerCache[]): void {
    this.layers.forEach((layer, l) => {
      const { k, v } = found[l] as LayerCache;
      this.#fillHeads(layer.k, k, row, tokens);
      this.#fillHeads(layer.v, v, row, tokens);
    });
    this.#lengths[row] = tokens;
  }

  /** Adds a token to each row of `rows`; `found` has, by layer, one for every row, [B, K, 1, hd]. */
  append(rows: readonly number[], found: readonly LayerCache[]): void {
    this.layers.forEach((layer, l) => {
      const { k, v } = found[l] as LayerCache;
      for (const row of rows) {
        this.#appendHeads(layer.k, k, row);
        this.#appendHeads(layer.v, v, row);
      }
    });
    for (const row of rows) this.#lengths[row] = (this.#lengths[row] as number) + 1;
  }

  /** Row `to` becomes a copy of row `from`. */
  move(from: number, to: number): void {
    const size = this.#heads * this.#places * this.#width;
    for (const { k, v } of this.layers) {
      k.copyWithin(to * size, from * size, (from + 1) * size);
      v.copyWithin(to * size, from * size, (from + 1) * size);
    }
    this.#lengths[to] = this.#lengths[from] as number;
  }

  /** Forgets the tokens of a row. */
  clear(row: number): void {
    this.#lengths[row] = 0;
  }

  #moved(from: Float32Array, lengths: Int32Array, rows: number, places: number): Float32Array {
    const to = new Float32Array(rows * this.#heads * places * this.#width);
    lengths.forEach((length, row) => {
      for (let head = 0; head < this.#heads; head++) {
        const start = (row * this.#heads + head) * this.#places * this.#width;
        const kept = from.subarray(start, start + length * this.#width);
        to.set(kept, (row * this.#heads + head) * places * this.#width);
      }
    });
    return to;
  }

  #fillHeads(to: Float32Array, from: Float32Array, row: number, tokens: number): void {
    const stride = from.length / this.#heads;
    for (let head = 0; head < this.#heads; head++) {
      const part = from.subarray(head * stride, head * stride + tokens * this.#width);
      to.set(part, (row * this.#heads + head) * this.#places * this.#width);
    }
  }

  #appendHeads(to: Float32Array, from: Float32Array, row: number): void {
    const place = this.#lengths[row] as number;
    for (let head = 0; head < this.#heads; head++) {
      const at = row * this.#heads + head;
      to.set(from.subarray(at * this.#width, (at + 1) * this.#width), (at * this.#places + place) * this.#width);
    }
  }
}

const fewestPlaces = 64;

/** The places for `tokens` tokens: a power of two, so that texts grow through a handful of shapes; at most `most`. */
export function cachePlaces(tokens: number, most: number): number {
  return Math.min(most, Math.max(fewestPlaces, 2 ** Math.ceil(Math.log2(tokens))));
}
