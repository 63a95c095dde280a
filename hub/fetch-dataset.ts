// Brings the data files that a hub name selects into the cache.
import { join } from 'node:path';
import { UserError } from '../util/errors.ts';
import { cachedFile, snapshotOf } from './cache.ts';
import { type FetchOptions, fetchFiles } from './fetch-files.ts';
import { type Listing, listFiles } from './listing.ts';
import { formatHubName, type HubName } from './name.ts';
import { isPattern } from './pattern.ts';
import { selectHubData } from './select-data.ts';

/** One file of a data set. */
export interface DataFile {
  /** Its path inside the repository. */
  name: string;
  /** Where it lies; absolute. */
  path: string;
}

/** The files of the pinned `name`, in name order; downloads what the cache lacks. Throws UserError with the way out. */
export async function fetchDataset(name: HubName, options: FetchOptions): Promise<DataFile[]> {
  if (name.type !== 'dataset') {
    throw new UserError(`expected a data set ('hf://datasets/${name.repo}'), got the model '${formatHubName(name)}'`);
  }
  const what = formatHubName({ ...name, path: '' });
  const listing = await listFiles(name, options);
  if (!listing.whole) return fromCache(name, listing, options, what);
  const selected = selectHubData(
    listing.files.map(({ path }) => path),
    name.repo,
    name.path,
    what,
  );
  const files = listing.files.filter(({ path }) => selected.includes(path));
  const paths = await fetchFiles(name, files, options);
  return files.map((file, i) => ({ name: file.path, path: paths[i] as string }));
}

/** Without the hub, and in a cache that another program filled: only what is certainly whole will do. */
async function fromCache(
  name: HubName,
  { paths, why }: Exclude<Listing, { whole: true }>,
  { settings }: FetchOptions,
  what: string,
): Promise<DataFile[]> {
  const snapshot = snapshotOf(name, settings);
  if (paths.length === 0) {
    throw new UserError(`${what}: not in the cache '${settings.cache}', and ${why.message}`, { cause: why });
  }
  const selected = selectHubData(paths, name.repo, name.path, `the cached part of ${what}`);
  const isExact = !isPattern(name.path) && selected.length === 1 && selected[0] === name.path;
  if (!isExact && !isWholeSet(selected)) {
    throw new UserError(
      `${what}: the cache holds ${selected.length} of its files and cannot say whether these are all, and ${why.message}; connect once, or name one file`,
      { cause: why },
    );
  }
  const files: DataFile[] = [];
  for (const path of selected) {
    const found = await cachedFile(snapshot, path);
    if (found === undefined) throw new UserError(`'${join(snapshot.folder, path)}' leads to nothing; remove it`);
    files.push({ name: path, path: found });
  }
  return files;
}

/** True when the names count themselves, `train-00000-of-00002.parquet`, and none is missing. */
function isWholeSet(paths: readonly string[]): boolean {
  const parts = paths.map((path) => /-(\d{5})-of-(\d{5})[^/]*$/.exec(path));
  const counts = new Set(parts.map((part) => part?.[2]));
  const numbers = new Set(parts.map((part) => part?.[1]));
  const [count] = counts;
  return count !== undefined && counts.size === 1 && numbers.size === Number(count) && paths.length === Number(count);
}
