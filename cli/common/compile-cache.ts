// Where Node may keep compiled code from one start to the next: it is run without being looked at, so the folder is this user's alone.
import { lstatSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** A folder of `user` in `temporary`, made where it is not there; undefined where one cannot be had that nobody else may write to. */
export function compileCacheFolder(temporary: string, user: number): string | undefined {
  const folder = join(temporary, `lamina-compiled-${user}`);
  try {
    if (lstatSync(folder, { throwIfNoEntry: false }) === undefined) mkdirSync(folder, { mode: 0o700 });
    const found = lstatSync(folder);
    return found.isDirectory() && found.uid === user && (found.mode & 0o022) === 0 ? folder : undefined;
  } catch {
    return undefined; // a start takes a little longer
  }
}
