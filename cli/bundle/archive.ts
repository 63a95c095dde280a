// A bundle as one file: a tar archive, unpacked into a folder for temporary files for as long as somebody looks into it.
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unpackTar, writeTar } from '../../formats/archive/tar.ts';
import { isSafePath } from '../../hub/name.ts';
import { UserError } from '../../util/errors.ts';
import { type Manifest, manifestName } from './manifest.ts';

/** More files than any bundle has. */
const mostFiles = 200_000;

/** True for what is to be one file. */
export function isArchiveName(path: string): boolean {
  return path.endsWith('.tar');
}

/** Writes the bundle in `folder` as the archive `path`: its list first, then its files in their order. */
export function writeArchive(path: string, folder: string, { experiment, files }: Manifest): Promise<void> {
  return writeTar(path, folder, experiment, [manifestName, ...files.map((file) => file.path)]);
}

/** Looks into the archive `path` as into a folder; what is said of files in that is `told` of the archive. */
export async function unpacked<T>(
  path: string,
  look: (folder: string, told: (sentence: string) => string) => Promise<T>,
): Promise<T> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'lamina-bundle-')));
  const told = (sentence: string) => sentence.replaceAll(folder, path);
  try {
    await unpackTar(path, folder, { entries: mostFiles, isSafe: isSafePath });
    return await look(folder, told);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(told(error.message), { cause: error });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
