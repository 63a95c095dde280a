// Writes a file of one JSON value per line, in chunks.
import { type FileHandle, open } from 'node:fs/promises';

/** Lines per write: keeps memory small for any number of them. */
const chunkLines = 1000;

/** Writes values one by one; equal values give equal bytes. `close` must be called, also after a failure. */
export class JsonLinesWriter<T> {
  readonly #file: FileHandle;
  #lines: string[] = [];

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async create<T>(path: string): Promise<JsonLinesWriter<T>> {
    return new JsonLinesWriter<T>(await open(path, 'w'));
  }

  async write(value: T): Promise<void> {
    this.#lines.push(`${JSON.stringify(value)}\n`);
    if (this.#lines.length >= chunkLines) await this.flush();
  }

  /** Writes what is still in memory. */
  async flush(): Promise<void> {
    const text = this.#lines.join('');
    this.#lines = [];
    await this.#file.write(text);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
