// Small text files from outside, read whole: of a bounded size, in UTF-8, every failure a sentence that names the file.
import { UserError } from '../../util/errors.ts';
import { isMissing, openFile } from '../files/file.ts';

/** The text of the file `path` of at most `largest` bytes, which must be UTF-8; a byte order mark is left out. */
export async function readText(path: string, what: string, largest: number): Promise<string> {
  const file = await openFile(path, what);
  try {
    if (file.sizeBytes > largest) {
      throw new UserError(`${what} '${path}': expected at most ${largest} bytes, got ${file.sizeBytes}`);
    }
    return decodeText(await file.read(0, file.sizeBytes), `${what} '${path}'`);
  } finally {
    await file.close();
  }
}

/** The same, but undefined where there is no such file. */
export async function readTextIfThere(path: string, what: string, largest: number): Promise<string | undefined> {
  try {
    return await readText(path, what, largest);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Decodes UTF-8, refusing bytes that are not; `where` begins the message. */
export function decodeText(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UserError(`${where}: expected text in UTF-8`);
  }
}
