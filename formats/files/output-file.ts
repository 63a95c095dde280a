// A file that is written from front to back, and the sentences for what goes wrong with it.
import { type FileHandle, open } from 'node:fs/promises';
import { fileError } from '../../util/system-error.ts';

/** One write call stays below this: Node refuses lengths of 2 GiB and more. */
const MAX_WRITE_BYTES = 2 ** 30;
/** Chunks that are no more than this together are written at once: a small tensor is 30 of them. */
const GATHERED_BYTES = 2 ** 20;

/** Errors of the system are UserErrors that name the file; after one it is closed. */
export interface OutputFile {
  /** Appends all of `chunks`, however many calls that takes. */
  write(...chunks: readonly Uint8Array[]): Promise<void>;
  /** Flushes the file to the disk and closes it. */
  finish(): Promise<void>;
  /** Closes it as it is; harmless when it is closed already. */
  close(): Promise<void>;
}

/** Creates or empties the file `path`; `what` names its kind in messages. */
export async function createFile(path: string, what: string): Promise<OutputFile> {
  const handle = await open(path, 'w').catch((error: unknown) => {
    throw fileError(error, path, what);
  });
  const guarded = async (work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      await handle.close();
      throw fileError(error, path, what);
    }
  };
  return {
    write: (...chunks) => guarded(() => writeAll(handle, chunks)),
    finish: () => guarded(() => handle.sync()).then(() => handle.close()),
    close: () => handle.close(),
  };
}

/** A full disk may take a part of a write without a word; the next call says what is wrong. */
async function writeAll(handle: FileHandle, chunks: readonly Uint8Array[]): Promise<void> {
  for (const chunk of gathered(chunks)) {
    for (let done = 0; done < chunk.byteLength; ) {
      const length = Math.min(chunk.byteLength - done, MAX_WRITE_BYTES);
      done += (await handle.write(chunk, done, length)).bytesWritten;
    }
  }
}

function gathered(chunks: readonly Uint8Array[]): readonly Uint8Array[] {
  const length = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
  return length <= GATHERED_BYTES ? [Buffer.concat(chunks)] : chunks;
}
