// Lets one process at a time download a blob, so that the others wait and reuse instead of fetching the same bytes.
import { mkdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode } from '../util/errors.ts';

const poll_ms = 100;
const beat_ms = 5_000;
const silence_ms = 60_000;

/**
 * Runs `work` while holding the lock file `path`. The lock only saves traffic: bytes are written at their own places and
 * checked before they count, so that two holders, after a lock was taken for dead by mistake, do no harm.
 */
export async function withBlobLock<T>(
  path: string,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  await acquire(path, signal);
  const beat = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => {});
  }, beat_ms);
  beat.unref();
  try {
    return await work();
  } finally {
    clearInterval(beat);
    await rm(path, { force: true });
  }
}

async function acquire(path: string, signal: AbortSignal | undefined): Promise<void> {
  let seen: { mtime_ms: number; since_ms: number } | undefined;
  for (;;) {
    signal?.throwIfAborted();
    if (await create(path)) return;
    const mtime_ms = (await stat(path).catch(() => undefined))?.mtimeMs;
    if (mtime_ms === undefined) continue; // given back just now
    if (seen?.mtime_ms !== mtime_ms) seen = { mtime_ms, since_ms: performance.now() };
    if (performance.now() - seen.since_ms > silence_ms || (await ownerIsDead(path))) await rm(path, { force: true });
    else await sleep(poll_ms);
  }
}

async function create(path: string): Promise<boolean> {
  try {
    await writeFile(path, JSON.stringify({ host: hostname(), pid: process.pid }), { flag: 'wx' });
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** Only of a process on this machine can that be known. */
async function ownerIsDead(path: string): Promise<boolean> {
  try {
    const { host, pid } = JSON.parse(await readFile(path, 'utf8')) as { host?: unknown; pid?: unknown };
    if (host !== hostname() || typeof pid !== 'number') return false;
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return hasCode(error, 'ESRCH');
  }
}
