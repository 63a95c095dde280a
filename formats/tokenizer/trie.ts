// Texts by their beginnings.
import { PairTable } from './pair-table.ts';

/** A trie over UTF-16 code units; node 0 is the root. */
export class Trie {
  readonly #next = new PairTable();
  readonly #values: number[] = [-1];

  /** The last value for a text counts. */
  add(text: string, value: number): void {
    let node = 0;
    for (let i = 0; i < text.length; i++) {
      const next = this.step(node, text.charCodeAt(i));
      node = next >= 0 ? next : this.#branch(node, text.charCodeAt(i));
    }
    this.#values[node] = value;
  }

  /** The node behind `node` by one code unit, -1 for none. */
  step(node: number, unit: number): number {
    return this.#next.get(node, unit);
  }

  /** The value of the text that ends at `node`, -1 for none. */
  valueAt(node: number): number {
    return this.#values[node] as number;
  }

  #branch(node: number, unit: number): number {
    const made = this.#values.push(-1) - 1;
    this.#next.set(node, unit, made);
    return made;
  }
}
