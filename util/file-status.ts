// What stands at a path that a user gave.
import { type Stats, statSync } from 'node:fs';
import { hasCode } from './errors.ts';

/** The status of a file or folder; undefined when nothing is there. Node's own option for this means other errors from release to release. */
export function statusAt(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return undefined;
    throw error;
  }
}
