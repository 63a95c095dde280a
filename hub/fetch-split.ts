// Brings one split of a data set into the cache: which of a repository's files it is, by the layouts that data sets have.
import { UserError } from '../util/errors.ts';
import { fetchDataset } from './fetch-dataset.ts';
import type { FetchOptions } from './fetch-files.ts';
import { listFiles } from './listing.ts';
import { formatHubName, type HubName } from './name.ts';
import { matcher } from './pattern.ts';

/** A part of a data set; `config` is the name that chooses among several in one repository. */
export interface SplitName {
  config: string | undefined;
  split: string;
}

/** The files of a split of the pinned `name`, in order; downloads what the cache lacks. Throws UserError with the way out. */
export async function fetchSplit(name: HubName, part: SplitName, options: FetchOptions): Promise<string[]> {
  const listing = await listFiles(name, options);
  const paths = listing.whole ? listing.files.map(({ path }) => path) : listing.paths;
  const patterns = splitPatterns(name.path, part);
  const found = patterns.find((pattern) => paths.some(matcher(pattern)));
  if (found === undefined && listing.whole) {
    const what = `split '${part.split}'${part.config === undefined ? '' : ` of '${part.config}'`}`;
    throw new UserError(
      `${formatHubName({ ...name, path: '' })} has no file for ${what}, expected '${patterns[0]}' or one of ${patterns.length - 1} other places; if its data are made by a script, try '@refs/convert/parquet'`,
    );
  }
  const files = await fetchDataset({ ...name, path: onlyPath(paths, found ?? (patterns[0] as string)) }, options);
  return files.map(({ path }) => path);
}

/** A pattern that fits one file alone is that file: a cache that knows not all files can then be sure of it. */
function onlyPath(paths: readonly string[], pattern: string): string {
  const fitting = paths.filter(matcher(pattern));
  const [only] = fitting;
  const isPart = only !== undefined && /-\d{5}-of-\d{5}|\/\d{4}\.parquet$/.test(only);
  return fitting.length === 1 && only !== undefined && !isPart ? only : pattern;
}

/** Where a split may be below `folder`, the most usual first. */
function splitPatterns(folder: string, { config, split }: SplitName): string[] {
  const below = folder === '' ? '' : `${folder}/`;
  const places =
    config === undefined || config === 'default' ? ['data/', '', 'default/'] : [`${config}/`, `data/${config}/`];
  return places.flatMap((place) => [
    `${below}${place}${split}-?????-of-?????*.parquet`,
    `${below}${place}${split}/????.parquet`,
    ...['parquet', 'jsonl', 'json', 'csv'].map((ending) => `${below}${place}${split}.${ending}`),
  ]);
}
