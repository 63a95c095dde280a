// Two runners on one store when a lease goes wrong: the work is done once, nobody's worker is killed, everybody ends.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { emptyFolder } from '../store/drafts.ts';
import { canMount, inNamespace, planFile, toyRun } from './mounts.ts';
import { type EndedRun, startRun } from './processes.ts';
import { node, plan } from './toy-plan.ts';

/** Heartbeats that never come, so that what was done to a lease stays done. */
const silent = { heartbeat_ms: 1e9, stale_ms: 60_000 };

function openSlow() {
  const [store, file, log] = [join(emptyFolder(), 'store'), join(emptyFolder(), 'go'), join(emptyFolder(), 'log')];
  const slow = plan(node('u', 'until', { file, value: 7 }), node('s', 'add', {}, { a: 'u' }));
  const go = () => writeFileSync(file, '');
  writeFileSync(log, '');
  const worked = () =>
    readFileSync(log, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => line.split(' ')[0]);
  return { store, slow, log, go, worked };
}

const summaryOf = ({ outcome }: EndedRun) => [outcome?.status, outcome?.summary.ran, outcome?.summary.cached];

describe('a live lease', () => {
  it.each([
    ['removed', (path: string) => rmSync(path)],
    [
      'given the digits of a dead process',
      (path: string) => {
        const holder = JSON.parse(readFileSync(path, 'utf8'));
        writeFileSync(path, JSON.stringify({ ...holder, started: '1' }));
      },
    ],
  ])('that is %s: a second runner waits for the first one, and both end well', async (_, damage) => {
    const { store, slow, log, go, worked } = openSlow();
    const first = startRun(store, slow, { log, times: silent });
    await first.saw('unit-started');
    for (const name of readdirSync(join(store, 'leases'))) damage(join(store, 'leases', name));
    const second = startRun(store, slow, { log, times: silent });
    await second.saw('waiting');
    go();
    const [one, two] = await Promise.all([first.ended, second.ended]);
    expect([one.outcome?.failures, two.outcome?.failures]).toEqual([[], []]);
    expect([one.outcome?.status, two.outcome?.status]).toEqual(['done', 'done']);
    expect(worked()).toEqual(['until', 'add']);
    expect(readdirSync(join(store, 'attempts'))).toEqual([]);
    expect(readdirSync(join(store, 'leases'))).toEqual([]);
  });
});

describe('a holder that was stopped on another host and taken for dead', () => {
  it.skipIf(!canRename())('uses the result that is there when it wakes up', async () => {
    const { store, slow, log, go, worked } = openSlow();
    const times = { heartbeat_ms: 20, stale_ms: 400 };
    const far = ['unshare', '-ru', 'sh', '-c', 'hostname far.example && exec "$@"', 'sh'];
    const first = startRun(store, slow, { log, times, within: far });
    while (worked().length === 0) await sleep(5);
    process.kill(-(first.child.pid as number), 'SIGSTOP');
    const second = startRun(store, slow, { log, times });
    await second.saw('unit-started');
    go();
    expect(summaryOf(await second.ended)).toEqual(['done', 2, 0]);
    process.kill(-(first.child.pid as number), 'SIGCONT');
    const woken = await first.ended;
    expect(woken.outcome?.failures).toEqual([]);
    expect(summaryOf(woken)).toEqual(['done', 0, 2]);
    expect(worked()).toEqual(['until', 'until', 'add']);
  });
});

describe('a lease that cannot be removed', () => {
  /** Makes the leases of the store $1 read-only when the first worker is at work, then lets it go on. */
  const freeze = [
    'node "$2" "$1" "$3" 1 > "$5/out" 2> "$5/err" & run=$!',
    'until [ -s "$TOY_LOG" ]; do sleep 0.01; done',
    'mount --bind "$1/leases" "$1/leases" && mount -o remount,bind,ro "$1/leases"',
    'touch "$4"; wait $run; echo "exit $?"; cat "$5/out" "$5/err"',
  ].join('\n');

  it.skipIf(!canMount())('breaks nothing: what is finished stays finished, and the run ends with a sentence', () => {
    const [store, out, file] = [join(emptyFolder(), 'store'), emptyFolder(), join(emptyFolder(), 'go')];
    const chain = plan(node('u', 'until', { file, value: 7 }), node('s', 'add', {}, { a: 'u' }));
    const env = { ...process.env, TOY_LOG: join(emptyFolder(), 'log') };
    const script = freeze.replace('node', `'${process.execPath}'`);
    const [exit, text = ''] = inNamespace(script, [store, toyRun, planFile(chain), file, out], env).split(/\n(.*)/s);
    expect([exit, text]).toEqual(['exit 0', expect.stringMatching(/^\{/)]);
    const { summary, failures } = JSON.parse(text);
    expect(summary).toMatchObject({ ran: 1, failed: 1 });
    expect(failures[0].message).toBe(
      `stage 's': cannot write a lease into the store '${store}': the file system is read-only; choose another folder with --store`,
    );
    const again = JSON.parse(execFileSync(process.execPath, [toyRun, store, planFile(chain)], { encoding: 'utf8' }));
    expect(again.summary).toMatchObject({ cached: 1, ran: 1 }); // by another process, after the first one has ended
  });

  it.skipIf(!canMount())('is the holder’s again when it wants it again', () => {
    const program = `
      import { execFileSync } from 'node:child_process';
      import { join } from 'node:path';
      import { LeaseKeeper } from ${JSON.stringify(join(import.meta.dirname, '../../dist/store/lease.js'))};
      const [folder] = process.argv.slice(1);
      const mount = (...args) => execFileSync('mount', args);
      const keeper = new LeaseKeeper((key) => join(folder, key));
      const lease = keeper.acquire('key');
      mount('--bind', folder, folder);
      mount('-o', 'remount,bind,ro', folder);
      lease.release();
      mount('-o', 'remount,bind,rw', folder);
      console.log(keeper.acquire('key') !== undefined, keeper.acquire('key') !== undefined);
      keeper.releaseAll();`;
    const folder = emptyFolder();
    const script = '"$1" --input-type=module -e "$2" "$3"';
    expect(inNamespace(script, [process.execPath, program, folder])).toBe('true false\n');
    expect(readdirSync(folder)).toEqual([]);
  });
});

/** Whether this machine lets an ordinary user give himself another host's name; said when it does not. */
function canRename(): boolean {
  try {
    execFileSync('unshare', ['-ru', 'hostname', 'far.example'], { stdio: 'ignore' });
    return true;
  } catch {
    console.warn('skipped: a holder on another host, because unshare cannot rename this one');
    return false;
  }
}
