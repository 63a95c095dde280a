// What a search has found so far, in a file of its scratch folder: a stopped stage goes on from there.
import { readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '../../util/errors.ts';

/** The saved state of one attempt; numbers come back as they were, bit for bit. */
export interface SearchState<T> {
  /** What an attempt before has left; undefined where there was none. */
  readonly restored: T | undefined;
  /** A kill at any moment leaves the state before or after. */
  save(state: T): Promise<void>;
}

/** The state in `folder`, a unit's scratch folder, which belongs to one key alone. */
export function openState<T>(folder: string): SearchState<T> {
  const path = join(folder, 'search.json');
  return {
    restored: read<T>(path),
    async save(state) {
      await writeFile(`${path}.new`, JSON.stringify(state));
      await rename(`${path}.new`, path);
    },
  };
}

function read<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
