// Collections of real stores: who is waited for, what is kept, what is never followed.
import { existsSync, mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../store/digest.ts';
import { openFileStore } from '../../store/file-store.ts';
import { collectionKey, readInUse } from '../../store/in-use.ts';
import { layoutOf } from '../../store/layout.ts';
import { findOne, type Store } from '../../store/store.ts';
import { collect, previewCollection } from '../../store/upkeep/collect.ts';
import type { RunNeeds } from '../../store/upkeep/roots.ts';
import { emptyFolder, publish } from './drafts.ts';

const nothing = { runs: () => [] };

const openStore = (folder: string): Promise<Store> => openFileStore(folder, { mode: 'write' });

/** A run that was made of these units of one node. */
function runOf(...keys: string[]): RunNeeds {
  return { experiment: 'toy', run: '1', units: new Map([['toy', keys]]), used: new Set() };
}

/** A store with two units, which nobody uses any more. */
async function twoUnits() {
  const folder = emptyFolder();
  const store = await openStore(folder);
  const [one, two] = [await publish(store, { a: 1 }, { out: 'one' }), await publish(store, { a: 2 }, { out: 'two' })];
  store.close();
  return { folder, one: one.record, two: two.record, layout: layoutOf(folder) };
}

describe('a collection', () => {
  it('takes away what no run was made of, and keeps all of the others', async () => {
    const { folder, one, two, layout } = await twoUnits();
    const store = await openStore(folder);
    const options = { runs: () => [runOf(one.key)] };
    const preview = await previewCollection(folder, options);
    expect([preview.taken.map(({ record }) => record.key), preview.freed_bytes]).toEqual([[two.key], 3]);
    expect(existsSync(layout.record(two.key))).toBe(true); // it was only asked
    await collect(store, options);
    expect((await findOne(store, one.key)).status).toBe('hit');
    expect(await store.check(one.outputs.out as never, 'bytes')).toBeUndefined();
    expect(existsSync(layout.record(two.key))).toBe(false);
    expect(existsSync(layout.blob(two.outputs.out as never))).toBe(false);
    store.close();
  });

  it('takes states and logs of keys without a record that no kept run names and nobody works on', async () => {
    const { folder, one, layout } = await twoUnits();
    const keys = { left: 'a1'.repeat(32), named: 'b2'.repeat(32), used: 'c3'.repeat(32), worked: 'd4'.repeat(32) };
    for (const key of [...Object.values(keys), one.key]) {
      for (const path of [layout.scratch(key), layout.logsOf(key)]) {
        mkdirSync(path, { recursive: true });
        writeFileSync(join(path, 'file'), 'twelve bytes');
      }
    }
    symlinkSync(emptyFolder(), layout.scratch('e5'.repeat(32)));
    const user = await openStore(folder);
    await user.find([{ key: keys.used }]);
    await user.lease(keys.worked);
    const store = await openStore(folder);
    const whole = { experiment: 'other', run: '1', units: undefined, used: new Set<string>() };
    expect((await previewCollection(folder, { runs: () => [whole] })).leftovers).toEqual([]);
    const runs = () => [runOf(one.key, keys.named)];
    const living = readInUse(layout);
    expect(living.has(keys.used)).toBe(true);
    const { leftovers } = await collect(store, { runs });
    expect(leftovers.map(({ kind, size_bytes }) => [kind, size_bytes])).toEqual([
      ['state', 12],
      ['state', 0],
      ['log', 12],
    ]);
    const there = (key: string) => [layout.scratch(key), layout.logsOf(key)].map((path) => existsSync(path));
    expect([there(keys.left), there(keys.named), there(keys.used), there(one.key)]).toEqual([
      [false, false],
      [true, true],
      [true, true],
      [false, true], // a state whose key has a result goes when a store is opened
    ]);
    user.close();
    store.close();
  });

  it('takes nothing that another process has looked up, works on or has just made', async () => {
    const { folder, one, two } = await twoUnits();
    const [user, store] = [await openStore(folder), await openStore(folder)];
    await user.find([{ key: one.key }]);
    const { record: three } = await publish(user, { a: 3 }, { out: 'three' });
    await collect(store, nothing);
    for (const record of [one, three]) {
      expect((await findOne(user, record.key)).status).toBe('hit');
      expect(await user.check(record.outputs.out as never, 'bytes')).toBeUndefined();
    }
    expect((await findOne(user, two.key)).status).toBe('miss');
    user.close();
    await collect(store, nothing);
    expect(readdirSync(join(folder, 'in-use'))).toEqual([]);
    expect(readdirSync(join(folder, 'cas')).flatMap((part) => readdirSync(join(folder, 'cas', part)))).toEqual([]);
  });

  it('is waited for by who looks something up meanwhile, and there is one at a time', async () => {
    const { folder, one } = await twoUnits();
    const said: string[] = [];
    const user = await openFileStore(folder, { mode: 'write', say: (sentence) => said.push(sentence) });
    const [store, other] = [await openStore(folder), await openStore(folder)];
    const lease = await store.lease(collectionKey);
    await expect(collect(other, nothing)).rejects.toThrow(
      /is being collected by another 'lamina gc': wait for its end/,
    );
    let found = '';
    const looking = findOne(user, one.key).then(({ status }) => {
      found = status;
    });
    while (said.length === 0) await sleep(5);
    expect(said).toEqual([`'${folder}' is being collected by 'lamina gc': waiting for its end`]);
    expect(readInUse(layoutOf(folder)).has(one.key)).toBe(true);
    expect(found).toBe('');
    lease?.release();
    await looking;
    expect(found).toBe('hit');
  });

  it('frees artifacts without a record and what was put aside', async () => {
    const { folder, one, two, layout } = await twoUnits();
    const store = await openStore(folder);
    renameSync(layout.record(one.key), join(folder, 'quarantine', 'a-record'));
    mkdirSync(join(folder, 'quarantine', 'a-folder'));
    writeFileSync(join(folder, 'quarantine', 'a-folder', 'file'), 'bytes');
    const { loose, quarantine_bytes } = await collect(store, { runs: () => [runOf(two.key)] });
    expect(loose).toEqual([`${one.outputs.out?.digest}-3`]);
    expect(quarantine_bytes).toBeGreaterThan(5);
    expect(readdirSync(join(folder, 'quarantine'))).toEqual([]);
    expect((await findOne(store, two.key)).status).toBe('hit');
  });

  it('follows no link out of the store', async () => {
    const { folder, layout } = await twoUnits();
    const outside = emptyFolder();
    const digest = sha256('outside');
    const part = digest.slice(0, 2);
    writeFileSync(join(outside, `${digest}-7`), 'outside');
    symlinkSync(outside, join(folder, 'cas', part)); // a folder of artifacts that leads away
    const linked = sha256('other');
    mkdirSync(join(folder, 'cas', linked.slice(0, 2)), { recursive: true });
    symlinkSync(join(outside, `${digest}-7`), layout.blob({ digest: linked, size: 5 }));
    symlinkSync(outside, join(folder, 'quarantine', 'link'));
    const store = await openStore(folder);
    const { inventory } = await collect(store, nothing);
    expect(readdirSync(outside)).toEqual([`${digest}-7`]);
    expect(existsSync(join(folder, 'quarantine', 'link'))).toBe(false);
    const odd = [join(folder, 'cas', part), layout.blob({ digest: linked, size: 5 })];
    expect([...inventory.strays].sort()).toEqual(odd.sort());
  });

  it('of a run that left no outcome keeps all of its experiment', async () => {
    const { folder, one, two } = await twoUnits();
    const store = await openStore(folder);
    const died: RunNeeds = { experiment: 'toy', run: '1', units: undefined, used: new Set() };
    expect((await collect(store, { runs: () => [died] })).taken).toEqual([]);
    for (const { key } of [one, two]) expect((await findOne(store, key)).status).toBe('hit');
  });
});
