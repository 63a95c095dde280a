// What the system refused, as sentences for users.
import { UserError } from './errors.ts';

/** The machine's own refusals: whatever lamina wanted, they are no bug of lamina. */
const ofMachine: Readonly<Record<string, string>> = {
  ELOOP: 'its links lead in a circle',
  ENAMETOOLONG: 'the name is too long',
  EACCES: 'no permission',
  EPERM: 'no permission',
  EROFS: 'the disk is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EMFILE: 'too many open files',
  EIO: 'the disk reports a read or write error',
};

const ofPath: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  ENOTDIR: 'a part of the path is not a folder',
  EISDIR: 'expected a file, got a folder',
  EEXIST: 'a file is in the way',
};

/** The user's message for a failed system call on `path`; `what` names it. Other errors come back as they are. */
export function fileError(error: unknown, path: string, what: string): unknown {
  if (!(error instanceof Error) || error instanceof UserError) return error;
  const { code = '' } = error as NodeJS.ErrnoException;
  const reason = ofMachine[code] ?? ofPath[code];
  return reason === undefined ? error : new UserError(`${what} '${path}': ${reason}`, { cause: error });
}

/** The user's message for a refusal of the machine that nobody has put into words; undefined for everything else. */
export function machineError(error: unknown): UserError | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code = '', path, syscall = code } = error as NodeJS.ErrnoException;
  const reason = ofMachine[code];
  if (reason === undefined) return undefined;
  return new UserError(path === undefined ? `${reason} (${syscall})` : `'${path}': ${reason}`, { cause: error });
}
