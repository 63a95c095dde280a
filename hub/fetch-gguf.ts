// Brings one GGUF file of a repository into the cache, with all its parts where it has several.
import { join } from 'node:path';
import { UserError } from '../util/errors.ts';
import { cachedFile, snapshotOf } from './cache.ts';
import { type FetchOptions, fetchFiles } from './fetch-files.ts';
import { listFiles } from './listing.ts';
import { formatHubName, type HubName } from './name.ts';

const mostParts = 1000;
const mostNamed = 5;

/** The path of the file that the pinned `name` names; downloads what the cache lacks. Throws UserError with the way out. */
export async function fetchGguf(name: HubName, options: FetchOptions): Promise<string> {
  const what = formatHubName({ ...name, path: '' });
  const paths = partsOf(name.path);
  const listing = await listFiles(name, options);
  if (!listing.whole) {
    const cached = await cachedGguf(name, options);
    if (cached !== undefined) return cached;
    throw new UserError(`${what}: '${name.path}' is not in the cache, and ${listing.why.message}`, {
      cause: listing.why,
    });
  }
  const files = new Map(listing.files.map((file) => [file.path, file]));
  const wanted = paths.map((path) => {
    const file = files.get(path);
    if (file !== undefined) return file;
    throw new UserError(`${what}: expected '${path}' in the repository, got none${ggufHint([...files.keys()], name)}`);
  });
  await fetchFiles(name, wanted, options);
  return join(snapshotOf(name, options.settings).folder, paths[0] as string);
}

/** The same from the cache alone; undefined where it lacks the file or a part. */
export async function cachedGguf(
  name: HubName,
  { settings }: Pick<FetchOptions, 'settings'>,
): Promise<string | undefined> {
  const snapshot = snapshotOf(name, settings);
  const found = await Promise.all(partsOf(name.path).map((path) => cachedFile(snapshot, path)));
  return found.every((path) => path !== undefined) ? found[0] : undefined;
}

/** A sentence's end for a repository in which something was not found: which GGUF files it has, and how one is named; empty for none. */
export function ggufHint(paths: readonly string[], name: HubName): string {
  const found = paths.filter((path) => path.endsWith('.gguf') && !/-(?!00001)\d{5}-of-\d{5}\.gguf$/.test(path)).sort();
  if (found.length === 0) return '';
  const more = found.length > mostNamed ? ` and ${found.length - mostNamed} more` : '';
  const named = found.slice(0, mostNamed).map((path) => `'${path}'`);
  const example = formatHubName({ ...name, path: found[0] as string });
  return `; it has GGUF files (${named.join(', ')}${more}): name one of them, such as '${example}'`;
}

/** `NAME-00001-of-00003.gguf` stands for all three; any other name for itself. */
function partsOf(path: string): string[] {
  const match = /^(.+)-(\d{5})-of-(\d{5})\.gguf$/.exec(path);
  const count = Number(match?.[3]);
  if (match === null || !(count >= 1 && count <= mostParts)) return [path];
  const five = (n: number) => String(n).padStart(5, '0');
  return Array.from({ length: count }, (_, i) => `${match[1]}-${five(i + 1)}-of-${five(count)}.gguf`);
}
