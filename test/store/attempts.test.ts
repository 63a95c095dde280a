// Attempts of runners that live, that died, and that cannot be seen from here.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openFileStore } from '../../store/file-store.ts';
import { cacheKey } from '../../store/key.ts';
import { layoutOf } from '../../store/layout.ts';
import { identityOf, type ProcessIdentity, stateOf } from '../../store/process-identity.ts';
import { tasksText } from '../../store/submissions.ts';
import { emptyFolder, preimage, publish } from './drafts.ts';

const key = cacheKey(preimage({ a: 1 }));
const dead: ProcessIdentity = { ...identityOf(), started: '1' };
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** A process that does nothing until it is killed. */
async function idle(): Promise<{ identity: ProcessIdentity; ended: Promise<unknown> }> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  children.push(child);
  const ended = new Promise((resolve) => child.on('exit', (_code, signal) => resolve(signal)));
  await new Promise((resolve) => child.on('spawn', resolve));
  return { identity: identityOf(child.pid), ended };
}

/** A store with an attempt at the key, whose worker and runner are given, and no lease. */
function storeWith(worker: ProcessIdentity, runner: unknown) {
  const layout = layoutOf(join(emptyFolder(), 'store'));
  const folder = join(layout.attempts(key), 'attempt');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'worker.json'), JSON.stringify({ worker, runner }));
  return { layout, folder, open: () => openFileStore(layout.folder, { mode: 'write' }) };
}

describe('an attempt', () => {
  it('of a dead runner is removed, its worker is stopped first', async () => {
    const worker = await idle();
    const { folder, open } = storeWith(worker.identity, dead);
    await open();
    expect(await worker.ended).toBe('SIGKILL');
    expect(existsSync(folder)).toBe(false);
  });

  it('of a living runner that has lost its lease is left alone, and its key is nobody else’s', async () => {
    const [worker, runner] = [await idle(), await idle()];
    const { folder, open, layout } = storeWith(worker.identity, runner.identity);
    const store = await open();
    expect(existsSync(folder)).toBe(true);
    expect(await store.lease(key)).toBeUndefined();
    expect(await store.openAttempt([key], {})).toBeUndefined();
    expect(readdirSync(layout.attempts(key))).toEqual(['attempt']);
    expect(stateOf(worker.identity)).toBe('alive');
    process.kill(runner.identity.pid, 'SIGKILL');
    await runner.ended;
    const lease = await store.lease(key);
    expect(lease).toBeDefined();
    const attempt = await store.openAttempt([key], {});
    expect(readdirSync(layout.attempts(key))).toEqual([attempt?.id]);
    expect(await worker.ended).toBe('SIGKILL');
    store.close();
  });

  it.each([
    ['on another host', { ...dead, host: 'elsewhere' }],
    ['of an older lamina, which did not say who it was', undefined],
    ['whose runner is garbage', { pid: -1 }],
  ])('of a runner %s never costs a worker its life', async (_, runner) => {
    const worker = await idle();
    const { open } = storeWith(worker.identity, runner);
    const store = await open();
    expect(await store.openAttempt([key], {})).toBeDefined();
    expect(stateOf(worker.identity)).toBe('alive');
  });
});

describe('a scratch area', () => {
  /** A store that was closed, and a file in the scratch area of `key`, with no attempt there. */
  async function left(names: string[]) {
    const layout = layoutOf(join(emptyFolder(), 'store'));
    (await openFileStore(layout.folder, { mode: 'write' })).close();
    mkdirSync(layout.scratch(key), { recursive: true });
    for (const name of names) writeFileSync(join(layout.scratch(key), name), 'state');
    const open = async () => (await openFileStore(layout.folder, { mode: 'write' })).close();
    return { layout, open };
  }

  it('with a state of an attempt that was killed is kept, to go on from', async () => {
    const { layout, open } = await left(['state']);
    await open();
    expect(readdirSync(layout.scratch(key))).toEqual(['state']);
  });

  it('of a result, whose runner was killed before it was removed, is removed', async () => {
    const { layout, open } = await left(['state']);
    mkdirSync(dirname(layout.record(key)), { recursive: true });
    writeFileSync(layout.record(key), '{}');
    await open();
    expect(existsSync(layout.scratch(key))).toBe(false);
  });

  it('that is empty is removed, although its attempt is gone already', async () => {
    const { layout, open } = await left([]);
    await open();
    expect(existsSync(layout.scratch(key))).toBe(false);
  });

  it('of a batch system is left alone until all its units have results, whatever its first one has', async () => {
    const layout = layoutOf(join(emptyFolder(), 'store'));
    const open = () => openFileStore(layout.folder, { mode: 'write' });
    const store = await open();
    const keys = [1, 2].map((a) => cacheKey(preimage({ a })));
    const leases = await Promise.all(keys.map((each) => store.lease(each)));
    const attempt = await store.openAttempt(keys, { experiment: 'toy' });
    mkdirSync(layout.submission('s'), { recursive: true });
    const tasks = [{ key: keys[0] as string, attempt: attempt?.id as string, log: '/nowhere' }];
    writeFileSync(join(layout.submission('s'), 'tasks'), tasksText(tasks));
    attempt?.carriedBy({ executor: 'slurm', submission: 's', task: 0 });
    for (const each of keys) {
      const owners = join(layout.attempts(each), attempt?.id as string, 'worker.json');
      writeFileSync(owners, JSON.stringify({ ...JSON.parse(readFileSync(owners, 'utf8')), runner: dead }));
    }
    for (const lease of leases) lease?.release();
    const elsewhere = await openFileStore(join(emptyFolder(), 'store'), { mode: 'write' }); // the job publishes, and opens no attempt
    await store.adopt((await publish(elsewhere, { a: 1 }, { out: 'first' })).record);
    store.close();
    const later = await open();
    expect((await later.leftBehind(keys[1] as string))?.attempt.id).toBe(attempt?.id);
    await later.adopt((await publish(elsewhere, { a: 2 }, { out: 'second' })).record);
    elsewhere.close();
    later.close();
    const last = await open();
    expect(readdirSync(layout.attempts(''))).toEqual([]);
    expect(readdirSync(layout.submission(''))).toEqual([]);
    last.close();
  });
});
