// Random access to a file of known size, and the sentences for files that cannot be opened, read or written.
import { constants } from 'node:buffer';
import { constants as flags } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { hasCode, UserError } from '../../util/errors.ts';
import { fileError } from '../../util/system-error.ts';
import { largestPointer, lfsPointer } from './lfs-pointer.ts';

/** One read call stays below this: Node refuses lengths of 2 GiB and more. */
const MAX_READ_BYTES = 2 ** 30;

/** A file open for reading at any place; it never changes while it is open. */
export interface RandomFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** The `length` bytes from `offset` on, in a buffer of their own; both must lie inside the file. */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Fills `into` with the bytes from `offset` on. */
  readInto(into: Uint8Array, offset: number): Promise<void>;
  close(): Promise<void>;
}

/** Opens the regular file `path` for reading; `what` names its kind in messages ('checkpoint', 'data file', ...). */
export async function openFile(path: string, what: string): Promise<RandomFile> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, flags.O_RDONLY | flags.O_NONBLOCK); // a pipe without a writer must not hold us
    const stat = await handle.stat();
    if (!stat.isFile()) throw new UserError(`${what} '${path}': expected a file, got a folder or a device`);
    const file = randomFile(path, handle, stat.size);
    const pointer = stat.size < largestPointer ? lfsPointer(await file.read(0, stat.size)) : undefined;
    if (pointer !== undefined) throw new UserError(`${what} '${path}' ${pointer}`);
    return file;
  } catch (error) {
    await handle?.close();
    throw fileError(error, path, what);
  }
}

/** True for the message of a file that is not there. */
export function isMissing(error: unknown): boolean {
  return error instanceof UserError && hasCode(error.cause, 'ENOENT');
}

/** A zeroed buffer for `length` bytes of `path`; more than this Node can hold in one is a UserError. */
export function allocate(path: string, length: number): Uint8Array<ArrayBuffer> {
  if (length <= constants.MAX_LENGTH) return new Uint8Array(length);
  throw new UserError(`'${path}': expected at most ${constants.MAX_LENGTH} bytes in one tensor, got ${length}`);
}

function randomFile(path: string, handle: FileHandle, sizeBytes: number): RandomFile {
  const readInto = (into: Uint8Array, offset: number) => fill(handle, path, into, offset);
  const read = async (offset: number, length: number) => {
    if (!(offset >= 0 && length >= 0 && offset + length <= sizeBytes)) {
      throw new UserError(`'${path}': expected ${length} bytes at ${offset}, got a file of ${sizeBytes} bytes`);
    }
    const into = allocate(path, length);
    await readInto(into, offset);
    return into;
  };
  return { path, sizeBytes, read, readInto, close: () => handle.close() };
}

async function fill(handle: FileHandle, path: string, into: Uint8Array, offset: number): Promise<void> {
  for (let done = 0; done < into.byteLength; ) {
    const length = Math.min(into.byteLength - done, MAX_READ_BYTES);
    const { bytesRead } = await handle.read(into, done, length, offset + done);
    if (bytesRead === 0) {
      throw new UserError(
        `'${path}': expected ${into.byteLength} bytes at ${offset}, got ${done} (the file was cut while it was open)`,
      );
    }
    done += bytesRead;
  }
}
