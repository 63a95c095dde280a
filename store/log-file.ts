// Logs of attempts are bounded: of one that grows large the head and the tail are kept.
import { closeSync, openSync, readFileSync, readSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { ignoringErrors } from '../util/ignoring-errors.ts';
import { printable } from '../util/printable.ts';

/** How large a log may grow, and what of a larger one is kept at either end, in bytes. */
export interface LogBounds {
  most: number;
  head: number;
  tail: number;
}

const MiB = 1 << 20;

export const usualBounds: LogBounds = { most: 4 * MiB, head: MiB, tail: MiB };

const newline = 10;
/** Of a fixed width, so that what is left out later adds up in the same place. */
const marker = /\[lamina: {0,15}(\d{1,15}) bytes are left out here\]\n/;

/** The head and the tail of a log, in whole lines, with a line between them that says how many bytes are left out. */
export function shortened(log: Buffer, { head, tail }: LogBounds): Buffer {
  const start = log.subarray(0, head + 100).toString('latin1');
  const earlier = marker.exec(start);
  const kept = earlier === null ? log.subarray(0, lineEnd(log, head)) : log.subarray(0, earlier.index);
  const rest = log.subarray(kept.length + (earlier?.[0].length ?? 0));
  const end = rest.subarray(lineStart(rest, tail));
  const left = rest.length - end.length + Number(earlier?.[1] ?? 0);
  return Buffer.concat([kept, Buffer.from(`[lamina: ${String(left).padStart(15)} bytes are left out here]\n`), end]);
}

/** Shortens a log that has grown too large; says whether it did. What a process writes meanwhile may be lost. */
export function boundLog(path: string, bounds: LogBounds = usualBounds): boolean {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) <= bounds.most) return false;
  const part = `${path}.part`;
  try {
    writeFileSync(part, shortened(readFileSync(path), bounds));
    renameSync(part, path);
  } finally {
    rmSync(part, { force: true });
  }
  return true;
}

const lastLineBytes = 4096;

/** The last lines of a log, of its last `most` bytes, made harmless for a terminal; none where it cannot be read. */
export function lastLines(path: string, count = 5, most = lastLineBytes): string[] {
  const bytes = Buffer.alloc(most);
  let read = 0;
  ignoringErrors(() => {
    const handle = openSync(path, 'r');
    try {
      read = readSync(handle, bytes, 0, most, Math.max(0, statSync(path).size - most));
    } finally {
      closeSync(handle);
    }
  });
  const lines = bytes.subarray(0, read).toString().trimEnd().split('\n');
  return lines
    .slice(-count)
    .filter((line) => line.trim() !== '')
    .map(printable);
}

/** Where the last line that begins before `most` ends; `most` itself where a line is longer than that. */
function lineEnd(bytes: Buffer, most: number): number {
  return bytes.lastIndexOf(newline, most - 1) + 1 || Math.min(most, bytes.length);
}

/** Where the first whole line of the last `most` bytes begins. */
function lineStart(bytes: Buffer, most: number): number {
  const from = Math.max(0, bytes.length - most);
  if (from === 0) return 0;
  const at = bytes.indexOf(newline, from) + 1;
  return at === 0 || at === bytes.length ? from : at;
}
