// A download that is under way: what is there already is read into the digest, what comes is written in large pieces.
import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, rm, stat } from 'node:fs/promises';
import type { HubFile } from './listing.ts';

/** What the network brings in small pieces is written in pieces of this size. */
const writeBytes = 2 ** 20;

/** The beginning of a file, with the digest of all of it kept up. */
export class PartialFile {
  length = 0;
  readonly #handle: FileHandle;
  readonly #hash: Hash;
  #waiting: Uint8Array[] = [];
  #waiting_bytes = 0;

  private constructor(handle: FileHandle, hash: Hash) {
    this.#handle = handle;
    this.#hash = hash;
  }

  /** Reads what is there already; a file longer than the whole one is thrown away. */
  static async open(path: string, file: Pick<HubFile, 'blob' | 'size'>): Promise<PartialFile> {
    const known = await stat(path).catch(() => undefined);
    if (known !== undefined && known.size > file.size) await rm(path);
    const part = new PartialFile(await open(path, constants.O_RDWR | constants.O_CREAT, 0o666), hashOf(file));
    await part.#readAll();
    return part;
  }

  async #readAll(): Promise<void> {
    const buffer = new Uint8Array(2 ** 20);
    for (;;) {
      const { bytesRead } = await this.#handle.read(buffer, 0, buffer.byteLength, this.length);
      if (bytesRead === 0) return;
      this.#hash.update(buffer.subarray(0, bytesRead));
      this.length += bytesRead;
    }
  }

  /** Adds `bytes`; they are on the disk after the next `flush`. */
  async write(bytes: Uint8Array): Promise<void> {
    this.#waiting.push(bytes);
    this.#waiting_bytes += bytes.byteLength;
    this.length += bytes.byteLength;
    if (this.#waiting_bytes >= writeBytes) await this.flush();
  }

  async flush(): Promise<void> {
    const bytes = Buffer.concat(this.#waiting);
    const start = this.length - this.#waiting_bytes;
    [this.#waiting, this.#waiting_bytes] = [[], 0];
    this.#hash.update(bytes);
    for (let done = 0; done < bytes.byteLength; ) {
      done += (await this.#handle.write(bytes, done, bytes.byteLength - done, start + done)).bytesWritten;
    }
  }

  sync(): Promise<void> {
    return this.#handle.sync();
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  digest(): string {
    return this.#hash.digest('hex');
  }
}

/** SHA-256 for LFS files; for the others git's SHA-1, which begins with kind and size. */
function hashOf({ blob, size }: Pick<HubFile, 'blob' | 'size'>): Hash {
  return blob.length === 64 ? createHash('sha256') : createHash('sha1').update(`blob ${size}\0`);
}
