// What a folder adds to the contract: permissions, damage, versions, and what killed runs leave.
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../store/digest.ts';
import { openFileStore } from '../../store/file-store.ts';
import { cacheKey } from '../../store/key.ts';
import { layoutOf } from '../../store/layout.ts';
import { identityOf } from '../../store/process-identity.ts';
import { emptyFolder, preimage, publish } from './drafts.ts';

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
    expect(readFileSync(join(folder, 'store.json'), 'utf8')).toBe('{"format":"lamina-store","version":1}\n');
  });

  it('leaves nothing behind but artifacts and records', async () => {
    const { folder } = await filledStore();
    for (const name of ['attempts', 'scratch', 'leases', 'quarantine', 'ac-alt']) {
      expect(readdirSync(join(folder, name)), name).toEqual([]);
    }
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    expect(files.filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('is read again by the next process', async () => {
    const { folder } = await filledStore();
    expect((await (await openFileStore(folder, { mode: 'read' })).find(key)).status).toBe('hit');
  });

  it('keeps a different second result beside the first', async () => {
    const { folder, store } = await filledStore();
    await publish(store, { a: 1 }, { out: 'other' });
    const [part = ''] = readdirSync(join(folder, 'ac-alt'));
    const [name = ''] = readdirSync(join(folder, 'ac-alt', part));
    const other = JSON.parse(readFileSync(join(folder, 'ac-alt', part, name), 'utf8'));
    expect(other.outputs.out.digest).toBe(sha256('other'));
  });

  it.each([true, false])('finds a flipped byte and puts the artifact aside (P7, same process: %s)', async (same) => {
    const { folder, store, layout } = await filledStore();
    overwrite(layout.blob(hello), 'hellp');
    const found = await (same ? store : await openFileStore(folder, { mode: 'write' })).find(key);
    expect(found).toEqual({
      status: 'damaged',
      detail: `artifact 'out' (${hello.digest.slice(0, 12)}) was changed on disk`,
    });
    expect(existsSync(layout.blob(hello))).toBe(false);
    const [aside = ''] = readdirSync(join(folder, 'quarantine'));
    expect(readFileSync(join(folder, 'quarantine', aside), 'utf8')).toBe('hellp');
    expect((await publish(store, { a: 1 }, { out: 'hello' })).status).toBe('same');
    expect((await store.find(key)).status).toBe('hit');
  });

  it('finds a truncated and a missing artifact', async () => {
    const { store, layout } = await filledStore();
    overwrite(layout.blob(hello), 'hel');
    expect(await store.find(key)).toMatchObject({
      status: 'damaged',
      detail: expect.stringContaining('has 3 bytes instead of 5'),
    });
    expect(await store.find(key)).toMatchObject({ status: 'damaged', detail: expect.stringContaining('is gone') });
  });

  it('a damaged artifact that is made anew differently replaces the result', async () => {
    const { store, layout } = await filledStore();
    rmSync(layout.blob(hello), { force: true });
    const { status, record } = await publish(store, { a: 1 }, { out: 'other' });
    expect([status, record.outputs.out?.digest]).toEqual(['different', sha256('other')]);
    expect((await store.find(key)).status).toBe('hit');
  });

  it.each([
    ['', 'is not JSON'],
    ['{"format": "lamina-record"', 'is not JSON'],
    ['{}', 'is not a lamina record'],
    ['{"format": "lamina-record", "version": 2}', 'has the unknown version 2'],
    ['{"format": "lamina-record", "version": 1, "key": "other"}', 'belongs to another key'],
  ])('a record that reads %j is put aside', async (text, detail) => {
    const { store, layout } = await filledStore();
    writeFileSync(layout.record(key), text);
    expect(await store.find(key)).toEqual({
      status: 'damaged',
      detail: `the record '${layout.record(key)}' ${detail}`,
    });
    expect(await store.find(key)).toEqual({ status: 'miss' });
    expect((await publish(store, { a: 1 }, { out: 'hello' })).status).toBe('published');
  });

  it('a record whose pre-image was edited does not match its key', async () => {
    const { store, layout } = await filledStore();
    const text = readFileSync(layout.record(key), 'utf8').replace('"a": 1', '"a": 2');
    writeFileSync(layout.record(key), text);
    expect(await store.find(key)).toMatchObject({ detail: expect.stringContaining('does not match its key') });
  });

  it.each([
    ['half a character', JSON.stringify('\ud800')],
    ['more levels than anybody can walk', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
  ])('a record whose pre-image holds %s does not match its key', async (_, value) => {
    const { store, layout } = await filledStore();
    const text = readFileSync(layout.record(key), 'utf8').replace('"a": 1', `"a": ${value}`);
    writeFileSync(layout.record(key), text);
    expect(await store.find(key)).toMatchObject({ detail: expect.stringContaining('does not match its key') });
  });

  it('a store that is open to read changes nothing, and need not exist', async () => {
    const { folder, layout } = await filledStore();
    overwrite(layout.blob(hello), 'hellp');
    const store = await openFileStore(folder, { mode: 'read' });
    expect((await store.find(key)).status).toBe('damaged');
    expect(existsSync(layout.blob(hello))).toBe(true);
    const none = await openFileStore(join(folder, 'none'), { mode: 'read' });
    expect(await none.find(key)).toEqual({ status: 'miss' });
    expect(existsSync(join(folder, 'none'))).toBe(false);
  });

  it('refuses a folder of something else', async () => {
    const folder = emptyFolder();
    writeFileSync(join(folder, 'thesis.tex'), '');
    const sentence = `'${folder}' is neither empty nor a lamina store (it holds 'thesis.tex'); choose another --store`;
    await expect(openFileStore(folder, { mode: 'write' })).rejects.toThrow(sentence);
  });

  it('refuses a store of a later version', async () => {
    const folder = emptyFolder();
    writeFileSync(join(folder, 'store.json'), '{"format":"lamina-store","version":2}');
    const sentence = `the store '${folder}' has version 2, expected 1; use the lamina that wrote it, or another --store`;
    await expect(openFileStore(folder, { mode: 'read' })).rejects.toThrow(sentence);
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
    for (const name of ['dead', 'log']) mkdirSync(join(layout.attempts(key), name), { recursive: true });
    mkdirSync(layout.scratch(key));
    writeFileSync(join(layout.scratch(key), 'state'), '');
    writeFileSync(join(layout.attempts(key), 'dead', 'out.txt'), 'half');
    writeFileSync(join(layout.attempts(key), 'dead', 'worker.json'), JSON.stringify(deadProcess()));
    writeFileSync(join(layout.attempts(key), 'log', 'output.log'), 'boom');
    writeFileSync(layout.lease(key), JSON.stringify({ id: 'x', ...deadProcess() }));
    const store = await openFileStore(folder, { mode: 'write' });
    expect(readdirSync(layout.attempts(key))).toEqual(['log']);
    expect(readdirSync(layout.scratch(key))).toEqual(['state']);
    expect(await store.lease(key)).toBeDefined();
    store.close();
  });

  it('stops a worker that outlived its killed runner', async () => {
    const { folder, layout } = await filledStore();
    const orphan = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    const ended = new Promise((resolve) => orphan.on('exit', (_code, signal) => resolve(signal)));
    mkdirSync(join(layout.attempts(key), 'dead'), { recursive: true });
    const worker = join(layout.attempts(key), 'dead', 'worker.json');
    writeFileSync(worker, JSON.stringify(identityOf(orphan.pid)));
    await openFileStore(folder, { mode: 'write' });
    expect(await ended).toBe('SIGKILL');
  });

  it('leaves the attempts of living processes alone', async () => {
    const { folder, store } = await filledStore();
    const lease = await store.lease(key);
    const attempt = await store.openAttempt([key], process.pid);
    await openFileStore(folder, { mode: 'write' });
    expect(existsSync(join(layoutOf(folder).attempts(key), attempt.id))).toBe(true);
    store.closeAttempt(attempt, 'nothing');
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
