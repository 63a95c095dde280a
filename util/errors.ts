// The one class of error that is a user's to mend: its message is complete and is printed without a stack trace.
import { printable } from './printable.ts';

/**
 * A mistake in what the user gave (a spec, a flag, a file, a setting); exit code 2 before a run, 1 within one. Messages quote
 * what was given, so they are made {@link printable}.
 */
export class UserError extends Error {
  override readonly name: string = 'UserError';

  constructor(message: string, options?: ErrorOptions) {
    super(printable(message), options);
  }
}

/** True when `error` carries the system error code `code` (`ENOENT`, `ENOSPC`, ...). */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === code;
}

/** Also true for the class of another copy of lamina, as a stage of the user's own may import it. */
export function isUserError(error: unknown): error is Error {
  return error instanceof UserError || (error instanceof Error && error.name === 'UserError');
}
