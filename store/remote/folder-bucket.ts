// A folder on a file system that several machines see.
import { createHash } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { chmod, type FileHandle, link, mkdir, open, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode, isUserError } from '../../util/errors.ts';
import type { BlobRef } from '../digest.ts';
import { fsyncFolder } from '../durable.ts';
import { temporaryName } from '../temporary.ts';
import { type Bucket, type Patience, RemoteError, type Sink, type Writing, WrongBytes } from './bucket.ts';

const chunk_bytes = 1 << 20;
/** What network file systems say of a moment; a folder that goes away under a write was empty, and is made again. */
const passing = ['ENOENT', 'EAGAIN', 'EIO', 'ESTALE', 'ETIMEDOUT', 'EBUSY', 'EINTR', 'ENOLCK'];
const refusals = ['EACCES', 'EPERM', 'EROFS'];

/** The folder is never made here: a disk that is not mounted is an empty folder, or none. */
export function folderBucket(folder: string, patience: Patience): Bucket {
  return new FolderBucket(folder, patience);
}

class FolderBucket implements Bucket {
  readonly name: string;
  readonly place: string;
  /** What another machine has just written is in a listing before it is found by its name. */
  readonly mostAsked = 1;
  readonly #folder: string;
  readonly #patience: Patience;
  #root: Promise<Stats> | undefined;

  constructor(folder: string, patience: Patience) {
    this.name = `file://${folder}`;
    this.place = this.name;
    this.#folder = folder;
    this.#patience = patience;
  }

