// Where the logs of attempts lie: a file for each attempt under its key, also after the attempt and beside its record.
import { linkSync, rmSync, statSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ignoringErrors } from '../util/ignoring-errors.ts';
import { namesIn } from '../util/names-in.ts';
import { type Layout, layoutOf } from './layout.ts';
import { boundLog } from './log-file.ts';
import { makeFolder } from './make-folder.ts';
import { sweepTraces } from './traces.ts';

/** So many attempts at a key keep their logs. */
const mostLogs = 5;
const ending = '.log';

/** One attempt's log. */
export interface KeptLog {
  attempt: string;
  path: string;
  /** When something was last written, in ms since 1970. */
  written_ms: number;
  size_bytes: number;
}

/** The logs of a key in the store's folder, the oldest first. An attempt that prints nothing has none. */
export function logsOf(store: string, key: string): KeptLog[] {
  const folder = layoutOf(store).logsOf(key);
  const logs = namesIn(folder)
    .filter((name) => name.endsWith(ending))
    .flatMap((name): KeptLog[] => {
      const path = join(folder, name);
      const stats = statSync(path, { throwIfNoEntry: false });
      if (stats === undefined) return [];
      const attempt = name.slice(0, -ending.length);
      return [{ attempt, path, written_ms: stats.mtimeMs, size_bytes: stats.size }];
    });
  return logs.sort((a, b) => a.written_ms - b.written_ms);
}

/** Where an attempt's log is written: under its first key. */
export function logOf(layout: Layout, key: string, attempt: string): string {
  return join(layout.logsOf(key), `${attempt}${ending}`);
}

/** Makes room for a new log of a key: the oldest ones are removed. */
export function prepareLog(layout: Layout, key: string): void {
  const old = logsOf(layout.folder, key);
  for (const { path } of old.slice(0, Math.max(0, old.length - mostLogs + 1))) ignoringErrors(() => rmSync(path));
  sweepTraces(layout, key, mostLogs - 1);
  makeFolder(layout.folder, layout.logsOf(key));
}

/** Bounds the log of an attempt that has ended, and puts it under its other keys too. It is worth less than the attempt: what fails is left out. */
export async function settleLog(layout: Layout, log: string, keys: readonly string[]): Promise<void> {
  const [first, ...others] = keys;
  ignoringErrors(() => boundLog(log));
  if (statSync(log, { throwIfNoEntry: false }) === undefined) {
    await rmdir(layout.logsOf(first as string)).catch(() => {}); // it has logs of earlier attempts, or goes
    return;
  }
  for (const key of others) {
    ignoringErrors(() => {
      makeFolder(layout.folder, layout.logsOf(key));
      linkSync(log, join(layout.logsOf(key), basename(log)));
    });
  }
}
