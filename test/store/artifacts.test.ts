// Artifacts of a file store: what is found out about their bytes, when, and what follows from it.
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../store/digest.ts';
import { fileMemo } from '../../store/digest-memo.ts';
import { fileIdentity, statOrNone } from '../../store/file-identity.ts';
import { openFileStore } from '../../store/file-store.ts';
import { cacheKey } from '../../store/key.ts';
import { layoutOf } from '../../store/layout.ts';
import { findOne } from '../../store/store.ts';
import { smallBytes } from '../../store/trust.ts';
import { emptyFolder, preimage, publish } from './drafts.ts';

const key = cacheKey(preimage({ a: 1 }));
const hello = { digest: sha256('hello'), size: 5 };
/** One byte more than what is read at every use. */
const large = Buffer.alloc(smallBytes + 1, 'x');
const largeRef = { digest: sha256(large), size: large.length };
const changed = { detail: 'was changed on disk', suspects: [] };

async function openStore(folder = join(emptyFolder(), 'store')) {
  return { folder, store: await openFileStore(folder, { mode: 'write' }), layout: layoutOf(folder) };
}

async function filledStore(content: string | Buffer = 'hello') {
  const opened = await openStore();
  await publish(opened.store, { a: 1 }, { out: content });
  return opened;
}

function overwrite(path: string, content: string | Buffer): void {
  chmodSync(path, 0o644);
  writeFileSync(path, content);
}

/** Damages a file below the file system, as far as the store can see: what is remembered of it fits what it is now. */
function rot(path: string, memo: string, right: string): void {
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
  overwrite(path, bytes);
  const stats = statOrNone(path);
  if (stats !== undefined) fileMemo(memo, true, { small_bytes: -1, longest_ms: 1e15 }).put(path, stats, right);
}

describe('a small artifact', () => {
  it.each(['glance', 'use', 'bytes'] as const)('is read at every %s', async (look) => {
    const { folder, store, layout } = await filledStore();
    expect(await store.check(hello, look)).toBeUndefined();
    overwrite(layout.blob(hello), 'hellp');
    expect(await store.check(hello, look)).toEqual(changed);
    expect(existsSync(layout.blob(hello))).toBe(false);
    const [aside = ''] = readdirSync(join(folder, 'quarantine'));
    expect(readFileSync(join(folder, 'quarantine', aside), 'utf8')).toBe('hellp');
    expect(await store.check(hello, look)).toEqual({ detail: 'is gone', suspects: [], gone: true });
  });

  it('that rotted in its place is found, whatever was remembered of it', async () => {
    const { folder, layout } = await filledStore();
    rot(layout.blob(hello), layout.memo, hello.digest);
    const { store } = await openStore(folder);
    expect(store.known(hello)).toBeUndefined();
    expect(await store.check(hello, 'glance')).toEqual(changed);
  });
});

describe('a large artifact', () => {
  it('is believed at a glance, and at its use where it was read not long ago', async () => {
    const { folder, store, layout } = await filledStore(large);
    expect(store.known(largeRef)).toBe(fileIdentity(statOrNone(layout.blob(largeRef)) as never));
    rot(layout.blob(largeRef), layout.memo, largeRef.digest);
    const again = (await openStore(folder)).store;
    expect(await again.check(largeRef, 'glance')).toBeUndefined();
    expect(await again.check(largeRef, 'use')).toBeUndefined(); // the price of not reading it: see docs/guarantees.md
    expect(await again.check(largeRef, 'bytes')).toEqual(changed);
  });

  it('is read at its first use on a host, and when the file system says anything else of it than before', async () => {
    const { folder, store, layout } = await filledStore(large);
    const path = layout.blob(largeRef);
    overwrite(path, readFileSync(path));
    expect(store.known(largeRef)).toBeUndefined();
    rmSync(layout.memo); // as another host sees it
    const other = (await openStore(folder)).store;
    expect(other.known(largeRef)).toBeUndefined();
    overwrite(path, Buffer.alloc(large.length, 'y'));
    expect(await other.check(largeRef, 'glance')).toBeUndefined();
    expect(await other.check(largeRef, 'use')).toEqual(changed);
  });

  it('that a worker has read over need not be read again', async () => {
    const { folder, layout } = await filledStore(large);
    rmSync(layout.memo);
    const { store } = await openStore(folder);
    const identity = fileIdentity(statOrNone(layout.blob(largeRef)) as never);
    store.remember(largeRef, 'another identity');
    expect(store.known(largeRef)).toBeUndefined();
    store.remember(largeRef, identity);
    expect(store.known(largeRef)).toBe(identity);
    expect((await openStore(folder)).store.known(largeRef)).toBe(identity);
  });
});

