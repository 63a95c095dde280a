// Makes a written output durable and names its bytes.
import { open } from 'node:fs/promises';
import { type BlobRef, digestFile } from '../../store/digest.ts';
import { hasCode } from '../../util/errors.ts';

/** A stage ended without having written what it promised. */
export class MissingOutput extends Error {}

/** Flushes the file of output `name` to the disk and hashes it. */
export async function nameOutput(name: string, path: string): Promise<BlobRef> {
  try {
    const handle = await open(path, 'r+');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (hasCode(error, 'ENOENT')) throw new MissingOutput(`output '${name}' was not written`);
    if (hasCode(error, 'EISDIR')) throw new MissingOutput(`output '${name}' is a folder, expected a file`);
    throw error;
  }
  return digestFile(path);
}
