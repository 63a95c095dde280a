// Where the lock of a spec lies, and what is in it.
import { join } from 'node:path';
import type { Plan } from '../../contract/plan.ts';
import { readTextIfThere } from '../../formats/text/text.ts';
import { shippedName } from '../../located/shipped.ts';
import type { Lock } from '../../runner/lock/lock.ts';
import { largestLock_bytes, parseLock } from '../../runner/lock/lock-file.ts';
import { projectFolder } from '../common/project.ts';
import { shortPath } from '../common/spec-name.ts';

/** Beside the spec, `quickstart.lock`; in the project's folder for a spec that comes with lamina. */
export function lockPath({ file, experiment }: Pick<Plan, 'file' | 'experiment'>): string {
  if (shippedName(file) !== undefined) return join(projectFolder(), `${experiment}.lock`);
  return shortPath(`${file.replace(/\.ya?ml$/, '')}.lock`);
}

/** The lock in a file; undefined where there is none. Throws UserError for what is no lock. */
export async function readLock(path: string): Promise<Lock | undefined> {
  const text = await readTextIfThere(path, 'the lock', largestLock_bytes);
  return text === undefined ? undefined : parseLock(text, path);
}
