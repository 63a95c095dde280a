// Flushes to the disk that hold up nobody else: what is asked for while some are under way is flushed together, each file and folder once.
import { closeSync, fsync, openSync } from 'node:fs';
import { hasCode } from '../util/errors.ts';

/** So many are flushed at once: more than the system does, and fewer than a process may have open. */
const atOnce = 16;

/** Paths that are flushed together, and what the system said of those that it refused. */
interface Batch {
  paths: Set<string>;
  errors: Promise<ReadonlyMap<string, unknown>>;
}

export class Flusher {
  #last: Promise<unknown> = Promise.resolve();
  #next: Batch | undefined;

  /** Resolves when all that was written to these files, and all names that were made in these folders, are durable. */
  async flush(paths: readonly string[]): Promise<void> {
    const batch = this.#nextBatch();
    for (const path of paths) batch.paths.add(path);
    const errors = await batch.errors;
    for (const path of paths) if (errors.has(path)) throw errors.get(path);
  }

  /** What is asked for now is not among what is being flushed: that may be over for its path already. */
  #nextBatch(): Batch {
    if (this.#next === undefined) {
      const paths = new Set<string>();
      const errors = this.#last.then(() => {
        this.#next = undefined;
        return flushAll([...paths]);
      });
      this.#last = errors;
      this.#next = { paths, errors };
    }
    return this.#next;
  }
}

async function flushAll(paths: readonly string[]): Promise<ReadonlyMap<string, unknown>> {
  const errors = new Map<string, unknown>();
  for (let i = 0; i < paths.length; i += atOnce) {
    const some = paths.slice(i, i + atOnce);
    await Promise.all(some.map((path) => flushOne(path).catch((error: unknown) => errors.set(path, error))));
  }
  return errors;
}

/** File systems that cannot flush a folder are taken at their word. */
function flushOne(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const handle = openSync(path, 'r');
    fsync(handle, (error) => {
      closeSync(handle);
      if (error === null || hasCode(error, 'EINVAL') || hasCode(error, 'EPERM')) resolve();
      else reject(error);
    });
  });
}
