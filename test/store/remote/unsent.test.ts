// What a run leaves unsent, and what the next one makes of it.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openFileStore } from '../../../store/file-store.ts';
import { cacheKey } from '../../../store/key.ts';
import { layoutOf } from '../../../store/layout.ts';
import { identityOf } from '../../../store/process-identity.ts';
import type { Bucket } from '../../../store/remote/bucket.ts';
import { folderBucket } from '../../../store/remote/folder-bucket.ts';
import { recordAt } from '../../../store/remote/names.ts';
import { SharedStore } from '../../../store/remote/shared-store.ts';
import { Unsent } from '../../../store/remote/unsent.ts';
import { namesIn } from '../../../util/names-in.ts';
import { emptyFolder, preimage, publish } from '../drafts.ts';
import { patience } from './bucket-conformance.ts';

const key = cacheKey(preimage({ a: 1 }));
const outputs = { out: 'hello' };
/** As a machine elsewhere, or one that was restarted, left it. */
const dead = { ...identityOf(), boot: 'another' };

async function machine(folder = emptyFolder(), options = {}) {
  const shared = mkdtempSync(join(tmpdir(), 'lamina-shared-'));
  const bucket: Bucket = folderBucket(shared, patience);
  const local = await openFileStore(folder, { mode: 'write' });
  const store = new SharedStore(local, { bucket, say: () => {}, signal: patience.signal, ...options });
  onTestFinished(() => store.close());
  const notes = join(layoutOf(folder).unsent(''));
  const noted = () => namesIn(notes).flatMap((place) => namesIn(join(notes, place)));
  /** What a run that is gone noted of `key`. */
  const leave = (text: string) => {
    new Unsent(folder, bucket.place).note(key);
    writeFileSync(noteOf(), text);
  };
  const noteOf = () => join(notes, namesIn(notes)[0] ?? '', key);
  return { folder, shared, bucket, local, store, noted, leave, noteOf };
}

describe('a note', () => {
  it('is there from the lease on until the result is there', async () => {
    const { store, noted } = await machine();
    const lease = await store.lease(key);
    expect(noted()).toEqual([key]);
    await publish(store, { a: 1 }, outputs);
    lease?.release();
    await store.settle();
    expect(noted()).toEqual([]);
  });

  it('goes with a lease without a result, and is not made where nothing is written', async () => {
    const { store, noted } = await machine();
    (await store.lease(key))?.release();
    await store.settle();
    expect(noted()).toEqual([]);
    const reader = await machine(undefined, { readOnly: true });
    await reader.store.lease(key);
    await publish(reader.store, { a: 1 }, outputs);
    expect(reader.noted()).toEqual([]);
  });

  it('of a job that published by itself and whose runner is gone is sent', async () => {
    const { store, local, bucket, noted, leave } = await machine();
    await publish(local, { a: 1 }, outputs);
    leave(JSON.stringify({ ...dead, replace: false }));
    await store.resume();
    await store.settle();
    expect(await bucket.size(recordAt(key))).toBeGreaterThan(0);
    expect(noted()).toEqual([]);
  });

  it('that was cut off is sent too', async () => {
    const { store, local, bucket, leave } = await machine();
    await publish(local, { a: 1 }, outputs);
    leave('');
    await store.resume();
    await store.settle();
    expect(await bucket.size(recordAt(key))).toBeGreaterThan(0);
  });

  it('that is a folder is sent once, and goes', async () => {
    const { store, local, bucket, noted, leave, noteOf } = await machine();
    await publish(local, { a: 1 }, outputs);
    leave('');
    rmSync(noteOf());
    mkdirSync(join(noteOf(), 'x'), { recursive: true });
    await store.resume();
    await store.settle();
    expect(await bucket.size(recordAt(key))).toBeGreaterThan(0);
    expect(noted()).toEqual([]);
  });

  it('of a result that was to replace the one that is there replaces it', async () => {
    const { store, local, shared, leave } = await machine();
    await publish(store, { a: 1 }, outputs);
    await store.settle();
    const { record } = await publish(local, { a: 1 }, { out: 'other' }, { replace: true });
    leave(JSON.stringify({ ...dead, replace: true }));
    await store.resume();
    await store.settle();
    expect(JSON.parse(readFileSync(join(shared, recordAt(key)), 'utf8')).outputs).toEqual(record.outputs);
  });

  it('of a process that lives is left to it', async () => {
    const { store, local, bucket, noted, leave } = await machine();
    await publish(local, { a: 1 }, outputs);
    leave(JSON.stringify({ ...identityOf(), replace: false }));
    await store.resume();
    await store.settle();
    expect(await bucket.top()).toEqual([]);
    expect(noted()).toEqual([key]);
  });

  it('of a unit without a result goes, unless somebody works on it', async () => {
    const { store, local, bucket, noted, leave } = await machine();
    leave(JSON.stringify({ ...dead, replace: false }));
    const lease = await local.lease(key);
    await store.resume();
    expect(noted()).toEqual([key]);
    lease?.release();
    await store.resume();
    expect(noted()).toEqual([]);
    expect(await bucket.top()).toEqual([]);
  });

  it('lies apart for each place, and in no folder of a store that is gone', async () => {
    const { folder } = await machine();
    new Unsent(folder, 'one').note(key);
    expect(new Unsent(folder, 'two').left()).toEqual([]);
    const gone = join(dirname(folder), 'none', 'store');
    expect(() => new Unsent(gone, 'one').note(key)).toThrow('what is still to be shared');
  });
});
