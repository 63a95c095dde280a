// Reads a log while it is written, also when it is shortened meanwhile.
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { type LogBounds, shortened, usualBounds } from './log-file.ts';

/** What a log has had since the last time it was asked. */
export class LogReader {
  readonly #path: string;
  readonly #bounds: LogBounds;
  #handle: number | undefined;
  #at = 0;

  constructor(path: string, bounds: LogBounds = usualBounds) {
    this.#path = path;
    this.#bounds = bounds;
  }

  /** New bytes; none while there is no log yet. */
  read(): Buffer {
    this.#handle ??= openOrNone(this.#path);
    if (this.#handle === undefined) return Buffer.alloc(0);
    const found = [this.#readOn(this.#handle)];
    while (this.#isReplaced(this.#handle)) {
      // the rest of the old file, which may be missing in the new one; there, all of it stands at the beginning
      found.push(this.#readOn(this.#handle));
      const next = openOrNone(this.#path);
      if (next === undefined) break;
      this.#at = shortened(allOf(this.#handle), this.#bounds).length;
      closeSync(this.#handle);
      this.#handle = next;
      found.push(this.#readOn(next));
    }
    return Buffer.concat(found);
  }

  close(): void {
    if (this.#handle !== undefined) closeSync(this.#handle);
    this.#handle = undefined;
  }

  #readOn(handle: number): Buffer {
    const bytes = bytesOf(handle, this.#at, Math.max(0, fstatSync(handle).size - this.#at));
    this.#at += bytes.length;
    return bytes;
  }

  #isReplaced(handle: number): boolean {
    const now = statSync(this.#path, { throwIfNoEntry: false });
    return now !== undefined && now.ino !== fstatSync(handle).ino;
  }
}

function allOf(handle: number): Buffer {
  return bytesOf(handle, 0, fstatSync(handle).size);
}

function bytesOf(handle: number, from: number, count: number): Buffer {
  const bytes = Buffer.alloc(count);
  let read = 0;
  while (read < count) {
    const more = readSync(handle, bytes, read, count - read, from + read);
    if (more === 0) break;
    read += more;
  }
  return bytes.subarray(0, read);
}

function openOrNone(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch {
    return undefined;
  }
}
