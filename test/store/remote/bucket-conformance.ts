// What every bucket does, whatever it is.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from '../../../store/digest.ts';
import { type Bucket, type Patience, RemoteError, type Sink, WrongBytes } from '../../../store/remote/bucket.ts';
import { probeConditions } from '../../../store/remote/probe.ts';

/** Quick to try again; what hangs is ended by the limit of the whole test run. */
export const patience: Patience = { tries: 4, retry_ms: 5, stall_ms: 600_000, signal: new AbortController().signal };

/** Keeps what comes. */
export function collector(): Sink & { bytes(): Buffer } {
  const pieces: Uint8Array[] = [];
  const sink = {
    length: 0,
    write: async (piece: Uint8Array) => {
      pieces.push(Buffer.from(piece));
      sink.length += piece.length;
    },
    bytes: () => Buffer.concat(pieces),
  };
  return sink;
}

/** A file with these bytes, and its name by them. */
export function fileOf(bytes: Buffer): { path: string; digest: string; size: number } {
  const path = join(mkdtempSync(join(tmpdir(), 'lamina-remote-')), 'file');
  writeFileSync(path, bytes);
  return { path, digest: sha256(bytes), size: bytes.length };
}

export interface Opened {
  bucket: Bucket;
  close(): Promise<void>;
}

/** `open` gives an empty bucket whose parts are 5 MiB; `conditions`: what it is known to do. */
export function bucketConformance(name: string, open: () => Promise<Opened>, conditions: string): void {
  describe(name, () => {
    let opened: Opened;
    let bucket: Bucket;
    beforeAll(async () => {
      opened = await open();
      bucket = opened.bucket;
    });
    afterAll(() => opened?.close());

    it('is empty at first, and has folders and objects at its top then', async () => {
      expect(await bucket.top()).toEqual([]);
      for (const each of ['top', 'below/ab/1', 'below/ab/2']) await bucket.write(each, Buffer.from(each), 'always');
      expect(await bucket.top()).toEqual(['below', 'top']);
      for (const each of ['top', 'below/ab/1', 'below/ab/2']) await bucket.remove(each);
    });

    it('has nothing of what was never written', async () => {
      expect(await bucket.read('ac/aa/none', 100)).toBeUndefined();
      expect(await bucket.size('ac/aa/none')).toBeUndefined();
      expect(await bucket.list('ac/aa/')).toEqual([]);
      expect(await bucket.download('ac/aa/none', collector(), 100)).toBe(false);
      await bucket.remove('ac/aa/none');
    });

    it('reads what was written, and what was written over it', async () => {
      expect(await bucket.write('one/object', Buffer.from('first'), 'always')).toBe('written');
      expect((await bucket.read('one/object', 100))?.toString()).toBe('first');
      expect(await bucket.write('one/object', Buffer.from('second one'), 'always')).toBe('written');
      expect((await bucket.read('one/object', 100))?.toString()).toBe('second one');
      expect(await bucket.size('one/object')).toBe(10);
      await bucket.remove('one/object');
      expect(await bucket.read('one/object', 100)).toBeUndefined();
    });

    it('reads no more than it is told to', async () => {
      await bucket.write('large/object', Buffer.alloc(2000), 'always');
      await expect(bucket.read('large/object', 1999)).rejects.toThrow(RemoteError);
      expect(await bucket.read('large/object', 2000)).toHaveLength(2000);
      const sink = collector();
      expect(await bucket.download('large/object', sink, 1001)).toBe(true);
      expect(sink.length).toBe(1001);
    });

    it('lists what lies in a folder, over pages, and nothing beside it', async () => {
      const names = Array.from({ length: 7 }, (_, i) => `list/ab/${i}`);
      for (const each of [...names, 'list/abc/1', 'list/a/1']) await bucket.write(each, Buffer.from(each), 'always');
      expect([...(await bucket.list('list/ab/'))].sort()).toEqual(names);
    });

    it('says what it does with several writers', async () => {
      expect(await probeConditions(bucket)).toBe(conditions);
      expect(await bucket.list('probes/')).toEqual([]);
    });

    it.skipIf(conditions !== 'one-wins')('writes unless there is one, once', async () => {
      expect(await bucket.write('once/object', Buffer.from('a'), 'unless-there')).toBe('written');
      expect(await bucket.write('once/object', Buffer.from('b'), 'unless-there')).toBe('there');
      expect((await bucket.read('once/object', 10))?.toString()).toBe('a');
    });

    it.each([0, 1, 5 * 2 ** 20, 11 * 2 ** 20 + 3])('takes and gives a file of %i bytes', async (size) => {
      const bytes = randomBytes(size);
      const file = fileOf(bytes);
      await bucket.upload(`cas/${size}`, file.path, file);
      expect(await bucket.size(`cas/${size}`)).toBe(size);
      const sink = collector();
      expect(await bucket.download(`cas/${size}`, sink, size + 1)).toBe(true);
      expect(sink.bytes().equals(bytes)).toBe(true);
    });

    it.each([100, 11 * 2 ** 20])(
      'does not take a file of %i bytes whose bytes are not those of its name',
      async (size) => {
        const file = fileOf(randomBytes(size));
        const other = fileOf(randomBytes(size));
        await expect(bucket.upload('cas/wrong', other.path, file)).rejects.toThrow(WrongBytes);
        expect(await bucket.size('cas/wrong')).toBeUndefined();
      },
    );

    it('goes on with a download from where it is', async () => {
      const bytes = randomBytes(100_000);
      await bucket.write('cas/part', bytes, 'always');
      const sink = collector();
      await sink.write(bytes.subarray(0, 40_000));
      expect(await bucket.download('cas/part', sink, bytes.length + 1)).toBe(true);
      expect(sink.bytes().equals(bytes)).toBe(true);
      expect(await bucket.download('cas/part', sink, bytes.length + 1)).toBe(true); // it has all of it
      expect(sink.length).toBe(bytes.length);
    });
  });
}
