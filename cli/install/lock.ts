// One installation at a time in one folder.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { identityOf, parseIdentity, stateOf } from '../../store/process-identity.ts';
import { hasCode, UserError } from '../../util/errors.ts';
import { fileError } from '../../util/system-error.ts';
import { textOf } from '../../util/text-of.ts';

/** Does `work` while the file `path` names this process. Throws UserError, which begins with `what`, while another process is at it. */
export async function onlyOne<T>(path: string, what: string, work: () => Promise<T>): Promise<T> {
  take(path, what);
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

function take(path: string, what: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, JSON.stringify(identityOf()), { flag: 'wx' });
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw fileError(error, path, 'cannot write');
    const holder = holderOf(path);
    if (holder !== undefined && stateOf(holder) !== 'dead') {
      throw new UserError(`${what} by process ${holder.pid} on ${holder.host}; wait for it, or remove '${path}'`);
    }
    rmSync(path, { force: true });
    take(path, what);
  }
}

function holderOf(path: string) {
  try {
    return parseIdentity(JSON.parse(textOf(path)));
  } catch {
    return undefined; // its writer was killed in the middle of it
  }
}
