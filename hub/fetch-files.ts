// Brings files of a pinned repository into the cache, several at once, with one count of bytes for all.
import { mkdir, stat, statfs } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { UserError } from '../util/errors.ts';
import { withBlobLock } from './blob-lock.ts';
import { blobPath, cachedFile, linkFile, rememberRef, type Snapshot, snapshotOf } from './cache.ts';
import { download, partialPath } from './download.ts';
import type { HubFile } from './listing.ts';
import { formatHubName, type HubName } from './name.ts';
import type { HubSettings } from './settings.ts';

/** How a fetch reports and is stopped. */
export interface FetchOptions {
  settings: HubSettings;
  signal?: AbortSignal | undefined;
  /** Bytes that are there of all bytes that are needed; `path` is the file that they were last added to. */
  onProgress?: ((done: number, total: number, path: string) => void) | undefined;
}

const atOnce = 4;

/** Makes sure that `files` are in the cache, whole and checked; gives the absolute path of each, in their order. */
export async function fetchFiles(name: HubName, files: readonly HubFile[], options: FetchOptions): Promise<string[]> {
  const { settings } = options;
  const snapshot = snapshotOf(name, settings);
  const total = files.reduce((sum, { size }) => sum + size, 0);
  const missing: HubFile[] = [];
  for (const file of files) if (!(await cachedFile(snapshot, file.path, file.size))) missing.push(file);
  let done = total - missing.reduce((sum, { size }) => sum + size, 0);
  await checkSpace(missing, snapshot);
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([stop.signal, options.signal]);
  const fetchOne = async (file: HubFile) => {
    const onBytes = (count: number) => {
      done += count;
      options.onProgress?.(done, total, file.path);
    };
    await fetchFile(name, file, snapshot, { settings, signal, onBytes });
  };
  await eachOf(missing, fetchOne, (error) => stop.abort(error)); // the others go on from where they are next time
  if (name.ref !== undefined && files.length > 0) await rememberRef(name.ref, snapshot);
  return Promise.all(files.map(({ path }) => presentFile(snapshot, path)));
}

interface Transfer {
  settings: HubSettings;
  signal: AbortSignal;
  onBytes(count: number): void;
}

async function fetchFile(name: HubName, file: HubFile, snapshot: Snapshot, transfer: Transfer): Promise<void> {
  const { settings, signal } = transfer;
  const page = name.type === 'dataset' ? `datasets/${name.repo}` : name.repo;
  const path = file.path.split('/').map(encodeURIComponent).join('/');
  const url = `${settings.endpoint}/${page}/resolve/${snapshot.commit}/${path}`;
  const what = `'${file.path}' of ${formatHubName({ ...name, path: '' })}`;
  const to = blobPath(snapshot, file.blob);
  const lock = join(settings.cache, '.locks', basename(snapshot.storage), `${file.blob}.lamina.lock`);
  await withBlobLock(lock, signal, () => download({ ...transfer, file, url, what, page, to, commit: snapshot.commit }));
  await linkFile(snapshot, file.path, file.blob);
}

async function presentFile(snapshot: Snapshot, path: string): Promise<string> {
  const found = await cachedFile(snapshot, path);
  if (found !== undefined) return found;
  throw new UserError(`'${join(snapshot.folder, path)}' was removed while it was fetched; run again`);
}

/** Calls `work` for every item, at most {@link atOnce} at a time; after a failure waits for all that began, then throws. */
async function eachOf<T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
  onFailure: (error: unknown) => void,
): Promise<void> {
  const rest = items.values();
  const failures: unknown[] = [];
  const lane = async () => {
    for (const item of rest) {
      if (failures.length > 0) return;
      await work(item).catch((error: unknown) => {
        failures.push(error);
        onFailure(error);
      });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  if (failures.length > 0) throw failures[0];
}

/** Said before hours of downloading. */
async function checkSpace(files: readonly HubFile[], snapshot: Snapshot): Promise<void> {
  if (files.length === 0) return;
  const { cache, storage } = snapshot;
  await mkdir(storage, { recursive: true }).catch((error: unknown) => {
    throw new UserError(
      `cannot write into the cache '${cache}' (${(error as Error).message}); choose another with HF_HUB_CACHE`,
    );
  });
  let needed = 0;
  for (const { blob, size } of files) {
    const to = blobPath(snapshot, blob);
    const known = await Promise.all([to, partialPath({ to })].map((path) => stat(path).catch(() => undefined)));
    needed += Math.max(0, size - Math.max(...known.map((stats) => stats?.size ?? 0)));
  }
  const { bavail, bsize } = await statfs(storage);
  const free = bavail * bsize;
  if (free >= needed) return;
  const gb = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  throw new UserError(
    `the cache '${cache}' has ${gb(free)} free, expected ${gb(needed)} for what is to be downloaded; free space there, or choose another folder with HF_HUB_CACHE`,
  );
}
