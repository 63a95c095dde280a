// Writes a file where there is none.
import { writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { hasCode } from '../../util/errors.ts';
import { makeFolders } from '../../util/make-folders.ts';
import { fileError } from '../../util/system-error.ts';

/** False when something of that name is there already, which stays as it is. Throws UserError. */
export function writeNew(path: string, text: string): boolean {
  try {
    makeFolders(dirname(path));
    writeFileSync(path, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST') && isThere(error, path)) return false;
    throw fileError(error, path, 'cannot write');
  }
}

/** A file in the place of a folder above it is another matter. */
function isThere(error: unknown, path: string): boolean {
  return (error as NodeJS.ErrnoException).path === path;
}
