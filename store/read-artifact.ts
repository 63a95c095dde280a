// Reads a small artifact whole, and believes it only when its bytes are the ones that its name says.
import { readFileSync } from 'node:fs';
import { parseJson } from '../formats/text/strict-json.ts';
import { hasCode, UserError } from '../util/errors.ts';
import { fileError } from '../util/system-error.ts';
import { type BlobRef, sha256 } from './digest.ts';
import type { OpenArtifact } from './store.ts';

/** Metrics are small; a larger file is none. */
const largest_bytes = 64 * 1024 * 1024;

/** The JSON in an artifact that was opened; `what` names it. Throws UserError when it is gone, damaged, too large or no JSON. */
export function readJsonArtifact({ path }: OpenArtifact, ref: BlobRef, what: string): unknown {
  return parseJson(readArtifact(path, ref, what).toString('utf8'), what);
}

function readArtifact(path: string, { digest, size }: BlobRef, what: string): Buffer {
  if (size > largest_bytes) throw new UserError(`${what} are ${size} bytes, too large to be metrics`);
  const bytes = readOrRefuse(path, what);
  if (sha256(bytes) === digest) return bytes;
  throw new UserError(`${what} were changed on disk ('${path}'); run again, and they are made anew`);
}

function readOrRefuse(path: string, what: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT'))
      throw new UserError(`${what} are gone ('${path}'); run again, and they are made anew`);
    throw fileError(error, path, `${what} cannot be read:`);
  }
}
