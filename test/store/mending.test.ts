// One bad file takes nothing away: what says which store it is, what may be lost, and what stands where a folder should be.
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openFileStore } from '../../store/file-store.ts';
import { cacheKey } from '../../store/key.ts';
import { layoutOf } from '../../store/layout.ts';
import { identityOf, shortNameOf } from '../../store/process-identity.ts';
import { findOne } from '../../store/store.ts';
import { createRandom } from '../../util/random.ts';
import { emptyFolder, preimage, publish } from './drafts.ts';

const key = cacheKey(preimage({ a: 1 }));

async function filledFolder(): Promise<string> {
  const folder = join(emptyFolder(), 'store');
  const store = await openFileStore(folder, { mode: 'write' });
  await publish(store, { a: 1 }, { out: 'hello' });
  store.close();
  return folder;
}

/** Opens a store and finds its record; returns what was said. */
async function openAndFind(folder: string, mode: 'read' | 'write'): Promise<string[]> {
  const said: string[] = [];
  const store = await openFileStore(folder, { mode, say: (sentence) => said.push(sentence) });
  expect((await findOne(store, key)).status).toBe('hit');
  expect(await store.check({ digest: digestOfHello, size: 5 }, 'use')).toBeUndefined();
  store.close();
  return said;
}

const digestOfHello = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';

describe('the file that says what a store is', () => {
  it.each([
    ['empty', ''],
    ['cut short', '{"format":"lamina-st'],
    ['another file', '{"name":"paper"}'],
    ['without its digest', '{"format":"lamina-store","version":2}'],
  ])('%s is written anew, with a word, and kept for people to look at', async (_, text) => {
    const folder = await filledFolder();
    const path = join(folder, 'store.json');
    const right = readFileSync(path, 'utf8');
    writeFileSync(path, text);
    const sentence = `'${path}' is damaged; '${folder}' is a store by all else that it holds, so`;
    expect(await openAndFind(folder, 'read')).toEqual([`${sentence} the next run writes it anew`]);
    expect(readFileSync(path, 'utf8')).toBe(text);
    expect(await openAndFind(folder, 'write')).toEqual([`${sentence} it was written anew`]);
    expect(readFileSync(path, 'utf8')).toBe(right);
    const [aside = ''] = readdirSync(join(folder, 'quarantine'));
    expect(readFileSync(join(folder, 'quarantine', aside), 'utf8')).toBe(text);
    expect(await openAndFind(folder, 'write')).toEqual([]);
  });

  it('that is gone, or a folder, is written anew', async () => {
    const folder = await filledFolder();
    const path = join(folder, 'store.json');
    const right = readFileSync(path, 'utf8');
    rmSync(path);
    expect(await openAndFind(folder, 'write')).toEqual([
      `'${path}' is gone; '${folder}' is a store by all else that it holds, so it was written anew`,
    ]);
    rmSync(path);
    mkdirSync(path);
    expect(await openAndFind(folder, 'write')).toHaveLength(1);
    expect(readFileSync(path, 'utf8')).toBe(right);
  });

  it('with any bit flipped never locks the store', async () => {
    const folder = await filledFolder();
    const path = join(folder, 'store.json');
    const right = readFileSync(path);
    for (let at = 0; at < right.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const flipped = Buffer.from(right);
        flipped[at] = (flipped[at] as number) ^ (1 << bit);
        writeFileSync(path, flipped);
        await openFileStore(folder, { mode: 'read' });
      }
    }
  });

  it.each([{ more: true }, { digest: createHash('sha256').update('lamina-store 3').digest('hex') }])(
    'of a later version keeps the store from this lamina, also with %j',
    async (more) => {
      const text = JSON.stringify({ format: 'lamina-store', version: 3, ...more });
      for (const folder of [await filledFolder(), emptyFolder()]) {
        writeFileSync(join(folder, 'store.json'), text);
        const sentence = `the store '${folder}' has version 3, expected 2; use the lamina that wrote it, or another --store`;
        await expect(openFileStore(folder, { mode: 'read' })).rejects.toThrow(sentence);
        await expect(openFileStore(folder, { mode: 'write' })).rejects.toThrow(sentence);
        expect(readFileSync(join(folder, 'store.json'), 'utf8')).toBe(text);
      }
    },
  );

  it('of version 1 is taken over by who writes', async () => {
    const folder = await filledFolder();
    const path = join(folder, 'store.json');
    const right = readFileSync(path, 'utf8');
    const old = '{"format":"lamina-store","version":1}\n';
    writeFileSync(path, old);
    expect(await openAndFind(folder, 'read')).toEqual([]);
    expect(readFileSync(path, 'utf8')).toBe(old);
    expect(await openAndFind(folder, 'write')).toEqual([]);
    expect(readFileSync(path, 'utf8')).toBe(right);
  });

  it('alone makes no store of a folder that holds something else', async () => {
    const folder = emptyFolder();
    const path = join(folder, 'store.json');
    writeFileSync(path, '');
    const sentence = `'${path}' is not a lamina store's version file; choose another folder with --store`;
    await expect(openFileStore(folder, { mode: 'write' })).rejects.toThrow(sentence);
    await expect(openFileStore(folder, { mode: 'read' })).rejects.toThrow(sentence);
    const other = emptyFolder();
    mkdirSync(join(other, 'runs'));
    await expect(openFileStore(other, { mode: 'write' })).rejects.toThrow(
      `'${other}' is neither empty nor a lamina store (it holds 'runs'); choose another --store`,
    );
  });
});

