// Writes that are either there whole after a crash or not there at all. Small and synchronous by intent.
import { closeSync, fsyncSync, linkSync, openSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { hasCode } from '../util/errors.ts';
import { makeFolders } from '../util/make-folders.ts';
import type { Flusher } from './flusher.ts';
import { inFolder } from './make-folder.ts';
import { temporaryName } from './temporary.ts';

/** A store, whose unfinished files lie in a folder of their own; other files are finished beside their place. */
export interface DurablePlace {
  /** The store: it is never made here, so that one that is gone stays gone. */
  folder: string;
  temporary: string;
}

/** Makes the names in `folder` durable. File systems that cannot fsync a folder are taken at their word. */
export function fsyncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } catch (error) {
    if (!hasCode(error, 'EINVAL') && !hasCode(error, 'EPERM')) throw error;
  } finally {
    closeSync(handle);
  }
}

/** Writes `text`, or bytes, as `path`, over whatever was there, atomically and durably. */
export function writeDurably(path: string, text: string | Uint8Array, place?: DurablePlace): void {
  withTemporary(path, text, place, (temporary) => renameSync(temporary, path));
}

/** Writes `text` as `path` unless the name is taken, atomically and durably; says whether it was written. */
export function createDurably(path: string, text: string, place?: DurablePlace): boolean {
  return withTemporary(path, text, place, (temporary) => linkUnlessTaken(temporary, path));
}

/**
 * The same as `createDurably`, without holding up the process; `before` are folders whose names have to be durable when `path` is there. Where
 * many are created at once they are flushed together.
 */
export async function createTogether(
  path: string,
  text: string,
  place: DurablePlace,
  flusher: Flusher,
  before: readonly string[],
): Promise<boolean> {
  const temporary = join(place.temporary, temporaryName());
  try {
    inFolder(place.folder, place.temporary, () => writeFileSync(temporary, text, { flag: 'wx', mode: 0o644 }));
    await flusher.flush([temporary, ...before]);
    const isNew = inFolder(place.folder, dirname(path), () => linkUnlessTaken(temporary, path));
    await flusher.flush([dirname(path)]);
    return isNew;
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** Gives the file `from` the additional name `to`; false when `to` is taken. Falls back to a rename without links. */
export function linkUnlessTaken(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    if (!['EPERM', 'ENOTSUP', 'ENOSYS', 'EMLINK'].some((code) => hasCode(error, code))) throw error;
    return renameUnlessTaken(from, to);
  }
}

function renameUnlessTaken(from: string, to: string): boolean {
  try {
    closeSync(openSync(to, 'wx'));
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
  renameSync(from, to);
  return true;
}

function withTemporary<T>(
  path: string,
  text: string | Uint8Array,
  place: DurablePlace | undefined,
  finish: (temporary: string) => T,
): T {
  const folder = dirname(path);
  if (place === undefined) makeFolders(folder);
  const temporary = join(place?.temporary ?? folder, temporaryName());
  try {
    if (place === undefined) writeAndSync(temporary, text);
    else inFolder(place.folder, place.temporary, () => writeAndSync(temporary, text));
    const result = place === undefined ? finish(temporary) : inFolder(place.folder, folder, () => finish(temporary));
    fsyncFolder(folder);
    return result;
  } finally {
    rmSync(temporary, { force: true });
  }
}

function writeAndSync(path: string, text: string | Uint8Array): void {
  const handle = openSync(path, 'wx', 0o644);
  try {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; ) at += writeSync(handle, bytes, at);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
