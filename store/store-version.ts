// The file that says what a store is and of which version, in a form in which damage shows.
import { isObject } from '../util/json.ts';
import { sha256 } from './digest.ts';

const format = 'lamina-store';

/** Version 2: records carry a digest of themselves. Stores of version 1 are taken over, their records one by one as they are used. */
export const storeVersion = 2;

/** The version that a file states; `damaged` for what no lamina wrote. */
export type VersionFile = number | 'none' | 'damaged';

/** The file of a store of this version. */
export function versionText(): string {
  return `${JSON.stringify({ format, version: storeVersion, digest: digestOf(storeVersion) })}\n`;
}

/**
 * Reads such a file. Its digest tells a flipped digit from a later version; one that states a later version and no digest is taken at
 * its word, since what lamina will write then is not known here.
 */
export function readVersion(text: string): VersionFile {
  const found = parse(text);
  if (!isObject(found) || found.format !== format) return 'damaged';
  const { version, digest } = found;
  if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < 1) return 'damaged';
  const isPlain = digest === undefined && version !== storeVersion;
  return isPlain || digest === digestOf(version) ? version : 'damaged';
}

function digestOf(version: number): string {
  return sha256(`${format} ${version}`);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