describe('what is left of a store', () => {
  it('that was being removed is a store again', async () => {
    const folder = emptyFolder();
    for (const name of ['attempts', 'leases']) mkdirSync(join(folder, name));
    const store = await openFileStore(folder, { mode: 'write' });
    expect((await publish(store, { a: 1 }, { out: 'hello' })).status).toBe('published');
    expect(await openAndFind(folder, 'write')).toEqual([]);
  });

  it.each(['ac-alt', 'leases', 'attempts', 'scratch', 'quarantine', 'runs', 'temporary'])(
    'without %s, or with a file there, goes on',
    async (name) => {
      const folder = await filledFolder();
      const path = join(folder, name);
      rmSync(path, { recursive: true });
      expect(await openAndFind(folder, 'write')).toEqual([]);
      rmSync(path, { recursive: true });
      writeFileSync(path, 'something');
      const [sentence = ''] = await openAndFind(folder, 'write');
      expect(sentence).toMatch(`'${path}' is a file where the store has a folder; it was moved to '${path}.`);
      const store = await openFileStore(folder, { mode: 'write' });
      expect((await publish(store, { a: 1 }, { out: 'other' })).status).toBe('different');
    },
  );

  it('with a folder that is a link to nowhere says so', async () => {
    const folder = await filledFolder();
    const path = join(folder, 'cas');
    rmSync(path, { recursive: true });
    symlinkSync('/nowhere/cas', path);
    await expect(openFileStore(folder, { mode: 'write' })).rejects.toThrow(
      `'${path}' leads nowhere: mount what it links to, or remove the link`,
    );
    const link = join(emptyFolder(), 'link');
    symlinkSync('/nowhere', link);
    await expect(openFileStore(join(link, 'store'), { mode: 'write' })).rejects.toThrow(
      `the store '${join(link, 'store')}' cannot be made: a part of its path leads nowhere; choose another --store`,
    );
  });

  it('whose other files are garbage goes on: the memo, alternatives, leases, attempts, strays among the records', async () => {
    const random = createRandom('garbage');
    const garbage = () => Buffer.from(Array.from({ length: 200 }, () => Math.floor(256 * random.uniform())));
    const folder = await filledFolder();
    const layout = layoutOf(folder);
    for (const name of ['digests.jsonl', 'ac/stray', 'ac-alt/stray', 'leases/stray', 'attempts/stray', 'cas/stray']) {
      writeFileSync(join(folder, name), garbage());
    }
    mkdirSync(join(folder, 'leases', 'folder', 'inner'), { recursive: true });
    mkdirSync(join(layout.attempts(key), 'x'), { recursive: true });
    writeFileSync(join(layout.attempts(key), 'x', 'worker.json'), garbage());
    expect(await openAndFind(folder, 'write')).toEqual([]);
    const store = await openFileStore(folder, { mode: 'write' });
    const records = [];
    for await (const record of store.records()) records.push(record.key);
    expect(records).toEqual([key]);
    expect((await publish(store, { a: 1 }, { out: 'other' })).status).toBe('different');
    rmSync(layout.memo);
    mkdirSync(layout.memo);
    expect(await openAndFind(folder, 'write')).toEqual([]);
  });
});

describe('unfinished files', () => {
  const id = '4f1c2a3b-0000-4000-8000-123456789abc';
  const writer = (process: object) => `${shortNameOf({ ...identityOf(), ...process })}.${id}.tmp`;

  it('of killed processes are swept, those of living ones are not', async () => {
    const folder = await filledFolder();
    const [dead, alive] = [writer({ started: '1' }), writer({})];
    const elsewhere = writer({ host: 'elsewhere' });
    for (const name of [dead, alive, elsewhere]) writeFileSync(join(folder, 'temporary', name), '');
    writeFileSync(join(folder, dead), '');
    writeFileSync(join(folder, 'notes.tmp'), 'somebody’s own');
    utimesSync(join(folder, 'notes.tmp'), 1, 1);
    expect(await openAndFind(folder, 'write')).toEqual([]);
    expect(existsSync(join(folder, 'notes.tmp'))).toBe(true);
    expect(readdirSync(join(folder, 'temporary')).sort()).toEqual([alive, elsewhere].sort());
    expect(readdirSync(folder)).not.toContain(dead);
  });

  it('that stores of version 1 had beside their records and runs are swept when they are taken over', async () => {
    const folder = await filledFolder();
    writeFileSync(join(folder, 'store.json'), '{"format":"lamina-store","version":1}\n');
    const run = join(folder, 'runs', 'quickstart', '2026-01-01T00-00-00Z');
    mkdirSync(run, { recursive: true });
    const left = [join(run, `result.json.${id}.tmp`), join(folder, 'ac', key.slice(0, 2), `${key}.json.${id}.tmp`)];
    for (const path of left) writeFileSync(path, '');
    for (const path of left) utimesSync(path, 1, 1);
    expect(await openAndFind(folder, 'write')).toEqual([]);
    expect(left.filter((path) => existsSync(path))).toEqual([]);
  });
});
