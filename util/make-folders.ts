// Makes folders for what users are given, without the trap that Node's own way has.
import { existsSync, mkdirSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { UserError } from './errors.ts';

/**
 * Makes `folder` and what is missing above it. Node's recursive mkdir never ends for a relative path when the current folder has been
 * removed; here that is a UserError. Other refusals are the system's errors.
 */
export function makeFolders(folder: string): void {
  if (!isAbsolute(folder) && !existsSync(currentFolder())) {
    throw new UserError(`cannot make '${folder}': the folder in which lamina was started is gone`);
  }
  mkdirSync(resolve(folder), { recursive: true });
}

/** Node remembers it, so that it has a name when it is gone; '' where it was gone before it was asked for. */
function currentFolder(): string {
  try {
    return process.cwd();
  } catch {
    return '';
  }
}
