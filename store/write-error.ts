// Turns the operating system's refusal to write into a sentence that names the store and the way out.
import { existsSync } from 'node:fs';
import { UserError } from '../util/errors.ts';

const remedies: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full; free space there, or choose another folder with --store',
  EDQUOT: 'the disk quota is used up; free space there, or choose another folder with --store',
  EACCES: 'permission denied; make it writable for you, or choose another folder with --store',
  EPERM: 'the operation is not permitted there; choose another folder with --store',
  EROFS: 'the file system is read-only; choose another folder with --store',
  EIO: 'the disk reports an error; check it, or choose another folder with --store',
  ENOTDIR: 'a part of that path is a file; choose another folder with --store',
  EMFILE: 'too many open files; raise the limit (ulimit -n) or run fewer jobs with -j',
  ENFILE: 'too many open files on this machine; run fewer programs at once, or fewer jobs with -j',
};

/** What is said of a store whose folder is not there any more. */
const gone =
  'its folder is gone, removed or unmounted while lamina used it; run again to begin anew, or choose another folder with --store';

/** The code of a {@link StoreWriteError} for a store that is gone. */
export const goneCode = 'ENOENT';

/** The codes that mean that there is no room left. */
export const noSpaceCodes: readonly string[] = ['ENOSPC', 'EDQUOT'];

/** A write into the store that the system refused; nothing of what was being written is visible in the store. */
export class StoreWriteError extends UserError {
  override readonly name = 'StoreWriteError';
  readonly code: string;

  constructor(folder: string, what: string, code: string, cause?: unknown) {
    const way =
      code === goneCode ? gone : (remedies[code] ?? `the system says ${code}; choose another folder with --store`);
    super(`cannot write ${what} into the store '${folder}': ${way}`, { cause });
    this.code = code;
  }
}

/** The error as a StoreWriteError when it is the system's refusal, otherwise as it is. */
export function asWriteError(folder: string, what: string, error: unknown): unknown {
  if (error instanceof StoreWriteError || !(error instanceof Error)) return error;
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) return error;
  // A name that is missing in a store that is there was taken away by another runner, or is a bug: not the user's to mend.
  if (code === goneCode && existsSync(folder)) return error;
  return new StoreWriteError(folder, what, code, error);
}

/** Runs a write; a refusal of the system is thrown as a StoreWriteError. */
export function guardWrite<T>(folder: string, what: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    throw asWriteError(folder, what, error);
  }
}

/** The same for a write that takes its time. */
export async function guardedAsync<T>(folder: string, what: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    throw asWriteError(folder, what, error);
  }
}
