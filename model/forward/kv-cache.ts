// The keys and values of the tokens so far: arrays of fixed size, which a step reads where they lie and adds one token to.
//
// B rows (texts), S places (tokens), L layers that attend, K key/value heads, hd head size. Row b holds its tokens at the places 0 to lengths[b] - 1.
import type { ModelConfig } from '../architecture/model-config.ts';

/** A layer's keys and values, [B, K, S, hd] each. */
export interface LayerCache {
  k: Float32Array;
  v: Float32Array;
}

/** Keys and values by layer that attends from the outputs of a graph: k of the first layer, v of the first, k of the second, ... */
export function layersOf(arrays: readonly Float32Array[]): LayerCache[] {
  return Array.from({ length: arrays.length / 2 }, (_, l) => ({
    k: arrays[2 * l] as Float32Array,
    v: arrays[2 * l + 1] as Float32Array,
  }));
}

/** A text that a pass has read: the keys and values of its tokens are among those of the pass. */
export interface ReadText {
  /** By layer, [B, K, T, hd] each; its own row, and the places of its tokens there. */
  readonly found: readonly LayerCache[];
  readonly rows: number;
  readonly row: number;
  readonly places: Int32Array;
}

/** Keys and values of B texts of at most S tokens, and how many tokens each has. */
export class KvCache {
  readonly #heads: number;
  readonly #width: number;
  #rows = 0;
  #places = 0;
  #lengths = new Int32Array(0);
  readonly layers: readonly LayerCache[];

  /** A cache for a model of `config`, of which `attending` layers attend; the others have no slot. */
  constructor({ num_hidden_layers, num_key_value_heads, head_dim }: ModelConfig, attending = num_hidden_layers) {
    this.#heads = num_key_value_heads;
    this.#width = head_dim;
    const empty = (): LayerCache => ({ k: new Float32Array(0), v: new Float32Array(0) });
    this.layers = Array.from({ length: attending }, empty);
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

  /** Row `row` becomes the text `read`. */
  fill(row: number, { found, rows, row: from, places }: ReadText): void {
    const runs = runsOf(places);
    const stride = (found[0]?.k.length ?? 0) / rows / this.#heads;
    const copy = (to: Float32Array, all: Float32Array) => {
      for (let head = 0; head < this.#heads; head++) {
        const source = (from * this.#heads + head) * stride;
        let at = (row * this.#heads + head) * this.#places * this.#width;
        for (const { first, count } of runs) {
          const start = source + first * this.#width;
          to.set(all.subarray(start, start + count * this.#width), at);
          at += count * this.#width;
        }
      }
    };
    this.layers.forEach((layer, l) => {
      copy(layer.k, (found[l] as LayerCache).k);
      copy(layer.v, (found[l] as LayerCache).v);
    });
    this.#lengths[row] = places.length;
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
    if (places === this.#places && rows < this.#rows)
      return from.subarray(0, rows * this.#heads * places * this.#width);
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

  #appendHeads(to: Float32Array, from: Float32Array, row: number): void {
    const place = this.#lengths[row] as number;
    for (let head = 0; head < this.#heads; head++) {
      const source = (row * this.#heads + head) * this.#width;
      const target = ((row * this.#heads + head) * this.#places + place) * this.#width;
      // a view for each head of each row would take longer than the copy
      for (let i = 0; i < this.#width; i++) to[target + i] = from[source + i] as number;
    }
  }
}

/** Places that follow each other, joined. */
function runsOf(places: Int32Array): { first: number; count: number }[] {
  const runs: { first: number; count: number }[] = [];
  for (const place of places) {
    const last = runs.at(-1);
    if (last !== undefined && last.first + last.count === place) last.count++;
    else runs.push({ first: place, count: 1 });
  }
  return runs;
}

const fewestPlaces = 32;

/** The places for `tokens` tokens: eighths of a power of two, so that a growing text is rarely copied and little is empty; at most `most`. */
export function cachePlaces(tokens: number, most: number): number {
  const step = Math.max(fewestPlaces, 2 ** Math.ceil(Math.log2(tokens)) / 8);
  return Math.min(most, Math.ceil(tokens / step) * step);
}
