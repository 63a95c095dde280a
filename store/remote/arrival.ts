// An artifact on its way in: a file of the local store, under no name yet, with the digest of what has come.
import { PartialFile } from '../../hub/partial-file.ts';
import type { BlobRef } from '../digest.ts';
import { guardedAsync } from '../write-error.ts';
import type { Sink } from './bucket.ts';

const what = 'an artifact that comes from the shared store';

export class Arrival implements Sink {
  readonly #folder: string;
  readonly #part: PartialFile;

  private constructor(folder: string, part: PartialFile) {
    this.#folder = folder;
    this.#part = part;
  }

  /** Opens the new file `path` of the local store in `folder`. */
  static async open(folder: string, path: string, { digest, size }: BlobRef): Promise<Arrival> {
    const part = await guardedAsync(folder, what, () => PartialFile.open(path, { blob: digest, size }));
    return new Arrival(folder, part);
  }

  get length(): number {
    return this.#part.length;
  }

  write(bytes: Uint8Array): Promise<void> {
    return guardedAsync(this.#folder, what, () => this.#part.write(bytes));
  }

  /** Writes out what is left and closes the file; what came. */
  async end(): Promise<BlobRef> {
    await guardedAsync(this.#folder, what, async () => {
      await this.#part.flush();
      await this.#part.sync();
    });
    await this.#part.close();
    return { digest: this.#part.digest(), size: this.length };
  }

  /** Closes the file without looking at it. */
  close(): Promise<void> {
    return this.#part.close().catch(() => {});
  }
}
