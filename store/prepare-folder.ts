// Makes a store's folder, or makes sure that it is a store that this lamina understands.
import { randomUUID } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { hasCode, UserError } from '../util/errors.ts';
import { isObject } from '../util/json.ts';
import { writeDurably } from './durable.ts';
import { type Layout, storeFolders } from './layout.ts';
import { identityOf } from './process-identity.ts';
import { guardWrite } from './write-error.ts';

const format = 'lamina-store';
const version = 1;

/** Throws UserError when the folder is no store, a newer one, or (mode `write`) cannot be written to. */
export function prepareFolder(layout: Layout, mode: 'read' | 'write'): void {
  refuseFile(layout.folder);
  const isStore = checkVersion(layout);
  if (mode === 'read') return;
  if (!isStore) refuseForeignFolder(layout.folder);
  guardWrite(layout.folder, 'anything', () => {
    // Node's recursive mkdir says ENOENT on a read-only file system: ask first.
    accessSync(nearestExisting(layout.folder), constants.W_OK);
    mkdirSync(layout.folder, { recursive: true });
    if (!isStore) {
      writeDurably(layout.version, `${JSON.stringify({ format, version })}\n`);
      writeFileSync(join(layout.folder, '.gitignore'), '*\n');
    }
    for (const name of storeFolders) mkdirSync(join(layout.folder, name), { recursive: true });
    probe(layout.folder);
  });
}

/** False when there is no store yet. */
function checkVersion({ folder, version: path }: Layout): boolean {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return false;
    if (hasCode(error, 'EACCES')) throw new UserError(`cannot read the store '${folder}': permission denied`);
    throw error;
  }
  const found = parse(text);
  if (!isObject(found) || found.format !== format) {
    throw new UserError(`'${path}' is not a lamina store's version file; choose another folder with --store`);
  }
  if (found.version !== version) {
    const got = JSON.stringify(found.version);
    throw new UserError(
      `the store '${folder}' has version ${got}, expected ${version}; use the lamina that wrote it, or another --store`,
    );
  }
  return true;
}

/** A file where the store's folder would be is a slip of the command line, also for those who only read. */
function refuseFile(folder: string): void {
  const found = nearestExisting(folder);
  if (statSync(found).isDirectory()) return;
  throw new UserError(
    `the store '${folder}' cannot be there: expected a folder, but '${found}' is a file; choose another --store`,
  );
}

/** A store is made in an empty or new folder only, never among somebody's files. */
function refuseForeignFolder(folder: string): void {
  const names = existing(folder).filter((name) => !name.startsWith('store.json.'));
  if (names.length === 0) return;
  throw new UserError(
    `'${folder}' is neither empty nor a lamina store (it holds '${names[0]}'); choose another --store`,
  );
}

function nearestExisting(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestExisting(dirname(path));
}

function existing(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // making it will say what is wrong
  }
}

function probe(folder: string): void {
  const path = join(folder, 'leases', `${randomUUID()}.tmp`);
  writeFileSync(path, JSON.stringify({ id: 'probe', ...identityOf() })); // says whose it is, should we be killed here
  rmSync(path);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
