// What a folder adds to the contract: permissions, who may use it, and what killed runs leave.
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../store/digest.ts';
import { openFileStore } from '../../store/file-store.ts';
import { cacheKey } from '../../store/key.ts';
import { layoutOf } from '../../store/layout.ts';
import { identityOf } from '../../store/process-identity.ts';
import { findOne } from '../../store/store.ts';
import { emptyFolder, openedAttempt, preimage, publish } from './drafts.ts';

const key = cacheKey(preimage({ a: 1 }));
const hello = { digest: sha256('hello'), size: 5 };

async function filledStore() {
  const folder = join(emptyFolder(), '.lamina');
  const store = await openFileStore(folder, { mode: 'write' });
  await publish(store, { a: 1 }, { out: 'hello' });
  return { folder, store, layout: layoutOf(folder) };
}

describe('a file store', () => {
  it('keeps artifacts read-only under the name of their bytes, and ignores itself in git', async () => {
    const { folder, layout } = await filledStore();
    const path = layout.blob(hello);
    expect(path).toBe(join(folder, 'cas', hello.digest.slice(0, 2), `${hello.digest}-5`));
    expect(statSync(path).mode & 0o777).toBe(0o444);
    expect(readFileSync(join(folder, '.gitignore'), 'utf8')).toBe('*\n');
    expect(JSON.parse(readFileSync(join(folder, 'store.json'), 'utf8'))).toMatchObject({
      format: 'lamina-store',
      version: 2,
    });
  });

  it('leaves nothing behind but artifacts and records', async () => {
    const { folder } = await filledStore();
    for (const name of ['attempts', 'scratch', 'leases', 'quarantine', 'ac-alt', 'temporary']) {
      expect(readdirSync(join(folder, name)), name).toEqual([]);
    }
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    expect(files.filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('is read again by the next process', async () => {
    const { folder } = await filledStore();
    expect((await findOne(await openFileStore(folder, { mode: 'read' }), key)).status).toBe('hit');
  });

  it('keeps a different second result beside the first', async () => {
    const { folder, store } = await filledStore();
    await publish(store, { a: 1 }, { out: 'other' });
    const [part = ''] = readdirSync(join(folder, 'ac-alt'));
    const [name = ''] = readdirSync(join(folder, 'ac-alt', part));
    const other = JSON.parse(readFileSync(join(folder, 'ac-alt', part, name), 'utf8'));
    expect(other.outputs.out.digest).toBe(sha256('other'));
  });

  it('a store that is open to read changes nothing, and need not exist', async () => {
    const { folder, layout } = await filledStore();
    overwrite(layout.blob(hello), 'hellp');
    const store = await openFileStore(folder, { mode: 'read' });
    expect(await store.check(hello, 'use')).toEqual({ detail: 'was changed on disk', suspects: [] });
    expect(existsSync(layout.blob(hello))).toBe(true);
    const none = await openFileStore(join(folder, 'none'), { mode: 'read' });
    expect(await findOne(none, key)).toEqual({ status: 'miss' });
    expect(existsSync(join(folder, 'none'))).toBe(false);
  });

  it('refuses a folder of something else', async () => {
    const folder = emptyFolder();
    writeFileSync(join(folder, 'thesis.tex'), '');
    const sentence = `'${folder}' is neither empty nor a lamina store (it holds 'thesis.tex'); choose another --store`;
    await expect(openFileStore(folder, { mode: 'write' })).rejects.toThrow(sentence);
  });

  it('says what stands in the way of a store', async () => {
    const file = join(emptyFolder(), 'file');
    writeFileSync(file, '');
    await expect(openFileStore(join(file, 'store'), { mode: 'write' })).rejects.toThrow(
      `the store '${join(file, 'store')}' cannot be there: expected a folder, but '${file}' is a file; choose another --store`,
    );
  });

  it('removes what the attempts of dead processes left, and keeps logs and scratch (P8)', async () => {
    const { folder, layout } = await filledStore();
    rmSync(layout.record(key)); // there is no result yet
    mkdirSync(join(layout.attempts(key), 'dead'), { recursive: true });
    mkdirSync(layout.logsOf(key), { recursive: true });
    mkdirSync(layout.scratch(key));
    writeFileSync(join(layout.scratch(key), 'state'), '');
    writeFileSync(join(layout.attempts(key), 'dead', 'out.txt'), 'half');
    const owners = { worker: deadProcess(), runner: deadProcess() };
    writeFileSync(join(layout.attempts(key), 'dead', 'worker.json'), JSON.stringify(owners));
    writeFileSync(join(layout.logsOf(key), 'dead.log'), 'boom');
    writeFileSync(layout.lease(key), JSON.stringify({ id: 'x', ...deadProcess() }));
    const store = await openFileStore(folder, { mode: 'write' });
    expect(existsSync(layout.attempts(key))).toBe(false);
    expect(readdirSync(layout.logsOf(key))).toEqual(['dead.log']);
    expect(readdirSync(layout.scratch(key))).toEqual(['state']);
    expect(await store.lease(key)).toBeDefined();
    store.close();
  });

  it('leaves the attempts of living processes alone', async () => {
    const { folder, store } = await filledStore();
    const lease = await store.lease(key);
    const attempt = await openedAttempt(store, key);
    await openFileStore(folder, { mode: 'write' });
    expect(existsSync(join(layoutOf(folder).attempts(key), attempt.id))).toBe(true);
    await store.closeAttempt(attempt);
    lease?.release();
  });
});

function deadProcess() {
  return { ...identityOf(), started: '1' };
}

function overwrite(path: string, text: string): void {
  chmodSync(path, 0o644);
  writeFileSync(path, text);
}
