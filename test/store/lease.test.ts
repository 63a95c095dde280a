import { existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { LeaseKeeper } from '../../store/lease.ts';
import { identityOf, shortNameOf, stateOf } from '../../store/process-identity.ts';
import { emptyFolder } from './drafts.ts';

const times = { heartbeat_ms: 10, stale_ms: 60 };
const here = identityOf();

function keeper(folder: string): LeaseKeeper {
  return new LeaseKeeper((key) => join(folder, key), times);
}

describe('the identity of a process', () => {
  it('tells this process from a dead one, a reused number, another boot and another host', () => {
    expect(stateOf(here)).toBe('alive');
    expect(stateOf({ ...here, pid: 2 ** 22 + 1 })).toBe('dead');
    expect(stateOf({ ...here, started: '1' })).toBe('dead');
    expect(stateOf({ ...here, boot: 'yesterday' })).toBe('dead');
    expect(stateOf({ ...here, host: 'elsewhere' })).toBe('elsewhere');
    expect(stateOf({ ...here, space: 'another container' })).toBe('elsewhere');
  });
});

describe('a lease', () => {
  it('names its holder and is gone after release', () => {
    const folder = emptyFolder();
    const lease = keeper(folder).acquire('key');
    expect(JSON.parse(readFileSync(join(folder, 'key'), 'utf8'))).toMatchObject({ pid: process.pid, host: here.host });
    lease?.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is refused while its holder lives, also to another keeper', () => {
    const folder = emptyFolder();
    const first = keeper(folder);
    const lease = first.acquire('key');
    expect(first.acquire('key')).toBeUndefined();
    expect(keeper(folder).acquire('key')).toBeUndefined();
    expect(keeper(folder).isHeld('key')).toBe(true);
    lease?.release();
    expect(keeper(folder).isHeld('key')).toBe(false);
  });

  it('of a dead process is taken over at once, by one of many', () => {
    const folder = emptyFolder();
    writeFileSync(join(folder, 'key'), JSON.stringify({ id: 'old', ...here, started: '1' }));
    const leases = Array.from({ length: 5 }, () => keeper(folder).acquire('key')).filter(
      (lease) => lease !== undefined,
    );
    expect(leases).toHaveLength(1);
    leases[0]?.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('leaves nothing when its holder or a taker is killed: the next start sweeps up, but only after the dead', () => {
    const folder = emptyFolder();
    const write = (name: string, holder: object) => writeFileSync(join(folder, name), JSON.stringify(holder));
    write('a.dead.tmp', { id: 'a', ...here, started: '1' });
    write('a.dead.guard', { id: 'a', ...here, started: '1' });
    write('b.alive.guard', { id: 'b', ...here });
    write('c.elsewhere.tmp', { id: 'c', ...here, host: 'elsewhere' });
    writeFileSync(join(folder, 'd.new.tmp'), '');
    writeFileSync(join(folder, 'e.old.tmp'), '');
    utimesSync(join(folder, 'e.old.tmp'), 1, 1);
    writeFileSync(join(folder, `f.${shortNameOf({ ...here, started: '1' })}.killed.tmp`), '');
    writeFileSync(join(folder, `g.${shortNameOf(here)}.alive.tmp`), '');
    write('key', { id: 'old', ...here, started: '1' });
    write('key.old.guard', { id: 'taker', ...here, started: '1' });
    write('living', { id: 'b', ...here });
    write('far', { id: 'c', ...here, host: 'elsewhere' });
    keeper(folder).sweep();
    const writing = `g.${shortNameOf(here)}.alive.tmp`;
    const alive = ['b.alive.guard', 'c.elsewhere.tmp', 'd.new.tmp', 'far', writing, 'living'];
    expect(readdirSync(folder).sort()).toEqual(alive);
  });

  it('of another host is taken over only when its heartbeat stops', async () => {
    const folder = emptyFolder();
    const path = join(folder, 'key');
    writeFileSync(path, JSON.stringify({ id: 'far', ...here, host: 'elsewhere' }));
    const watcher = keeper(folder);
    for (let i = 0; i < 10; i++) {
      utimesSync(path, i, i); // a foreign clock: only that the time moves matters
      expect(watcher.acquire('key')).toBeUndefined();
      await sleep(10);
    }
    await sleep(100);
    const lease = watcher.acquire('key');
    expect(lease).toBeDefined();
    lease?.release();
  });

  it('that a crash left empty is taken over after the same time', async () => {
    const folder = emptyFolder();
    writeFileSync(join(folder, 'key'), '');
    const watcher = keeper(folder);
    expect(watcher.acquire('key')).toBeUndefined();
    await sleep(100);
    expect(watcher.acquire('key')).toBeDefined();
    watcher.releaseAll();
  });

  it('shows a heartbeat', async () => {
    const folder = emptyFolder();
    const holder = keeper(folder);
    const lease = holder.acquire('key');
    const path = join(folder, 'key');
    utimesSync(path, 0, 0);
    while (statSync(path).mtimeMs === 0) await sleep(times.heartbeat_ms);
    expect(keeper(folder).isHeld('key')).toBe(true);
    expect(existsSync(path)).toBe(true);
    lease?.release();
  });

  it('is not taken from a successor by a late release', () => {
    const folder = emptyFolder();
    const late = keeper(folder).acquire('key');
    writeFileSync(join(folder, 'key'), JSON.stringify({ id: 'successor', ...here }));
    late?.release();
    expect(existsSync(join(folder, 'key'))).toBe(true);
  });
});
