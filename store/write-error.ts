// Turns the operating system's refusal to write into a sentence that names the store and the way out.
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
};

/** The codes that mean that there is no room left. */
export const noSpaceCodes: readonly string[] = ['ENOSPC', 'EDQUOT'];

/** A write into the store that the system refused; nothing of what was being written is visible in the store. */
export class StoreWriteError extends UserError {
  override readonly name = 'StoreWriteError';
  readonly code: string;

  constructor(folder: string, what: string, code: string, cause: unknown) {
    super(`cannot write ${what} into the store '${folder}': ${remedies[code] ?? code}`, { cause });
    this.code = code;
  }
}

/** The error as a StoreWriteError when it is the system's refusal, otherwise as it is. */
export function asWriteError(folder: string, what: string, error: unknown): unknown {
  if (error instanceof StoreWriteError) return error;
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return code !== undefined && code in remedies ? new StoreWriteError(folder, what, code, error) : error;
}

/** Runs a write; a refusal of the system is thrown as a StoreWriteError. */
export function guardWrite<T>(folder: string, what: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    throw asWriteError(folder, what, error);
  }
}
