// Makes a store's folder, or makes sure that it is a store that this lamina understands; mends what says which it is.
import { randomUUID } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { hasCode, UserError } from '../util/errors.ts';
import { namesIn } from '../util/names-in.ts';
import { writeDurably } from './durable.ts';
import { type Layout, storeFolders } from './layout.ts';
import { identityOf } from './process-identity.ts';
import { readVersion, storeVersion, type VersionFile, versionText } from './store-version.ts';
import { isTemporary, sweepOldPlaces, sweepTemporaries } from './temporary.ts';
import { guardWrite } from './write-error.ts';

/** What lies in every store; a folder that holds nothing else is what is left of one. */
const ownNames: ReadonlySet<string> = new Set([
  ...storeFolders,
  'store.json',
  'digests.jsonl',
  'collected.txt',
  '.gitignore',
]);
/** Names that others give their folders too. */
const commonNames: ReadonlySet<string> = new Set(['runs', 'scratch', 'temporary', '.gitignore']);

/**
 * Throws UserError when the folder is no store, a newer one, or (mode `write`) cannot be written to. A store whose version file is damaged
 * or gone is recognised by the rest of it; `say` is told, and in mode `write` it is mended.
 */
export function prepareFolder(layout: Layout, mode: 'read' | 'write', say: (sentence: string) => void): void {
  refuseFile(layout.folder);
  const found = recognise(layout, mode);
  if (found === 'damaged') say(damagedSentence(layout, mode));
  if (mode === 'read') return;
  guardWrite(layout.folder, 'anything', () => {
    // Node's recursive mkdir says ENOENT on a read-only file system: ask first.
    accessSync(nearestExisting(layout.folder), constants.W_OK);
    const nowhere = `the store '${layout.folder}' cannot be made: a part of its path leads nowhere; choose another --store`;
    makeOrRefuse(layout.folder, nowhere);
    sweepTemporaries(layout.folder);
    if (found === 'old') sweepOldPlaces(layout.folder);
    if (found === 'damaged') putVersionAside(layout);
    if (found !== 'current') writeVersion(layout);
    for (const name of storeFolders) makeOwnFolder(layout, name, say);
    sweepTemporaries(layout.temporary);
    probe(layout.folder);
  });
}

/** What the folder is: `none` yet, a store of this or an older version, or one whose version file is damaged or gone. */
function recognise({ folder, version: path }: Layout, mode: 'read' | 'write'): 'none' | 'current' | 'old' | 'damaged' {
  const file = readVersionFile(folder, path);
  if (typeof file === 'number') {
    if (file <= storeVersion) return file === storeVersion ? 'current' : 'old';
    throw new UserError(
      `the store '${folder}' has version ${file}, expected ${storeVersion}; use the lamina that wrote it, or another --store`,
    );
  }
  const names = namesIn(folder).filter((name) => !isTemporary(name));
  const isStore = names.includes('ac') && names.includes('cas');
  const isRemains = names.every((name) => ownNames.has(name)) && names.some((name) => !commonNames.has(name));
  if (isStore || (isRemains && !isOnlyVersion(names))) return 'damaged';
  if (file === 'none' && (names.length === 0 || (mode === 'read' && names.every((name) => ownNames.has(name)))))
    return 'none';
  throw new UserError(
    file === 'none'
      ? `'${folder}' is neither empty nor a lamina store (it holds '${names[0]}'); choose another --store`
      : `'${path}' is not a lamina store's version file; choose another folder with --store`,
  );
}

function isOnlyVersion(names: readonly string[]): boolean {
  return names.every((name) => name === 'store.json' || commonNames.has(name));
}

function readVersionFile(folder: string, path: string): VersionFile {
  try {
    return readVersion(readFileSync(path, 'utf8'));
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return 'none';
    if (hasCode(error, 'EISDIR') || hasCode(error, 'EIO')) return 'damaged';
    if (hasCode(error, 'EACCES')) throw new UserError(`cannot read the store '${folder}': permission denied`);
    throw error;
  }
}

function damagedSentence({ folder, version }: Layout, mode: 'read' | 'write'): string {
  const what = existsSync(version) ? 'is damaged' : 'is gone';
  const then = mode === 'write' ? 'it was written anew' : 'the next run writes it anew';
  return `'${version}' ${what}; '${folder}' is a store by all else that it holds, so ${then}`;
}

function writeVersion({ folder, version }: Layout): void {
  writeDurably(version, versionText());
  writeFileSync(join(folder, '.gitignore'), '*\n');
}

/** Keeps what lies in the place of the version file, for people to look at. */
function putVersionAside(layout: Layout): void {
  try {
    mkdirSync(join(layout.folder, 'quarantine'), { recursive: true });
    renameSync(layout.version, layout.quarantine(`store.json.${randomUUID()}`));
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error; // it was gone, or another runner mends it too
  }
}

/** A file in the place of one of the store's folders is moved away. */
function makeOwnFolder({ folder }: Layout, name: string, say: (sentence: string) => void): void {
  const path = join(folder, name);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory()) return;
  if (found !== undefined) {
    const aside = `${path}.${randomUUID()}`;
    renameSync(path, aside);
    say(`'${path}' is a file where the store has a folder; it was moved to '${aside}'`);
  }
  makeOrRefuse(path, `'${path}' leads nowhere: mount what it links to, or remove the link`);
}

function makeOrRefuse(path: string, sentence: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'EEXIST')) throw new UserError(sentence, { cause: error });
    throw error;
  }
}

/** A file where the store's folder would be is a slip of the command line, also for those who only read. */
function refuseFile(folder: string): void {
  const found = nearestExisting(folder);
  if (statSync(found).isDirectory()) return;
  throw new UserError(
    `the store '${folder}' cannot be there: expected a folder, but '${found}' is a file; choose another --store`,
  );
}

function nearestExisting(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestExisting(dirname(path));
}

function probe(folder: string): void {
  const path = join(folder, 'leases', `${randomUUID()}.tmp`);
  writeFileSync(path, JSON.stringify({ id: 'probe', ...identityOf() })); // says whose it is, should we be killed here
  rmSync(path);
}