describe('an artifact', () => {
  it('that was cut short, is gone, or is a folder is found at a glance', async () => {
    const { store, layout } = await filledStore();
    overwrite(layout.blob(hello), 'hel');
    expect(await store.check(hello, 'glance')).toEqual({ detail: 'has 3 bytes instead of 5', suspects: [] });
    expect(await store.check(hello, 'glance')).toEqual({ detail: 'is gone', suspects: [], gone: true });
    mkdirSync(layout.blob(hello));
    expect((await store.check(hello, 'bytes'))?.detail).toMatch(/ bytes instead of 5$/);
    expect(existsSync(layout.blob(hello))).toBe(false);
  });

  it('that is published again heals what lies damaged in its place, and says what was found', async () => {
    const { folder, store, layout } = await filledStore();
    overwrite(layout.blob(hello), 'hellp');
    const again = await publish(store, { a: 1 }, { out: 'hello' });
    expect(again).toMatchObject({ status: 'same', found: [{ artifact: hello, ...changed }] });
    expect(readFileSync(layout.blob(hello), 'utf8')).toBe('hello');
    expect(statSync(layout.blob(hello)).mode & 0o777).toBe(0o444);
    expect(readdirSync(join(folder, 'quarantine'))).toHaveLength(1);
  });

  it('is healed also by another key with the same bytes, and large ones are read for it although they are remembered', async () => {
    const { folder, layout } = await filledStore(large);
    rot(layout.blob(largeRef), layout.memo, largeRef.digest);
    const { store } = await openStore(folder);
    const other = await publish(store, { a: 2 }, { out: large });
    expect(other).toMatchObject({ status: 'published', found: [{ detail: 'was changed on disk' }] });
    expect(await store.check(largeRef, 'bytes')).toBeUndefined();
  });

  it('that is whole stays where it is when it is published again', async () => {
    const { store, layout } = await filledStore();
    const { ino } = statSync(layout.blob(hello));
    expect((await publish(store, { a: 2 }, { out: 'hello' })).found).toEqual([]);
    expect(statSync(layout.blob(hello)).ino).toBe(ino);
  });

  it('that is gone gives way to a different result of the same key', async () => {
    const { store, layout } = await filledStore();
    rmSync(layout.blob(hello), { force: true });
    const { status, record } = await publish(store, { a: 1 }, { out: 'other' });
    expect([status, record.outputs.out?.digest]).toEqual(['different', sha256('other')]);
    expect(await findOne(store, key)).toMatchObject({ status: 'hit', record: { outputs: { out: { size: 5 } } } });
  });
});

describe('what was made from an artifact that turns out to be damaged', () => {
  const hour_ms = 3_600_000;
  const late = new Date(Date.now() + hour_ms);
  const early = new Date(Date.now() - hour_ms);

  /** A store with an artifact and records made from it, of which one is looked for after the artifact rotted. */
  async function afterRot(trusted: readonly string[], started: Date, forget = false) {
    const { folder, store, layout } = await filledStore(large);
    const inputs = { model: largeRef };
    const { record } = await publish(store, { b: 1 }, { out: 'made' }, { inputs, trusted, started });
    rot(layout.blob(largeRef), layout.memo, largeRef.digest);
    if (forget) rmSync(layout.memo);
    const again = (await openStore(folder)).store;
    const damage = await again.check(largeRef, 'bytes');
    const found = await findOne(again, record.key);
    return { suspects: damage?.suspects.map((each) => each.key === record.key), status: found.status, folder };
  }

  it('is put aside where it was made on trust after the last reading', async () => {
    const { suspects, status, folder } = await afterRot([largeRef.digest], late);
    expect([suspects, status]).toEqual([[true], 'miss']);
    expect(readdirSync(join(folder, 'quarantine'))).toHaveLength(2);
  });

  it('is believed where the artifact was read over for it', async () => {
    expect(await afterRot([], late)).toMatchObject({ suspects: [], status: 'hit' });
  });

  it('is believed where the artifact was read whole later than that', async () => {
    expect(await afterRot([largeRef.digest], early)).toMatchObject({ suspects: [], status: 'hit' });
  });

  it('is put aside where nobody knows when the artifact was read last', async () => {
    expect(await afterRot([largeRef.digest], early, true)).toMatchObject({ suspects: [true], status: 'miss' });
  });

  it('is put aside when the damage is found at a publication too', async () => {
    const { folder, store, layout } = await filledStore(large);
    const inputs = { model: largeRef };
    const made = await publish(store, { b: 1 }, { out: 'made' }, { inputs, trusted: [largeRef.digest], started: late });
    rot(layout.blob(largeRef), layout.memo, largeRef.digest);
    const again = (await openStore(folder)).store;
    const { found } = await publish(again, { a: 1 }, { out: large }, { replace: true });
    expect(found.flatMap(({ suspects }) => suspects.map((each) => each.key))).toEqual([made.record.key]);
    expect((await findOne(again, made.record.key)).status).toBe('miss');
  });

  it('is not touched by who only reads', async () => {
    const { folder, store } = await filledStore();
    const inputs = { x: hello };
    const made = await publish(store, { b: 1 }, { out: 'made' }, { inputs, trusted: [hello.digest], started: late });
    overwrite(layoutOf(folder).blob(hello), 'hellp');
    const reader = await openFileStore(folder, { mode: 'read' });
    expect(await reader.check(hello, 'use')).toEqual(changed);
    expect((await findOne(reader, made.record.key)).status).toBe('hit');
  });
});
