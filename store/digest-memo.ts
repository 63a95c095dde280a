// Remembers the digest of files that have not changed, in an append-only file of the store.
import { appendFileSync, type BigIntStats, readFileSync } from 'node:fs';
import { isObject } from '../util/json.ts';
import { isDigest } from './digest.ts';
import { writeDurably } from './durable.ts';
import { fileIdentity } from './file-identity.ts';

interface MemoLine {
  path: string;
  id: string;
  digest: string;
}

/** Digests by file identity. Losing an entry costs a second reading, nothing else. */
export interface DigestMemo {
  get(stats: BigIntStats): string | undefined;
  put(path: string, stats: BigIntStats, digest: string): void;
}

/** A memo that lives as long as the process. */
export function memoryMemo(): DigestMemo {
  const digests = new Map<string, string>();
  return {
    get: (stats) => digests.get(fileIdentity(stats)),
    put: (_path, stats, digest) => digests.set(fileIdentity(stats), digest),
  };
}

/** The memo kept in `file`; with `writable` false nothing is added to the file. */
export function fileMemo(file: string, writable: boolean): DigestMemo {
  const lines = readLines(file);
  const digests = new Map(lines.map(({ id, digest }) => [id, digest]));
  if (writable) compact(file, lines);
  return {
    get: (stats) => digests.get(fileIdentity(stats)),
    put(path, stats, digest) {
      const id = fileIdentity(stats);
      if (digests.get(id) === digest) return;
      digests.set(id, digest);
      if (writable) ignoringErrors(() => appendFileSync(file, `${JSON.stringify({ path, id, digest })}\n`));
    },
  };
}

/** Rewrites the file with the last line of each path once most of its lines are out of date. */
function compact(file: string, lines: readonly MemoLine[]): void {
  const last = new Map(lines.map((line) => [line.path, line]));
  if (lines.length < 2 * last.size + 1000) return;
  ignoringErrors(() => writeDurably(file, [...last.values()].map((line) => `${JSON.stringify(line)}\n`).join('')));
}

function readLines(file: string): MemoLine[] {
  let text = '';
  ignoringErrors(() => {
    text = readFileSync(file, 'utf8');
  });
  return text.split('\n').flatMap((line) => parseLine(line) ?? []);
}

/** A line cut short by a crash is no line. */
function parseLine(line: string): MemoLine | undefined {
  if (!line.endsWith('}')) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    if (!isObject(value) || !isDigest(value.digest)) return undefined;
    const { path, id, digest } = value;
    return typeof path === 'string' && typeof id === 'string' ? { path, id, digest } : undefined;
  } catch {
    return undefined;
  }
}

function ignoringErrors(action: () => void): void {
  try {
    action();
  } catch {
    // The memo saves time and nothing else: without it everything is read again.
  }
}
