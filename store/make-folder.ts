// Makes folders below a store and never the store itself: one that was removed while a run went on must stay away.
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { hasCode } from '../util/errors.ts';

/** How often a folder is made again that a sweep of another runner takes away, since it was empty. */
const tries = 5;

/** Makes `path` and what is missing above it below `root`. Throws the system's error, ENOENT when `root` itself is gone. */
export function makeFolder(root: string, path: string): void {
  for (let i = 1; ; i++) {
    try {
      mkdirSync(path);
      return;
    } catch (error) {
      if (hasCode(error, 'EEXIST')) return;
      if (!hasCode(error, 'ENOENT') || dirname(path) === root || i === tries) throw error;
      makeFolder(root, dirname(path));
    }
  }
}

/** Does `work`, which needs `folder` below `root`; the folder is made when it turns out to be missing. */
export function inFolder<T>(root: string, folder: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    makeFolder(root, folder);
    return work();
  }
}
