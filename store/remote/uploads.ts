// What was made here on its way to where others find it: a few units at a time, in the background, never more than so many waiting.
import pLimit from 'p-limit';

const atOnce = 4;
const usualMost = 64;

/** Work in the background by key. Failures are the work's own to tell. */
export class Uploads {
  readonly #limit = pLimit(atOnce);
  readonly #most: number;
  readonly #under = new Map<string, Promise<void>>();

  constructor(most: number = usualMost) {
    this.#most = most;
  }

  get size(): number {
    return this.#under.size;
  }

  /** Resolves when the work has been taken on, which waits for room; work at the same key is done one after the other. */
  async add(key: string, work: () => Promise<void>): Promise<void> {
    while (this.#under.size >= this.#most && !this.#under.has(key)) await Promise.race(this.#under.values());
    const before = this.#under.get(key) ?? Promise.resolve();
    const done = before
      .then(() => this.#limit(work))
      .finally(() => {
        if (this.#under.get(key) === done) this.#under.delete(key);
      });
    this.#under.set(key, done);
    done.catch(() => {});
  }

  /** When all that was taken on for `key` is done. */
  async after(key: string): Promise<void> {
    await this.#under.get(key);
  }

  /** When all is done. Rejects with what work rejects with. */
  async all(): Promise<void> {
    while (this.#under.size > 0) await Promise.all(this.#under.values());
  }
}
