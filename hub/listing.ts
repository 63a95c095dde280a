// The files of a commit with sizes and digests: asked once, kept beside the snapshots, checked as hostile.
import { mkdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UserError } from '../util/errors.ts';
import { isObject } from '../util/json.ts';
import { shown } from '../util/shown.ts';
import { cachedFiles, replaceFile, type Snapshot, snapshotOf } from './cache.ts';
import { HubUnreachable } from './errors.ts';
import { formatHubName, type HubName, isSafePath } from './name.ts';
import { boundedFetch } from './request.ts';
import type { HubSettings } from './settings.ts';

/** One file of a commit. */
export interface HubFile {
  path: string;
  size: number;
  /** The name of its blob: the SHA-256 of its bytes (LFS), or git's SHA-1. */
  blob: string;
}

interface ListOptions {
  settings: HubSettings;
  signal?: AbortSignal | undefined;
}

/** What is known of a commit's files. */
export type Listing =
  | { whole: true; files: readonly HubFile[] }
  /** Only the cache could be asked, and it does not know what else there is. */
  | { whole: false; paths: readonly string[]; why: HubUnreachable };

const mostFiles = 200_000;
const largestListing = 2 ** 27;
const sha1 = /^[0-9a-f]{40}$/;
const sha256 = /^[0-9a-f]{64}$/;

/** The files of the pinned `name`, by path. Throws UserError for a listing that cannot be trusted. */
export async function listFiles(name: HubName, options: ListOptions): Promise<Listing> {
  const snapshot = snapshotOf(name, options.settings);
  const known = await readListing(snapshot);
  if (known !== undefined) return { whole: true, files: known };
  try {
    const files = await askHub(name, options);
    await writeListing(snapshot, files);
    return { whole: true, files };
  } catch (error) {
    if (!(error instanceof HubUnreachable)) throw error;
    return { whole: false, paths: await cachedFiles(snapshot), why: error };
  }
}

async function askHub(name: HubName, { settings, signal }: ListOptions): Promise<HubFile[]> {
  const hub = await import('@huggingface/hub');
  const { type, repo, revision = '' } = name;
  const what = formatHubName({ ...name, path: '' });
  const page = type === 'dataset' ? `datasets/${repo}` : repo;
  const fetch = boundedFetch('list', { settings, signal, what, page });
  const entries = hub.listFiles({
    repo: { type, name: repo },
    revision,
    recursive: true,
    hubUrl: settings.endpoint,
    fetch,
  });
  const files: HubFile[] = [];
  for await (const entry of entries) {
    const file = checkEntry(entry, what);
    if (file !== undefined) files.push(file);
    if (files.length > mostFiles) throw new UserError(`${what}: more than ${mostFiles} files, refused`);
  }
  checkFolders(files, what);
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** A name cannot be a file and a folder at once, nor two files. */
function checkFolders(files: readonly HubFile[], what: string): void {
  const names = new Set(files.map(({ path }) => path));
  const twice = names.size < files.length;
  const inFile = files.find(({ path }) =>
    [...path.matchAll(/\//g)].some(({ index }) => names.has(path.slice(0, index))),
  );
  if (!twice && inFile === undefined) return;
  const fault = inFile === undefined ? 'names a file twice' : `has '${inFile.path}' inside a file`;
  throw new UserError(`${what}: the hub's listing ${fault}, refused`);
}

/** A file of the listing, or nothing for a folder. */
function checkEntry(entry: unknown, what: string): HubFile | undefined {
  const refuse = (why: string) => new UserError(`${what}: the hub's listing ${why}, refused`);
  if (!isObject(entry)) throw refuse('is not a list of files');
  const { type, path, size, oid, lfs } = entry;
  if (typeof path !== 'string' || !isSafePath(path)) {
    throw refuse(
      `names the file ${typeof path === 'string' ? shown(path) : 'no text'}, which would lie outside the cache`,
    );
  }
  if (type !== 'file') return undefined;
  if (!Number.isSafeInteger(size) || (size as number) < 0) throw refuse(`gives '${path}' no size`);
  const inLfs = isObject(lfs);
  if (inLfs && lfs.size !== size) throw refuse(`gives '${path}' two sizes`);
  const blob = inLfs ? lfs.oid : oid;
  if (typeof blob !== 'string' || !(inLfs ? sha256 : sha1).test(blob)) throw refuse(`gives '${path}' no digest`);
  return { path, size: size as number, blob };
}

/** Not a folder of Python's layout, which passes over it. */
function listingPath({ storage, commit }: Snapshot): string {
  return join(storage, '.lamina', `${commit}.json`);
}

async function writeListing(snapshot: Snapshot, files: readonly HubFile[]): Promise<void> {
  const path = listingPath(snapshot);
  await mkdir(dirname(path), { recursive: true });
  await replaceFile(path, JSON.stringify(files));
}

/** The kept listing; one that is damaged counts as none. */
async function readListing(snapshot: Snapshot): Promise<HubFile[] | undefined> {
  const path = listingPath(snapshot);
  try {
    if ((await stat(path)).size > largestListing) return undefined;
    const list: unknown = JSON.parse(await readFile(path, 'utf8'));
    return Array.isArray(list) && list.every(isHubFile) ? list : undefined;
  } catch {
    return undefined;
  }
}

function isHubFile(value: unknown): value is HubFile {
  if (!isObject(value)) return false;
  const { path, size, blob } = value;
  const named = typeof path === 'string' && isSafePath(path) && typeof blob === 'string';
  return named && Number.isSafeInteger(size) && (size as number) >= 0 && (sha1.test(blob) || sha256.test(blob));
}
