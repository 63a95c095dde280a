// Tar archives of plain files, written with the same bytes for the same files, and read from strangers.
import { createReadStream, mkdirSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UserError } from '../../util/errors.ts';
import { fileError } from '../../util/system-error.ts';
import { openFile, type RandomFile } from '../files/file.ts';
import { createFile } from '../files/output-file.ts';
import { block_bytes, fileHeader, padding, parseHeader, parsePax, type TarHeader, utf8 } from './tar-header.ts';

/** A file of an archive, and where its bytes lie. */
export interface TarEntry {
  path: string;
  size: number;
  offset: number;
}

/** What is read of an archive, at most. */
export interface TarBounds {
  entries: number;
  /** True for a path that may be made. */
  isSafe(path: string): boolean;
}

/** Headers with names are small. */
const longestName_bytes = 65_536;
const chunk_bytes = 2 ** 20;

/**
 * Writes the files `paths` of `folder` (with slashes, in their order) as an archive in which they lie below `root`. Throws UserError for one that
 * cannot be read, or changes meanwhile.
 */
export async function writeTar(path: string, folder: string, root: string, paths: readonly string[]): Promise<void> {
  const out = await createFile(path, 'archive');
  try {
    for (const each of paths) {
      const from = join(folder, each);
      const size = await sizeOf(from);
      await out.write(fileHeader(`${root}/${each}`, size));
      let written = 0;
      for await (const chunk of createReadStream(from) as AsyncIterable<Buffer>) {
        written += chunk.length;
        if (written > size) break;
        await out.write(chunk);
      }
      if (written !== size) throw new UserError(`'${from}' was changed while it was put into '${path}'; try again`);
      await out.write(padding(size));
    }
    await out.write(Buffer.alloc(2 * block_bytes));
    await out.finish();
  } finally {
    await out.close().catch(() => {});
  }
}

/**
 * Unpacks an archive into the empty folder `to`, without the one folder that all of its files lie in. Throws UserError, before anything is written, for links and
 * devices, paths that lead out, names that stand twice, and more files than the bounds allow; files together are never larger than the archive.
 */
export async function unpackTar(path: string, to: string, bounds: TarBounds): Promise<void> {
  const file = await openFile(path, 'archive');
  try {
    const entries = inOneFolder(await entriesOf(file, bounds), file, bounds);
    for (const entry of entries) await unpack(file, entry, join(to, entry.path));
  } finally {
    await file.close();
  }
}

async function entriesOf(file: RandomFile, { entries: most }: TarBounds): Promise<TarEntry[]> {
  const entries: TarEntry[] = [];
  let [at, named] = [0, new Map<string, string>()];
  while (at < file.sizeBytes) {
    const where = `'${file.path}', byte ${at}`;
    const header = parseHeader(await file.read(at, Math.min(block_bytes, file.sizeBytes - at)), where);
    if (header === undefined) return entries;
    const size = sizeIn(header, named, where);
    const offset = at + block_bytes;
    at = offset + size + padding(size).length;
    if (offset + size > file.sizeBytes)
      throw new UserError(`${where}: expected ${size} bytes of a file, the archive ends before`);
    if (header.type === '0') entries.push({ path: named.get('path') ?? header.path, size, offset });
    named = await namedIn(file, header, { size, offset }, where);
    if (entries.length > most) throw new UserError(`'${file.path}': expected at most ${most} files, there are more`);
  }
  throw new UserError(`'${file.path}': expected two empty blocks at the end, the archive was cut`);
}

/** What a header says of the one that follows. Throws UserError for entries that are no files. */
async function namedIn(
  file: RandomFile,
  { type, path }: TarHeader,
  { size, offset }: { size: number; offset: number },
  where: string,
): Promise<Map<string, string>> {
  if ('05'.includes(type)) return new Map();
  if (!'xgL'.includes(type))
    throw new UserError(`${where}: '${path}' is no file, but ${kinds[type] ?? 'something else'}`);
  if (size > longestName_bytes)
    throw new UserError(`${where}: expected names of at most ${longestName_bytes} bytes, got ${size}`);
  const bytes = await file.read(offset, size);
  if (type === 'L') return new Map([['path', utf8(bytes, where)]]);
  return type === 'x' ? parsePax(bytes, where) : new Map();
}

const kinds: Readonly<Record<string, string>> = {
  1: 'a link',
  2: 'a symbolic link',
  3: 'a device',
  4: 'a device',
  6: 'a pipe',
  S: 'a file with holes',
};

function sizeIn({ size, type }: TarHeader, named: ReadonlyMap<string, string>, where: string): number {
  const own = named.get('size');
  if (own === undefined || type !== '0') return size;
  if (!/^\d{1,15}$/.test(own)) throw new UserError(`${where}: expected the size of a file, got '${own}'`);
  return Number(own);
}

/** The entries without their common folder. */
function inOneFolder(entries: readonly TarEntry[], file: RandomFile, { isSafe }: TarBounds): TarEntry[] {
  const seen = new Set<string>();
  const [root = ''] = (entries[0]?.path ?? '').replace(/^\.\//, '').split('/', 1);
  return entries.map((entry) => {
    const whole = entry.path.replace(/^\.\//, '');
    if (!isSafe(whole))
      throw new UserError(`'${file.path}' has a file that cannot be ('${whole}'): it is damaged or means harm`);
    const path = whole.slice(root.length + 1);
    if (!whole.startsWith(`${root}/`))
      throw new UserError(`'${file.path}': expected all files in the folder '${root}', got '${whole}'`);
    if (seen.has(path)) throw new UserError(`'${file.path}' has '${whole}' twice: it is damaged or means harm`);
    seen.add(path);
    return { ...entry, path };
  });
}

/** Nothing that is there is written over: of two names that a disk takes for one the second is refused. */
async function unpack(file: RandomFile, { size, offset }: TarEntry, to: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    mkdirSync(dirname(to), { recursive: true });
    handle = await open(to, 'wx', 0o644);
    for (let done = 0; done < size; done += chunk_bytes)
      await handle.writeFile(await file.read(offset + done, Math.min(chunk_bytes, size - done)));
  } catch (error) {
    throw fileError(error, to, 'cannot unpack');
  } finally {
    await handle?.close();
  }
}

async function sizeOf(path: string): Promise<number> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    throw fileError(error, path, 'cannot read');
  });
  try {
    return (await handle.stat()).size;
  } finally {
    await handle.close();
  }
}
