// Jobs of a batch system whose run was killed: a collection leaves what they need, and takes what is left of those that are gone.
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { settleJobs } from '../../cli/upkeep/left-jobs.ts';
import { openFileStore } from '../../store/file-store.ts';
import { collect } from '../../store/upkeep/collect.ts';
import { filesBelow } from '../e2e/store-files.ts';
import { emptyFolder } from '../store/drafts.ts';
import { type FakeSlurm, openFakeSlurm, quickTimes } from './fake-slurm.ts';
import { openToy, values } from './harness.ts';
import { startRun } from './processes.ts';
import { node, plan } from './toy-plan.ts';

const quick = { TOY_QUEUE_TIMES: JSON.stringify(quickTimes) };
const path = process.env.PATH;
let slurm: FakeSlurm;

beforeEach(() => {
  slurm = openFakeSlurm();
  process.env.PATH = slurm.env.PATH; // where a command finds squeue
});
afterEach(() => {
  process.env.PATH = path;
});

const there = async (isThere: () => boolean) => {
  while (!isThere()) await sleep(10);
};

/** A stage that waits for a file, behind one that is done; the run of both is killed when the job is where it should be. */
async function leave(isReady: (began: string, jobs: number) => boolean) {
  const [store, folder] = [join(emptyFolder(), 'store'), emptyFolder()];
  const [began, go] = [join(folder, 'began'), join(folder, 'go')];
  const first = node('a', 'value', { value: 3 });
  const graph = plan(first, node('w', 'until', { began, file: go, value: 5 }, { a: 'a' }));
  const before = await openToy(store);
  await before.run(plan(first));
  before.store.close();
  const run = startRun(store, graph, { slurm: { ...slurm.env, ...quick }, jobs: 4 });
  await there(() => isReady(began, slurm.calls('sbatch').length));
  await there(() =>
    existsSync(join(store, 'submissions', readdirSync(join(store, 'submissions'))[0] ?? 'none', 'job.json')),
  );
  process.kill(run.child.pid as number, 'SIGKILL');
  await run.ended;
  return { store, graph, go };
}

/** `lamina gc --yes` that keeps no run. */
async function gc(folder: string, site?: string): Promise<readonly string[]> {
  const asking = await openFileStore(folder, { mode: 'write' });
  const said = await settleJobs(asking, site);
  asking.close();
  const store = await openFileStore(folder, { mode: 'write' });
  await collect(store, { runs: () => [], intermediate: { stages: [] } });
  store.close();
  return said;
}

const left = (store: string) =>
  ['attempts', 'submissions', 'ac', 'cas'].map((name) => filesBelow(join(store, name)).length);

it.each(['runs', 'waits in the queue'])(
  'a job that %s keeps what it reads, and the same run gets its result',
  async (how) => {
    if (how !== 'runs') slurm.turn('hold', '');
    const { store, graph, go } = await leave((began, jobs) => (how === 'runs' ? existsSync(began) : jobs > 0));
    expect(await gc(store)).toEqual([
      "1 job of slurm may run although its run is gone: what it reads stays (the same 'lamina run' waits for it)",
    ]);
    if (how !== 'runs') slurm.turn('hold', undefined);
    writeFileSync(go, '');
    const toy = await openToy(store);
    const outcome = await toy.run(graph, { executor: slurm.executor(toy.store) });
    expect([outcome.status, await values(outcome, 'w')]).toEqual(['done', ['5']]);
    expect(outcome.nodes.get('a')?.units[0]?.status).toBe('cached');
    expect(slurm.calls('sbatch')).toHaveLength(1);
    toy.store.close();
  },
);

it('one that has finished leaves its result, and all of it goes where no run is kept', async () => {
  const { store, go } = await leave((began) => existsSync(began));
  writeFileSync(go, '');
  await there(() => filesBelow(join(store, 'submissions')).some((file) => file.endsWith('0.exit')));
  expect(await gc(store)).toEqual([]);
  expect(left(store)).toEqual([0, 0, 0, 0]);
});

it('one that somebody cancelled while it waited is gone, and says nothing of that itself', async () => {
  slurm.turn('hold', '');
  const { store } = await leave((_, jobs) => jobs > 0);
  await slurm.queue().cancel([{ job: '1' }], false);
  expect(await gc(store)).toEqual(['1 job of slurm without a run is gone: what is left of it can go']);
  expect(left(store)).toEqual([0, 0, 0, 0]);
});

it('one that is not listed is gone when that has been so for a while, and not before; a queue that does not answer loses none', async () => {
  slurm.turn('hold', '');
  const { store } = await leave((_, jobs) => jobs > 0);
  const kept = left(store);
  slurm.turn('down', '');
  expect((await gc(store))[0]).toBe('slurm does not answer, so its jobs count as open');
  slurm.turn('down', undefined);
  slurm.turn('empty', '');
  const missing =
    "slurm does not list 1 job without a run: gone where 'lamina gc --yes' is told the same in 5 min; until then what they read stays";
  expect(await gc(store)).toEqual([missing]);
  slurm.turn('empty', undefined);
  expect((await gc(store))[0]).toMatch(/^1 job of slurm may run/); // it was listed again: that begins anew
  slurm.turn('empty', '');
  expect(await gc(store)).toEqual([missing]);
  expect(left(store)).toEqual([kept[0], (kept[1] as number) + 1, kept[2], kept[3]]);
  const [mark = ''] = filesBelow(join(store, 'submissions')).filter((file) => file.endsWith('.missing'));
  const long_ago = new Date(Date.now() - 3_600_000);
  utimesSync(mark, long_ago, long_ago);
  expect(await gc(store)).toEqual(['1 job of slurm without a run is gone: what is left of it can go']);
  expect(left(store)).toEqual([0, 0, 0, 0]);
  slurm.turn('hold', undefined); // a job that was there after all finds that it is not wanted
  await there(() => !existsSync(join(slurm.folder, 'states', '1_0')) || slurm.calls('sbatch').length === 1);
});

it('of a batch system that the site file does not have stays', async () => {
  slurm.turn('hold', '');
  const { store } = await leave((_, jobs) => jobs > 0);
  for (const file of filesBelow(join(store, 'attempts')).filter((each) => each.endsWith('worker.json')))
    writeFileSync(file, readFileSync(file, 'utf8').replace('"slurm"', '"pbs"'));
  expect(await gc(store)).toEqual([
    "the site file has no 'pbs', so its jobs count as open",
    "1 job of pbs may run although its run is gone: what it reads stays (the same 'lamina run' waits for it)",
  ]);
});
