// The cache folder that Python's huggingface_hub uses as well: blobs by content, refs by branch, snapshots by commit.
import { randomUUID } from 'node:crypto';
import { type Dirent, readFileSync } from 'node:fs';
import { copyFile, mkdir, readdir, readlink, realpath, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { hasCode, UserError } from '../util/errors.ts';
import { type HubName, isCommit, isSafePath } from './name.ts';
import type { HubSettings } from './settings.ts';

/** A repository's folder in the cache, and the commit that is meant. */
export interface Snapshot {
  cache: string;
  /** `models--org--name`, absolute. */
  storage: string;
  commit: string;
  /** `snapshots/<commit>`, absolute. */
  folder: string;
}

const mostFiles = 200_000;

/** The folder of a repository: `<cache>/datasets--org--name`. */
export function storageOf({ type, repo }: HubName, { cache }: HubSettings): string {
  return join(cache, [`${type}s`, ...repo.split('/')].join('--'));
}

/** Where the files of a pinned name lie. */
export function snapshotOf(name: HubName, settings: HubSettings): Snapshot {
  if (!isCommit(name.revision)) throw new Error(`the name of '${name.repo}' is not pinned`);
  const storage = storageOf(name, settings);
  return { cache: settings.cache, storage, commit: name.revision, folder: join(storage, 'snapshots', name.revision) };
}

/** The commit that the cache knows for a branch or tag, as of the last download. */
export function cachedCommit(name: HubName, settings: HubSettings): string | undefined {
  const file = join(storageOf(name, settings), 'refs', ...(name.revision ?? 'main').split('/'));
  try {
    const commit = readFileSync(file, 'utf8').trim();
    return isCommit(commit) ? commit : undefined;
  } catch {
    return undefined;
  }
}

/** Notes which commit a branch or tag was, so that the files are found without a network. */
export async function rememberRef(ref: string, { storage, commit }: Snapshot): Promise<void> {
  const file = join(storage, 'refs', ...ref.split('/'));
  await mkdir(dirname(file), { recursive: true });
  await replaceFile(file, commit);
}

/** Where the blob with this name lies, or will. */
export function blobPath({ storage }: Snapshot, blob: string): string {
  return join(storage, 'blobs', blob);
}

/** The absolute path of a file of the snapshot that is there, whole, and inside the cache; undefined otherwise. */
export async function cachedFile(snapshot: Snapshot, path: string, size?: number): Promise<string | undefined> {
  const pointer = join(snapshot.folder, ...path.split('/'));
  try {
    const real = await insideCache(snapshot, pointer);
    const stats = await stat(real);
    return stats.isFile() && (size === undefined || stats.size === size) ? pointer : undefined;
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** Makes the snapshot's file `path` a link to its blob, as Python does; a copy where links are not allowed. */
export async function linkFile(snapshot: Snapshot, path: string, blob: string): Promise<void> {
  const pointer = join(snapshot.folder, ...path.split('/'));
  const from = blobPath(snapshot, blob);
  const wanted = relative(dirname(pointer), from);
  await mkdir(dirname(pointer), { recursive: true });
  await insideCache(snapshot, dirname(pointer));
  if ((await readlink(pointer).catch(() => undefined)) === wanted) return;
  const temporary = join(dirname(pointer), `.${randomUUID()}.tmp`);
  try {
    await symlink(wanted, temporary);
  } catch (error) {
    if (!['EPERM', 'EACCES', 'ENOSYS', 'ENOTSUP'].some((code) => hasCode(error, code))) throw error;
    await copyFile(from, temporary);
  }
  await rename(temporary, pointer);
}

/** The files of the snapshot that the cache has, as sorted paths with `/`. */
export async function cachedFiles({ folder }: Snapshot): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [] as Dirent[]);
  const files = entries.filter((entry) => !entry.isDirectory());
  const paths = files.map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'));
  return paths.filter(isSafePath).slice(0, mostFiles).sort();
}

/** Writes a small file whole or not at all. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = join(dirname(path), `.${randomUUID()}.tmp`);
  await writeFile(temporary, text);
  await rename(temporary, path);
}

/** The real path; a link that leads out of the cache is refused. */
async function insideCache({ cache }: Snapshot, path: string): Promise<string> {
  const real = await realpath(path);
  const root = await realpath(cache);
  if (real.startsWith(root + sep)) return real;
  throw new UserError(`'${path}' leads out of the cache '${cache}', to '${real}'; remove it`);
}
