// Remembers the digests of files that were read whole, in an append-only file of the store.
import { appendFileSync, type BigIntStats, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename } from 'node:path';
import { ignoringErrors } from '../util/ignoring-errors.ts';
import { isObject } from '../util/json.ts';
import { isDigest, sha256 } from './digest.ts';
import { writeDurably } from './durable.ts';
import { fileIdentity } from './file-identity.ts';
import { isRecent, type Trust, usualTrust } from './trust.ts';

/** One reading of a file: when, by which host, what the file system said of it, and what its bytes were. */
interface Reading {
  path: string;
  id: string;
  digest: string;
  host: string;
  at_ms: number;
}

/** Digests by file identity. Losing an entry costs a second reading, nothing else. */
export interface DigestMemo {
  readonly trust: Trust;
  /** The digest of a file that was read on this host not long ago and is unchanged by all that the file system says. */
  get(stats: BigIntStats): string | undefined;
  /** Says that the file has just been read. Only readings of large files outlast the process. */
  put(path: string, stats: BigIntStats, digest: string): void;
  /** When a file of the name `name` was last found to have the digest `digest`, on any host, in ms since 1970. */
  lastRead(name: string, digest: string): number | undefined;
}

/** A memo that lives as long as the process. */
export function memoryMemo(trust: Trust = usualTrust): DigestMemo {
  return memoOf([], trust, () => {});
}

/** The memo kept in `file`; with `writable` false nothing is added to the file. */
export function fileMemo(file: string, writable: boolean, trust: Trust = usualTrust): DigestMemo {
  const { lines, readings } = readLines(file);
  if (writable) compact(file, lines, readings);
  return memoOf(readings, trust, (reading) => {
    // The memo saves time and nothing else: without it everything is read again.
    if (writable) ignoringErrors(() => appendFileSync(file, lineOf(reading)));
  });
}

function memoOf(readings: readonly Reading[], trust: Trust, keep: (reading: Reading) => void): DigestMemo {
  const host = hostname();
  const own = new Map<string, Reading>();
  const earlier = new Map(readings.filter((each) => each.host === host).map((each) => [each.id, each]));
  const anywhere = new Map<string, number>();
  const note = ({ path, digest, at_ms }: Reading) => {
    const name = nameOf(basename(path), digest);
    anywhere.set(name, Math.max(anywhere.get(name) ?? 0, at_ms));
  };
  readings.forEach(note);
  return {
    trust,
    get(stats) {
      const id = fileIdentity(stats);
      const found = own.get(id) ?? (stats.size > trust.small_bytes ? earlier.get(id) : undefined);
      return found !== undefined && isRecent(found.at_ms, Date.now(), trust) ? found.digest : undefined;
    },
    put(path, stats, digest) {
      const reading = { path, id: fileIdentity(stats), digest, host, at_ms: Date.now() };
      own.set(reading.id, reading);
      note(reading);
      if (stats.size > trust.small_bytes) keep(reading);
    },
    lastRead: (name, digest) => anywhere.get(nameOf(name, digest)),
  };
}

function nameOf(file: string, digest: string): string {
  return `${digest} ${file}`;
}

/** Rewrites the file with the last reading of each path by each host, once most of its lines are out of date or damaged. */
function compact(file: string, lines: number, readings: readonly Reading[]): void {
  const last = new Map(readings.map((reading) => [`${reading.host}\n${reading.path}`, reading]));
  if (lines < 2 * last.size + 1000) return;
  ignoringErrors(() => writeDurably(file, [...last.values()].map(lineOf).join('')));
}

function readLines(file: string): { lines: number; readings: Reading[] } {
  let text = '';
  ignoringErrors(() => {
    text = readFileSync(file, 'utf8');
  });
  const lines = text.split('\n');
  return { lines: lines.length - 1, readings: lines.flatMap((line) => parseLine(line) ?? []) };
}

/** Each line says what it was when it was written: a flipped digit must not give a file another digest. */
function lineOf(reading: Reading): string {
  return `${JSON.stringify({ ...reading, sum: sumOf(reading) })}\n`;
}

function sumOf({ path, id, digest, host, at_ms }: Reading): string {
  return sha256(JSON.stringify([path, id, digest, host, at_ms])).slice(0, 16);
}

/** A line that was cut short by a crash, was damaged, or is of a version without time and host is no line. */
function parseLine(line: string): Reading | undefined {
  if (!line.endsWith('}')) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    if (!isObject(value) || !isDigest(value.digest) || typeof value.path !== 'string') return undefined;
    return value.sum === sumOf(value as unknown as Reading) ? (value as unknown as Reading) : undefined;
  } catch {
    return undefined;
  }
}
