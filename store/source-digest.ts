// Names the bytes of the files and folders that parameters point at.
import { type BigIntStats, readdirSync, realpathSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';
import { isHubName } from '../hub/name.ts';
import { whyMissing } from '../located/missing-path.ts';
import { UserError } from '../util/errors.ts';
import { canonicalJson } from '../util/json.ts';
import { fileError } from '../util/system-error.ts';
import { type BlobRef, digestFile, sha256 } from './digest.ts';
import type { DigestMemo } from './digest-memo.ts';
import { isSettled, statOrNone } from './file-identity.ts';
import { hubSource, type SourceRef } from './hub-source.ts';

/** What tools leave in a folder without it being part of what the folder holds. */
const ignoredNames: ReadonlySet<string> = new Set(['.git', '.cache', '.DS_Store']);
const maxFiles = 100_000;

/**
 * The digest and size of a file; for a name on the hub, of the commit that it means; for a folder, of the canonical listing of its files (path, digest, size) with the
 * sum of their sizes. Throws UserError for what is missing, is neither, or leads out of the folder.
 */
export async function digestSource(path: string, memo: DigestMemo, signal?: AbortSignal): Promise<SourceRef> {
  if (isHubName(path)) return hubSource(path, signal);
  const stats = statusOf(path);
  if (stats.isFile()) return digestWithMemo(path, memo, signal);
  if (!stats.isDirectory()) throw new UserError(`'${path}' is neither a file nor a folder`);
  return digestFolder(path, memo, signal);
}

function statusOf(path: string): BigIntStats {
  const stats = readable(path, () => statOrNone(path));
  if (stats === undefined) throw new UserError(`'${path}' ${whyMissing(path)}`);
  return stats;
}

/** The digest of one file, read only when the memo does not know it. */
export async function digestWithMemo(path: string, memo: DigestMemo, signal?: AbortSignal): Promise<BlobRef> {
  const stats = statusOf(path);
  const known = memo.get(stats);
  if (known !== undefined) return { digest: known, size: Number(stats.size) };
  const settled = isSettled(stats, Date.now());
  const ref = await readable(path, () => digestFile(path, signal));
  if (settled) memo.put(path, stats, ref.digest);
  return ref;
}

async function digestFolder(folder: string, memo: DigestMemo, signal?: AbortSignal): Promise<BlobRef> {
  const listing: { path: string; digest: string; size: number }[] = [];
  for (const name of filesIn(folder)) {
    listing.push({ path: name.split(sep).join('/'), ...(await digestWithMemo(join(folder, name), memo, signal)) });
  }
  listing.sort((a, b) => (a.path < b.path ? -1 : 1));
  const size = listing.reduce((sum, file) => sum + file.size, 0);
  return { digest: sha256(canonicalJson(listing)), size };
}

/** The files below `folder` as relative paths. */
function filesIn(folder: string): string[] {
  const root = realpathSync(folder);
  const files: string[] = [];
  const pending = [''];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const path = join(root, next);
    for (const entry of readable(path, () => readdirSync(path, { withFileTypes: true }))) {
      if (ignoredNames.has(entry.name)) continue;
      const name = join(next, entry.name);
      const link = entry.isSymbolicLink();
      if (link) refuseLinkOut(root, folder, name);
      const found = link ? statSync(join(root, name)) : entry;
      if (found.isDirectory() && link) throw new UserError(linkMessage(folder, name, 'is a link to a folder'));
      if (found.isDirectory()) pending.push(name);
      else if (found.isFile()) files.push(name);
      else throw new UserError(`'${join(folder, name)}' is neither a file nor a folder`);
      if (files.length > maxFiles) throw new UserError(`'${folder}' holds more than ${maxFiles} files`);
    }
  }
  return files;
}

function refuseLinkOut(root: string, folder: string, name: string): void {
  const real = readable(join(folder, name), () => realpathSync(join(root, name)));
  if (!real.startsWith(root + sep)) {
    throw new UserError(linkMessage(folder, name, `leads out of the folder, to '${real}'`));
  }
}

function linkMessage(folder: string, name: string, what: string): string {
  return `'${join(folder, name)}' ${what}, so '${folder}' is not whole; copy the files there (cp -rL)`;
}

function readable<T>(path: string, read: () => T): T {
  const refuse = (error: unknown): never => {
    throw fileError(error, path, 'cannot read');
  };
  try {
    const result = read();
    return result instanceof Promise ? (result.catch(refuse) as T) : result;
  } catch (error) {
    return refuse(error);
  }
}