  read(name: string, most_bytes: number): Promise<Buffer | undefined> {
    return this.#do(`read '${name}'`, async () => {
      const handle = await this.#open(name);
      if (handle === undefined) return undefined;
      try {
        const { size } = await handle.stat();
        if (size > most_bytes) throw tooLarge(this.name, name, most_bytes);
        return await handle.readFile();
      } finally {
        await handle.close();
      }
    });
  }

  size(name: string): Promise<number | undefined> {
    return this.#do(`look at '${name}'`, async () => {
      const stats = await orNone(stat(join(this.#folder, name)));
      return stats?.isFile() ? stats.size : undefined;
    });
  }

  list(folder: string): Promise<readonly string[]> {
    return this.#do(`list '${folder}'`, async () => {
      const names = await orNone(readdir(join(this.#folder, folder)));
      return (names ?? []).filter((name) => !name.endsWith('.tmp')).map((name) => folder + name);
    });
  }

  top(): Promise<readonly string[]> {
    return this.#do('list what lies', async () => {
      const names = await readdir(this.#folder);
      return names.filter((name) => !name.endsWith('.tmp')).sort();
    });
  }

  write(name: string, bytes: Uint8Array, writing: Writing): Promise<'written' | 'there'> {
    return this.#put(name, writing, async (handle) => {
      await handle.writeFile(bytes);
    });
  }

  async upload(name: string, path: string, ref: BlobRef): Promise<void> {
    await this.#put(name, 'always', async (to) => {
      const from = await open(path, 'r');
      try {
        const hash = createHash('sha256');
        const sink = {
          length: 0,
          write: async (bytes: Uint8Array) => {
            hash.update(bytes);
            sink.length += bytes.length;
            await to.writeFile(bytes); // goes on where the last one ended
          },
        };
        await pour(from, sink, ref.size + 1, this.#patience.signal);
        if (sink.length !== ref.size || hash.digest('hex') !== ref.digest)
          throw new WrongBytes(`'${path}' was changed on disk`);
      } finally {
        await from.close();
      }
    });
  }

  download(name: string, sink: Sink, most_bytes: number): Promise<boolean> {
    return this.#do(`read '${name}'`, async () => {
      const from = await this.#open(name);
      if (from === undefined) return false;
      try {
        await pour(from, sink, most_bytes, this.#patience.signal);
        return true;
      } finally {
        await from.close();
      }
    });
  }

  async remove(name: string): Promise<void> {
    await this.#do(`remove '${name}'`, async () => {
      const path = join(this.#folder, name);
      await rm(path, { force: true });
      await rmdir(dirname(path)).catch(() => {}); // where it was the last one
    });
  }

  /** Undefined for what is not there; a pipe in the place of a file is not waited for. */
  #open(name: string): Promise<FileHandle | undefined> {
    return orNone(open(join(this.#folder, name), constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW));
  }

  /** Writes a file beside its place, then gives it its name. */
  #put(name: string, writing: Writing, fill: (handle: FileHandle) => Promise<void>): Promise<'written' | 'there'> {
    return this.#do(`write '${name}'`, async () => {
      const to = join(this.#folder, name);
      const { mode } = await this.#rootStats();
      await this.#makeFolder(dirname(to), mode & 0o7777);
      const temporary = join(dirname(to), temporaryName());
      try {
        const handle = await open(temporary, 'wx', 0o600);
        try {
          await fill(handle);
          await handle.sync();
        } finally {
          await handle.close();
        }
        await chmod(temporary, mode & 0o444); // for whom the folder is open
        if (writing === 'always') await rename(temporary, to);
        else if (!(await linked(temporary, to))) return 'there';
        fsyncFolder(dirname(to));
        return 'written';
      } finally {
        await rm(temporary, { force: true });
      }
    });
  }

  /** Below the root alone, and open for whom the root is open: several people write there. */
  async #makeFolder(path: string, mode: number): Promise<void> {
    if (path === this.#folder || (await orNone(stat(path))) !== undefined) return;
    await this.#makeFolder(dirname(path), mode);
    try {
      await mkdir(path);
      await chmod(path, mode);
    } catch (error) {
      if (!hasCode(error, 'EEXIST') && !hasCode(error, 'EPERM')) throw error;
    }
  }

  async #rootStats(): Promise<Stats> {
    this.#root ??= stat(this.#folder);
    return this.#root;
  }

  async #do<T>(what: string, work: () => Promise<T>): Promise<T> {
    const { tries, retry_ms, signal } = this.#patience;
    for (let attempt = 1; ; attempt++) {
      signal.throwIfAborted();
      try {
        await this.#needRoot();
        return await work();
      } catch (error) {
        if (isUserError(error) || signal.aborted || !(error instanceof Error) || !('code' in error)) throw error;
        const code = String(error.code);
        this.#root = undefined;
        if (refusals.includes(code))
          throw new RemoteError('refused', `cannot ${what} in '${this.name}': permission denied`, error);
        if (attempt === tries || !passing.includes(code))
          throw new RemoteError('unreachable', this.#sentence(what, code), error);
      }
      await sleep(retry_ms * 2 ** (attempt - 1), undefined, { signal });
    }
  }

  async #needRoot(): Promise<void> {
    const stats = await orNone(this.#rootStats());
    if (stats?.isDirectory()) return;
    this.#root = undefined;
    const way =
      stats === undefined
        ? 'there is no such folder: is its disk mounted? If it is to be new, make it (mkdir -p)'
        : 'it is no folder';
    throw new RemoteError('unreachable', `cannot use '${this.name}': ${way}`);
  }

  #sentence(what: string, code: string): string {
    const reasons: Readonly<Record<string, string>> = {
      ENOSPC: 'the disk is full',
      EDQUOT: 'the disk quota is used up',
    };
    return `cannot ${what} in '${this.name}': ${reasons[code] ?? `the system says ${code}`}`;
  }
}

/** Gives a file a second name unless that is taken; where there are no links, an empty file takes the name first. */
async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    if (!['EPERM', 'ENOTSUP', 'ENOSYS', 'EMLINK'].some((code) => hasCode(error, code))) throw error;
  }
  try {
    await (await open(to, 'wx')).close();
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
  await rename(from, to);
  return true;
}

/** Reads on from where the sink is, up to `most_bytes`. */
async function pour(from: FileHandle, sink: Sink, most_bytes: number, signal: AbortSignal): Promise<void> {
  const buffer = Buffer.allocUnsafe(chunk_bytes);
  while (sink.length < most_bytes) {
    signal.throwIfAborted();
    const { bytesRead } = await from.read(buffer, 0, Math.min(chunk_bytes, most_bytes - sink.length), sink.length);
    if (bytesRead === 0) return;
    await sink.write(Uint8Array.prototype.slice.call(buffer, 0, bytesRead));
  }
}

/** The sentence for an object that is larger than any of its kind. */
export function tooLarge(place: string, name: string, most_bytes: number): RemoteError {
  return new RemoteError(
    'wrong',
    `'${name}' in '${place}' has more than ${most_bytes} bytes: nothing of lamina's is so large`,
  );
}

async function orNone<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR') || hasCode(error, 'ELOOP')) return undefined;
    throw error;
  }
}
