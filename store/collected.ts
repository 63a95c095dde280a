// Artifacts that were collected on purpose: that these are gone is no damage and nothing to warn of.
import { readFileSync } from 'node:fs';
import { ignoringErrors } from '../util/ignoring-errors.ts';
import { writeDurably } from './durable.ts';
import { fileIdentity, statOrNone } from './file-identity.ts';
import type { Layout } from './layout.ts';

/**
 * Takes note of blobs that are about to be collected, beside those that were before and are still gone (`isThere`). Losing the notes costs a
 * warning for each and nothing else.
 */
export function noteCollected(layout: Layout, blobs: readonly string[], isThere: (blob: string) => boolean): void {
  const earlier = [...readNames(layout.collected)].filter((blob) => !isThere(blob));
  const all = [...new Set([...earlier, ...blobs])];
  ignoringErrors(() => writeDurably(layout.collected, all.map((blob) => `${blob}\n`).join(''), layout));
}

/** The notes of a store, read again when there are more. */
export class CollectedBlobs {
  readonly #path: string;
  #identity = '';
  #names: ReadonlySet<string> = new Set();

  constructor({ collected }: Layout) {
    this.#path = collected;
  }

  has(blob: string): boolean {
    const stats = statOrNone(this.#path);
    const identity = stats === undefined ? '' : fileIdentity(stats);
    if (identity !== this.#identity) {
      this.#identity = identity;
      this.#names = readNames(this.#path);
    }
    return this.#names.has(blob);
  }
}

function readNames(path: string): ReadonlySet<string> {
  let text = '';
  ignoringErrors(() => {
    text = readFileSync(path, 'utf8');
  });
  return new Set(text.split('\n').filter((line) => line !== ''));
}
