// Downloads one blob into the cache: goes on where an earlier try ended, checks every byte, and only then gives it its name.
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasCode, UserError } from '../util/errors.ts';
import { HubUnreachable, isLasting } from './errors.ts';
import type { HubFile } from './listing.ts';
import { PartialFile } from './partial-file.ts';
import { pause, type RequestOptions, readBody, request } from './request.ts';

/** What to download and where to. */
export interface Download extends RequestOptions {
  file: HubFile;
  url: string;
  /** The commit that the answer has to be of. */
  commit: string;
  /** The blob's place; while it is not whole, it is beside it in `.lamina.incomplete`. */
  to: string;
  /** Called with the bytes that have been added; negative when they had to be thrown away. */
  onBytes(count: number): void;
}

/** Tries in a row that brought no byte. */
const idleTries = 5;

/** The bytes are not those that the hub lists: they are deleted, not kept to go on with. */
class WrongBytes extends UserError {}

/** Makes sure that the whole blob is there. The caller holds its lock. Throws UserError with the way out. */
export async function download(job: Download): Promise<void> {
  const found = await stat(job.to).catch(() => undefined);
  if (found?.isFile() && found.size === job.file.size) {
    job.onBytes(job.file.size);
    return;
  }
  await mkdir(dirname(job.to), { recursive: true });
  try {
    const resumed = await attempt(job);
    if (resumed !== 'bad' || (await attempt(job)) === 'whole') return;
  } catch (error) {
    throw hasCode(error, 'ENOSPC') || hasCode(error, 'EDQUOT') ? diskFull(job) : error;
  }
  throw new Error('a fresh download is either whole or refused');
}

/** `bad`: what an earlier try had left was not the beginning of this file; it is gone now. */
async function attempt(job: Download): Promise<'whole' | 'bad'> {
  const partial = partialPath(job);
  const part = await PartialFile.open(partial, job.file);
  job.onBytes(part.length);
  const resumed = part.length > 0;
  try {
    await fillAndCheck(part, job);
    await rename(partial, job.to);
    return 'whole';
  } catch (error) {
    if (!(error instanceof WrongBytes)) throw error;
    await rm(partial, { force: true });
    job.onBytes(-part.length);
    if (resumed) return 'bad';
    throw error;
  } finally {
    await part.close();
  }
}

async function fillAndCheck(part: PartialFile, job: Download): Promise<void> {
  await fill(part, job);
  await part.sync();
  const got = part.digest();
  if (got === job.file.blob) return;
  throw new WrongBytes(
    `${job.what}: expected bytes with the digest ${job.file.blob} (as the hub lists it), got ${got}; the download was deleted`,
  );
}

/** Asks again whenever the connection breaks, as long as each few tries bring something. */
async function fill(part: PartialFile, job: Download): Promise<void> {
  const { settings, signal } = job;
  const start = part.length;
  for (let idle = 0; part.length < job.file.size; ) {
    const before = part.length;
    let error: unknown = new HubUnreachable('the hub sends no bytes');
    try {
      await append(part, job);
      if (part.length === job.file.size) return;
    } catch (caught) {
      signal?.throwIfAborted();
      if (!(caught instanceof HubUnreachable) || settings.offline) throw caught;
      error = caught;
    }
    idle = part.length > before ? 0 : idle + 1;
    const hopeless = part.length === start && isLasting(error);
    if (idle === idleTries || hopeless) throw new UserError(giveUp(job, (error as Error).message), { cause: error });
    await pause(settings.retry_ms * 2 ** idle, undefined, signal);
  }
}

function giveUp({ what }: Download, reason: string): string {
  return `${reason.startsWith(what) ? reason : `${what}: ${reason}`}; run again to go on from there`;
}

/** One request for what is missing; what comes is written and counted until the connection ends. */
async function append(part: PartialFile, job: Download): Promise<void> {
  const { file, settings, signal } = job;
  const headers: Record<string, string> = { 'accept-encoding': 'identity' };
  if (part.length > 0) headers.range = `bytes=${part.length}-`;
  const response = await request(job.url, { ...job, headers });
  try {
    checkAnswer(response, part.length, job);
  } catch (error) {
    await response.body?.cancel();
    throw error;
  }
  let skip = response.status === 206 ? 0 : part.length; // a server without ranges sends all of it again
  try {
    for await (const chunk of readBody(response, settings, signal)) {
      const fresh = chunk.subarray(Math.min(skip, chunk.byteLength));
      skip -= chunk.byteLength - fresh.byteLength;
      if (part.length + fresh.byteLength > file.size) throw wrongSize(job, 'more');
      await part.write(fresh);
      job.onBytes(fresh.byteLength);
    }
  } finally {
    await part.flush();
  }
}

function checkAnswer(response: Response, from: number, job: Download): void {
  const commit = response.headers.get('x-repo-commit');
  if (commit !== null && commit !== job.commit) {
    throw new UserError(`${job.what}: expected a file of commit ${job.commit}, got one of ${commit}`);
  }
  if (response.status === 416) throw wrongSize(job, 'fewer');
  if (response.status === 206) {
    const [, start, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '') ?? [];
    if (Number(start) !== from) {
      throw new WrongBytes(`${job.what}: asked for the bytes from ${from} on, got others; the download was deleted`);
    }
    if (total !== '*' && Number(total) !== job.file.size) throw wrongSize(job, total ?? 'others');
    return;
  }
  const length = response.headers.get('content-length');
  const isPlain = response.headers.get('content-encoding') === null;
  if (length !== null && isPlain && Number(length) !== job.file.size) throw wrongSize(job, length);
}

function wrongSize({ what, file }: Download, got: string): UserError {
  return new WrongBytes(
    `${what}: expected ${file.size} bytes (as the hub lists it), got ${got}; the download was deleted`,
  );
}

function diskFull({ what, to }: Download): UserError {
  return new UserError(
    `${what}: the disk is full ('${dirname(to)}'); free space there, or choose another cache folder with HF_HUB_CACHE, and run again`,
  );
}

/** Beside the blob, under a name of our own: Python's `.incomplete` files are not ours to go on with. */
export function partialPath({ to }: Pick<Download, 'to'>): string {
  return `${to}.lamina.incomplete`;
}
