// The folders in which attempts work, and the removal of what dead ones left.
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Layout } from './layout.ts';
import { identityOf, type ProcessIdentity, stateOf } from './process-identity.ts';
import type { Attempt } from './store.ts';

const logName = 'output.log';
const workerName = 'worker.json';
const logDays = 30;

/** Makes the folders of a new attempt, after removing those of earlier attempts at the same keys. */
export async function openAttempt(layout: Layout, keys: readonly string[], worker: number): Promise<Attempt> {
  const id = randomUUID();
  const identity = JSON.stringify(identityOf(worker));
  const folderOf = (key: string) => join(layout.attempts(key), id);
  for (const key of keys) {
    for (const old of namesIn(layout.attempts(key))) await removeAttempt(join(layout.attempts(key), old));
    mkdirSync(folderOf(key), { recursive: true });
    mkdirSync(layout.scratch(key), { recursive: true });
    writeFileSync(join(folderOf(key), workerName), identity);
  }
  return {
    id,
    keys,
    log: join(folderOf(keys[0] as string), logName),
    output: (key, name, extension) => join(folderOf(key), `${name}.${extension}`),
    scratch: (key) => layout.scratch(key),
  };
}

/** Removes an attempt's folders; with `log` its log stays, for people to read. */
export function closeAttempt(layout: Layout, attempt: Attempt, keep: 'nothing' | 'log'): void {
  for (const key of attempt.keys) {
    const folder = join(layout.attempts(key), attempt.id);
    if (keep === 'log' && existsSync(join(folder, logName))) keepLogOnly(folder);
    else rmSync(folder, { recursive: true, force: true });
    removeIfEmpty(layout.attempts(key));
    removeIfEmpty(layout.scratch(key));
  }
}

/** Removes what attempts of dead processes left; `isHeld` tells whether somebody alive works on a key. */
export async function sweepAttempts(layout: Layout, isHeld: (key: string) => boolean): Promise<void> {
  for (const key of namesIn(join(layout.folder, 'attempts'))) {
    // Listed before the lease is asked for: what a new holder makes later is not in the list.
    const old = namesIn(layout.attempts(key));
    if (isHeld(key)) continue;
    for (const name of old) {
      const folder = join(layout.attempts(key), name);
      if (!isRecentLog(folder)) await removeAttempt(folder);
    }
    removeIfEmpty(layout.attempts(key));
    removeIfEmpty(layout.scratch(key));
  }
}

/** A worker may outlive its killed runner by one native call: it is stopped first, for it could still write. */
async function removeAttempt(folder: string): Promise<void> {
  const worker = readWorker(folder);
  if (worker !== undefined && stateOf(worker) === 'alive') await stop(worker);
  rmSync(folder, { recursive: true, force: true });
}

async function stop(worker: ProcessIdentity): Promise<void> {
  try {
    process.kill(worker.pid, 'SIGKILL');
  } catch {
    return;
  }
  for (let i = 0; i < 500 && stateOf(worker) === 'alive'; i++) await new Promise((done) => setTimeout(done, 10));
}

function readWorker(folder: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, workerName), 'utf8')) as ProcessIdentity;
  } catch {
    return undefined;
  }
}

function keepLogOnly(folder: string): void {
  for (const name of namesIn(folder)) {
    if (name !== logName) rmSync(join(folder, name), { recursive: true, force: true });
  }
}

function isRecentLog(folder: string): boolean {
  const names = namesIn(folder);
  if (names.length !== 1 || names[0] !== logName) return false;
  return Date.now() - statSync(join(folder, logName)).mtimeMs < logDays * 86_400_000;
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Not empty, or not there: both are fine.
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
