// Leases: who holds a key, whose heartbeat counts, and what becomes of leases that are damaged.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
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

  it('says whether it is still held: not after somebody removed it or took it over', () => {
    const folder = emptyFolder();
    const path = join(folder, 'key');
    const lease = keeper(folder).acquire('key');
    expect(lease?.isHeld()).toBe(true);
    writeFileSync(path, JSON.stringify({ id: 'successor', ...here }));
    expect(lease?.isHeld()).toBe(false);
    rmSync(path);
    expect(lease?.isHeld()).toBe(false);
    lease?.release();
    expect(lease?.isHeld()).toBe(false);
  });

  it.each([
    ['removed', () => undefined],
    ['emptied', () => ''],
    ['garbled', () => '{"id": 7'],
    ['given the number of a dead process', (text: string) => text.replace(/"started":"\d+"/, '"started":"1"')],
  ])('that was %s while its holder lives is written again with the next heartbeat', async (_, damage) => {
    const folder = emptyFolder();
    const path = join(folder, 'key');
    const lease = keeper(folder).acquire('key');
    const text = readFileSync(path, 'utf8');
    const damaged = damage(text);
    if (damaged === undefined) rmSync(path);
    else writeFileSync(path, damaged);
    while (!existsSync(path) || readFileSync(path, 'utf8') !== text) await sleep(times.heartbeat_ms);
    expect(keeper(folder).acquire('key')).toBeUndefined();
    lease?.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('that another process took over stays taken', async () => {
    const folder = emptyFolder();
    const path = join(folder, 'key');
    const lease = keeper(folder).acquire('key');
    const successor = JSON.stringify({ id: 'successor', ...here, host: 'elsewhere' });
    writeFileSync(path, successor);
    utimesSync(path, 5, 5);
    await sleep(5 * times.heartbeat_ms);
    expect([readFileSync(path, 'utf8'), statSync(path).mtimeMs]).toEqual([successor, 5000]);
    lease?.release();
    expect(existsSync(path)).toBe(true);
  });

  it('names no path outside its folder, whatever its id says', () => {
    const folder = emptyFolder();
    mkdirSync(join(folder, 'leases'));
    writeFileSync(join(folder, 'leases', 'key'), JSON.stringify({ ...here, started: '1', id: '/../../outside' }));
    const watcher = keeper(join(folder, 'leases'));
    expect(watcher.acquire('key')).toBeUndefined(); // garbage: taken over after the time in which a holder would have moved it
    watcher.sweep();
    expect(readdirSync(folder)).toEqual(['leases']);
  });
});
