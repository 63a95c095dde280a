// What every store does, whatever holds it.
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../store/digest.ts';
import { openFileStore } from '../../store/file-store.ts';
import { cacheKey } from '../../store/key.ts';
import { createMemoryStore } from '../../store/memory-store.ts';
import type { OutputRef, StoreRecord } from '../../store/record.ts';
import { type Attempt, findOne, type Store } from '../../store/store.ts';
import { emptyFolder, openedAttempt, preimage, publish } from './drafts.ts';

const stores: Record<string, () => Promise<Store>> = {
  'file store': () => openFileStore(emptyFolder(), { mode: 'write' }),
  'memory store': async () => createMemoryStore(emptyFolder()),
};

describe.each(Object.keys(stores))('%s', (name) => {
  const open = stores[name] as () => Promise<Store>;
  const key = cacheKey(preimage({ a: 1 }));

  it('misses what was never published', async () => {
    expect(await findOne(await open(), key)).toEqual({ status: 'miss' });
  });

  it('finds what was published, with its outputs, facts and pre-image', async () => {
    const store = await open();
    const { status } = await publish(store, { a: 1 }, { out: 'hello', curve: '[]' });
    expect(status).toBe('published');
    const found = await findOne(store, key);
    if (found.status !== 'hit') throw new Error(found.status);
    expect(found.record.facts).toEqual({ layers: 4 });
    expect(found.record.preimage).toEqual(preimage({ a: 1 }));
    expect(found.record.about.duration_ms).toBe(5);
    expect(found.record.outputs.out).toEqual({ digest: sha256('hello'), size: 5, extension: 'txt' });
    expect(readFileSync((await store.open(found.record.outputs.out as never)).path, 'utf8')).toBe('hello');
    expect(readFileSync((await store.open(found.record.outputs.curve as never)).path, 'utf8')).toBe('[]');
  });

  it('looks several keys up at once and answers in their order, each as it would be alone', async () => {
    const store = await open();
    const [one, two] = [await publish(store, { a: 1 }, { out: 'one' }), await publish(store, { a: 2 }, { out: 'two' })];
    const missing = cacheKey(preimage({ a: 3 }));
    const wanted = { curve: { extension: 'json' } };
    const found = await store.find([
      { key: two.record.key },
      { key: missing },
      { key: one.record.key, shape: { out: { extension: 'txt' } } },
      { key: two.record.key, shape: wanted },
    ]);
    expect(found.map(({ status }) => status)).toEqual(['hit', 'miss', 'hit', 'damaged']);
    expect([found[0], found[2]]).toEqual([
      { status: 'hit', record: two.record },
      { status: 'hit', record: one.record },
    ]);
    expect(await store.find([])).toEqual([]);
  });

  it('opens an artifact to read, and not to write', async () => {
    const store = await open();
    const { record } = await publish(store, { a: 1 }, { out: 'hello' });
    const artifact = record.outputs.out as OutputRef;
    const { path } = await store.open(artifact);
    expect(readFileSync(path, 'utf8')).toBe('hello');
    expect(statSync(path).mode & 0o222).toBe(0);
    expect((await store.open(artifact)).path).toBe(path);
  });

  it('keeps what an attempt is to do, for whoever takes it up by its first key', async () => {
    const store = await open();
    const second = cacheKey(preimage({ a: 2 }));
    const order = { use: 'toy', units: ['a', 'b'] };
    const attempt = await store.openAttempt([key, second], order);
    const taken = await store.takeUp(key);
    expect(taken?.order).toEqual(order);
    expect([taken?.attempt.id, taken?.attempt.keys, taken?.attempt.log]).toEqual([
      attempt?.id,
      [key, second],
      attempt?.log,
    ]);
    expect(taken?.attempt.output(second, 'out', 'txt')).toBe(attempt?.output(second, 'out', 'txt'));
    expect(await store.takeUp(second)).toBeUndefined();
    await store.closeAttempt(attempt as Attempt);
    expect(await store.takeUp(key)).toBeUndefined();
  });

  it('keeps an empty artifact', async () => {
    const store = await open();
    const { record } = await publish(store, { a: 1 }, { out: '' });
    expect((await findOne(store, key)).status).toBe('hit');
    expect(readFileSync((await store.open(record.outputs.out as never)).path, 'utf8')).toBe('');
  });

  it('takes the same result twice', async () => {
    const store = await open();
    await publish(store, { a: 1 }, { out: 'hello' });
    expect((await publish(store, { a: 1 }, { out: 'hello' })).status).toBe('same');
  });

  it('keeps the first of two different results and says so', async () => {
    const store = await open();
    await publish(store, { a: 1 }, { out: 'first' });
    const second = await publish(store, { a: 1 }, { out: 'other' });
    expect(second.status).toBe('different');
    expect(second.record.outputs.out?.digest).toBe(sha256('first'));
    expect(await digestOf(store, key)).toBe(sha256('first'));
  });

  it('takes the second when told to replace', async () => {
    const store = await open();
    await publish(store, { a: 1 }, { out: 'first' });
    const second = await publish(store, { a: 1 }, { out: 'other' }, { replace: true });
    expect(second.status).toBe('different');
    expect(await digestOf(store, key)).toBe(sha256('other'));
  });

  it('refuses a file that is not as large as reported, and publishes nothing', async () => {
    const store = await open();
    const attempt = await openedAttempt(store, key);
    const path = attempt.output(key, 'out', 'txt');
    writeFileSync(path, 'hello');
    const { record } = await publish(store, { other: 1 }, { out: 'x' });
    const outputs = { out: { path, digest: sha256('hello!'), size: 6, extension: 'txt' } };
    const made = { key, preimage: preimage({ a: 1 }), outputs, trusted: [], facts: {}, about: record.about };
    const draft = { ...made, replace: false };
    await expect(store.publish(draft)).rejects.toThrow('has 5 bytes, but the worker reported 6');
    expect(await findOne(store, key)).toEqual({ status: 'miss' });
  });

  it('lists its records', async () => {
    const store = await open();
    await publish(store, { a: 1 }, { out: 'hello' });
    await publish(store, { a: 2 }, { out: 'hello' });
    const keys: string[] = [];
    for await (const record of store.records()) keys.push(record.key);
    expect(keys.sort()).toEqual([key, cacheKey(preimage({ a: 2 }))].sort());
  });

  it('gives the lease of a key to one at a time', async () => {
    const store = await open();
    const lease = await store.lease(key);
    expect(lease).toBeDefined();
    expect(await store.lease(key)).toBeUndefined();
    expect(await store.lease(cacheKey(preimage({ a: 2 })))).toBeDefined();
    lease?.release();
    const next = await store.lease(key);
    lease?.release(); // a second time: must not take it from the next holder
    expect(next).toBeDefined();
    expect(await store.lease(key)).toBeUndefined();
    store.close();
    expect(await store.lease(key)).toBeDefined();
    store.close();
  });

  it('keeps the scratch folder until the key is published', async () => {
    const store = await open();
    const first = await openedAttempt(store, key);
    writeFileSync(join(first.scratch(key), 'state'), 'step 3');
    await store.closeAttempt(first);
    const second = await openedAttempt(store, key);
    expect(readFileSync(join(second.scratch(key), 'state'), 'utf8')).toBe('step 3');
    await store.closeAttempt(second);
    await publish(store, { a: 1 }, { out: 'hello' });
    expect(existsSync(second.scratch(key))).toBe(false);
  });

  it('keeps the log of an attempt and nothing else of it', async () => {
    const store = await open();
    const attempt = await openedAttempt(store, key);
    writeFileSync(attempt.log, 'boom');
    writeFileSync(attempt.output(key, 'out', 'txt'), 'half');
    await store.closeAttempt(attempt);
    expect(readFileSync(attempt.log, 'utf8')).toBe('boom');
    expect(existsSync(attempt.output(key, 'out', 'txt'))).toBe(false);
  });

  it('names sources by their bytes', async () => {
    const store = await open();
    const folder = emptyFolder();
    mkdirSync(join(folder, 'inner'));
    writeFileSync(join(folder, 'inner', 'a.txt'), 'hello');
    expect(await store.digestSource(join(folder, 'inner', 'a.txt'))).toEqual({ digest: sha256('hello'), size: 5 });
    const listing = `[{"digest":"${sha256('hello')}","path":"inner/a.txt","size":5}]`;
    expect(await store.digestSource(folder)).toEqual({ digest: sha256(listing), size: 5 });
  });
});

async function digestOf(store: Store, key: string): Promise<string | undefined> {
  const found = await findOne(store, key);
  const record: StoreRecord | undefined = found.status === 'hit' ? found.record : undefined;
  return record?.outputs.out?.digest;
}
