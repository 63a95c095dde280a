// What the file system says of a file, from which an unchanged file is recognised without reading it.
import { type BigIntStats, statSync } from 'node:fs';
import { hasCode } from '../util/errors.ts';

/** A text that changes whenever a file's bytes are rewritten: device, inode, size, and both times in nanoseconds. */
export function fileIdentity(stats: BigIntStats): string {
  return `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}`;
}

/** The file's status with nanoseconds; undefined when there is none. A file in the place of a folder is an error, on every Node. */
export function statOrNone(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true });
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/**
 * True when a change right now would show in the file's identity: its times lie further back than the clock of the
 * file system is coarse (whole seconds on some). Otherwise a digest taken now must not be remembered (git: racy).
 */
export function isSettled(stats: BigIntStats, now_ms: number): boolean {
  const latest = stats.mtimeNs > stats.ctimeNs ? stats.mtimeNs : stats.ctimeNs;
  const coarse = stats.mtimeNs % 1_000_000_000n === 0n;
  const age_ms = now_ms - Number(latest / 1_000_000n);
  return age_ms > (coarse ? 2500 : 100);
}
