// Writes a file of one JSON value per line, in chunks.
import { createFile, type OutputFile } from '../files/output-file.ts';

/** Lines per write: keeps memory small for any number of them. */
const chunkLines = 1000;

/** Writes values one by one; equal values give equal bytes. `close` must be called, also after a failure. */
export class JsonLinesWriter<T> {
  readonly #file: OutputFile;
  #lines: string[] = [];

  private constructor(file: OutputFile) {
    this.#file = file;
  }

  static async create<T>(path: string): Promise<JsonLinesWriter<T>> {
    return new JsonLinesWriter<T>(await createFile(path, 'data file'));
  }

  async write(value: T): Promise<void> {
    this.#lines.push(`${JSON.stringify(value)}\n`);
    if (this.#lines.length >= chunkLines) await this.flush();
  }

  /** Writes what is still in memory. */
  async flush(): Promise<void> {
    const text = this.#lines.join('');
    this.#lines = [];
    await this.#file.write(Buffer.from(text));
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
