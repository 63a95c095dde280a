// Writes that are either there whole after a crash or not there at all. Small and synchronous by intent.
import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { hasCode } from '../util/errors.ts';

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

/** Writes `text` as `path`, over whatever was there, atomically and durably. */
export function writeDurably(path: string, text: string): void {
  withTemporary(path, text, (temporary) => renameSync(temporary, path));
}

/** Writes `text` as `path` unless the name is taken, atomically and durably; says whether it was written. */
export function createDurably(path: string, text: string): boolean {
  return withTemporary(path, text, (temporary) => linkUnlessTaken(temporary, path));
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

function withTemporary<T>(path: string, text: string, finish: (temporary: string) => T): T {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true });
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    writeAndSync(temporary, text);
    const result = finish(temporary);
    fsyncFolder(folder);
    return result;
  } finally {
    rmSync(temporary, { force: true });
  }
}

function writeAndSync(path: string, text: string): void {
  const handle = openSync(path, 'wx', 0o644);
  try {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; ) at += writeSync(handle, bytes, at);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
