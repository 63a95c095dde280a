// Who a process is, so that another one can tell whether it is still alive.
import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { hasCode } from '../util/errors.ts';
import { isObject } from '../util/json.ts';

/** Enough to tell a process from a later one with the same number. */
export interface ProcessIdentity {
  host: string;
  /** Changes when the machine restarts; '' where the system does not tell. */
  boot: string;
  /** The process-number space: two containers on one host do not see each other's processes. */
  space: string;
  pid: number;
  /** When it started, in ticks since the boot; '' where the system does not tell. */
  started: string;
}

/** This process, or another one of this host by its number. */
export function identityOf(pid: number = process.pid): ProcessIdentity {
  return { ...here(), pid, started: startOf(pid) ?? '' };
}

/** The identity that a file holds; undefined for what is none. */
export function parseIdentity(value: unknown): ProcessIdentity | undefined {
  if (!isObject(value) || !Number.isSafeInteger(value.pid) || (value.pid as number) <= 0) return undefined;
  const { host, boot, space, started } = value;
  const isWhole = [host, boot, space, started].every((each) => typeof each === 'string');
  return isWhole ? ({ host, boot, space, pid: value.pid, started } as ProcessIdentity) : undefined;
}

/** True when both are one process. */
export function sameProcess(a: ProcessIdentity, b: ProcessIdentity): boolean {
  return (['host', 'boot', 'space', 'pid', 'started'] as const).every((field) => a[field] === b[field]);
}

/** `dead` only when that is certain; `elsewhere` when it cannot be seen from here. */
export function stateOf(other: ProcessIdentity): 'alive' | 'dead' | 'elsewhere' {
  const { host, boot, space } = here();
  if (other.host !== host) return 'elsewhere';
  if (other.boot !== boot) return 'dead';
  if (other.space !== space) return 'elsewhere';
  return isRunning(other) ? 'alive' : 'dead';
}

/** A process in a few characters that a file name can hold: where it runs, its number, when it started. */
export function shortNameOf({ pid, started, ...place }: ProcessIdentity): string {
  return `${digestOf(place)}-${pid}-${started}`;
}

/** The same as `stateOf` for a short name; after a restart of this machine its processes count as elsewhere. */
export function stateOfShortName(name: string): 'alive' | 'dead' | 'elsewhere' {
  const [, place, pid, started = ''] = /^([0-9a-f]{16})-(\d+)-(\d*)$/.exec(name) ?? [];
  if (place !== digestOf(here())) return 'elsewhere';
  return isRunning({ ...here(), pid: Number(pid), started }) ? 'alive' : 'dead';
}

function digestOf({ host, boot, space }: Omit<ProcessIdentity, 'pid' | 'started'>): string {
  return createHash('sha256')
    .update(JSON.stringify([host, boot, space]))
    .digest('hex')
    .slice(0, 16);
}

let cached: Omit<ProcessIdentity, 'pid' | 'started'> | undefined;

function here(): Omit<ProcessIdentity, 'pid' | 'started'> {
  cached ??= {
    host: hostname(),
    boot: orEmpty(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    space: orEmpty(() => readlinkSync('/proc/self/ns/pid')),
  };
  return cached;
}

function isRunning({ pid, started }: ProcessIdentity): boolean {
  if (started !== '') return startOf(pid) === started;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !hasCode(error, 'ESRCH');
  }
}

/** Field 22 of /proc/PID/stat; undefined for no process, and for a zombie, which does no more work. */
function startOf(pid: number): string | undefined {
  const text = orEmpty(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  // The name of the program is in brackets and may hold anything, so count from the last bracket.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return text === '' || fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
}

function orEmpty(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
