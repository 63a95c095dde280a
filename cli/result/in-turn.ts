// Takes turns at one place among processes, where each turn takes milliseconds.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { statOrNone } from '../../store/file-identity.ts';
import { identityOf, parseIdentity, stateOf } from '../../store/process-identity.ts';
import { hasCode } from '../../util/errors.ts';

/** A turn whose process cannot be asked counts as left behind after this time. */
const left_ms = 60_000;
const poll_ms = 20;

/** Does `work`, which waits for nothing, while the file `path` names this process and no other; throws what the file system says. */
export async function inTurn(path: string, work: () => void): Promise<void> {
  while (!taken(path)) {
    if (isLeft(path)) rmSync(path, { force: true });
    else await sleep(poll_ms);
  }
  try {
    work();
  } finally {
    rmSync(path, { force: true });
  }
}

function taken(path: string): boolean {
  try {
    writeFileSync(path, JSON.stringify(identityOf()), { flag: 'wx' });
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

function isLeft(path: string): boolean {
  const state = holderState(path);
  if (state === 'dead') return true;
  const stats = state === 'alive' ? undefined : statOrNone(path);
  return stats !== undefined && Date.now() - Number(stats.mtimeMs) > left_ms;
}

function holderState(path: string): 'alive' | 'dead' | 'elsewhere' {
  try {
    const holder = parseIdentity(JSON.parse(readFileSync(path, 'utf8')));
    return holder === undefined ? 'elsewhere' : stateOf(holder);
  } catch {
    return 'elsewhere'; // it is being written, or was taken away in between
  }
}
