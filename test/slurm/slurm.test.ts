// Units on a real Slurm: a controller and two nodes on this machine, killed and restarted in the middle.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { QueueExecutor } from '../../runner/queue/queue-executor.ts';
import { SlurmQueue, type SlurmSite } from '../../runner/queue/slurm.ts';
import { quickTimes, toyTask } from '../runner/fake-slurm.ts';
import { openToy, type Toy, values } from '../runner/harness.ts';
import { startRun } from '../runner/processes.ts';
import { node, plan } from '../runner/toy-plan.ts';
import { emptyFolder } from '../store/drafts.ts';
import { type Cluster, missingForSlurm, startCluster } from './cluster.ts';

const missing = missingForSlurm();
if (missing !== undefined) console.warn(`not tried on a real Slurm: ${missing}`);

describe.skipIf(missing !== undefined)('a real Slurm', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster();
  });
  afterAll(() => cluster?.stop());

  const said: string[] = [];
  const executor = ({ store }: Pick<Toy, 'store'>, site: SlurmSite = {}) =>
    new QueueExecutor({
      ...{
        store,
        queue: new SlurmQueue(site, () => ({ ...process.env, ...cluster.env, TOY_LOG: process.env.TOY_LOG })),
      },
      ...{ jobs: 20, program: toyTask, node: process.execPath, say: (text) => void said.push(text) },
      times: { ...quickTimes, poll_ms: 500, settle_ms: 5_000 },
    });

  /** A stage that waits for the file `go`, and has begun when `began` is there. */
  const until = (id: string, more: object = {}) => {
    const folder = emptyFolder();
    const [began, go] = [join(folder, 'began'), join(folder, 'go')];
    return { node: node(id, 'until', { began, file: go, value: id }, {}, more), began, go };
  };
  const there = async (path: string) => {
    while (!existsSync(path)) await sleep(20);
  };

  it('runs units as arrays, as large as it lets them be, and one after another where they read each other', async () => {
    const toy = await openToy();
    const parts = Array.from({ length: 7 }, (_, i) => node(`v${i}`, 'value', { value: i }));
    const sum = node('s', 'total', {}, { a: 'v5', b: 'v6' });
    const outcome = await toy.run(plan(...parts, sum), { executor: executor(toy) });
    expect(outcome.failures).toEqual([]);
    expect(await values(outcome, 's')).toEqual(['11']);
    const hosts: string[] = [];
    for await (const { about } of toy.store.records()) hosts.push(about.host);
    expect(hosts).toHaveLength(8);
  });

  it('gives a job what its stage is given', async () => {
    const toy = await openToy();
    const {
      node: waits,
      began,
      go,
    } = until('w', { resources: { memory_bytes: 300 * 2 ** 20, cpus: 2, time_ms: 90_000 } });
    const ended = toy.run(plan(waits), {
      executor: executor(toy, { options: "--comment='two words'", stages: { w: '--nice=5' } }),
    });
    await there(began);
    const shown = cluster.slurm('scontrol', 'show', 'job');
    writeFileSync(go, '');
    expect((await ended).failures).toEqual([]);
    for (const words of ['MinMemoryNode=300M', 'NumCPUs=2', 'TimeLimit=00:02:00', 'Comment=two words', 'Nice=5']) {
      expect(shown).toContain(words);
    }
  });

  it('tells why a job cannot be: with the words of Slurm', async () => {
    const toy = await openToy();
    const outcome = await toy.run(plan(node('v', 'value', { value: 1 })), {
      executor: executor(toy, { options: '--partition=nowhere' }),
    });
    expect(outcome.failures[0]?.message).toMatch(/^stage 'v': Slurm does not take it: .*invalid partition/i);
  });

  it('asks a stage to stop, and goes on from its state', async () => {
    const toy = await openToy();
    const go = join(emptyFolder(), 'go');
    const chain = plan(node('c', 'chain', { steps: 9, step_ms: 0, hold: 4, go }));
    const stop = new AbortController();
    const ended = toy.run(chain, { executor: executor(toy), signal: stop.signal, grace_ms: 3_600_000 });
    const steps = () => (existsSync(toy.log) ? readFileSync(toy.log, 'utf8') : '').split('step ').length - 1;
    while (steps() < 4) await sleep(20);
    stop.abort();
    expect((await ended).status).toBe('cancelled');
    toy.worked();
    writeFileSync(go, '');
    expect((await toy.run(chain, { executor: executor(toy) })).failures).toEqual([]);
    expect(toy.worked().filter((line) => line.startsWith('step'))).toHaveLength(5);
  });

  it('a job that is requeued is no failure, and goes on from its state', async () => {
    const toy = await openToy();
    const go = join(emptyFolder(), 'go');
    const ended = toy.run(plan(node('c', 'chain', { steps: 9, step_ms: 0, hold: 4, go })), { executor: executor(toy) });
    const steps = () => (existsSync(toy.log) ? readFileSync(toy.log, 'utf8') : '').split('step ').length - 1;
    while (steps() < 4) await sleep(20);
    const [job] = cluster.slurm('squeue', '--noheader', '--format=%A').trim().split('\n');
    cluster.slurm('scontrol', 'requeue', job as string);
    while (!toy.events.some(({ type }) => type === 'unit-put-off')) await sleep(20);
    writeFileSync(go, '');
    cluster.slurm('scontrol', 'update', `JobId=${job}`, 'StartTime=now');
    const outcome = await ended;
    expect([outcome.failures, outcome.summary]).toMatchObject([[], { ran: 1, failed: 0 }]);
    expect(toy.worked().filter((line) => line.startsWith('step'))).toHaveLength(9);
    expect(toy.events.filter(({ type }) => type === 'unit-started')).toHaveLength(2);
  });

  it('a job that somebody cancels is a failure with the reason, the log and its last lines', async () => {
    const toy = await openToy();
    const { node: waits, began } = until('w');
    const ended = toy.run(plan(waits), { executor: executor(toy) });
    await there(began);
    const [job] = cluster.slurm('squeue', '--noheader', '--format=%A').trim().split('\n');
    cluster.slurm('scancel', job as string);
    const [failure] = (await ended).failures;
    expect(failure?.message).toMatch(
      /^stage 'w': its slurm job \d+_0 was cancelled by somebody: CANCELLED.*; its output is in '.*\.log'$/,
    );
    expect(failure?.last_lines.join('\n')).toContain('CANCELLED');
  });

  it('goes on while the controller is away, and when it has come back', async () => {
    const toy = await openToy();
    const { node: waits, began, go } = until('w');
    const ended = toy.run(plan(waits, node('s', 'sha', {}, { a: 'w' })), { executor: executor(toy) });
    await there(began);
    cluster.kill('controller');
    while (!said.some((text) => text.includes('does not answer'))) await sleep(20);
    writeFileSync(go, '');
    await cluster.startController();
    expect((await ended).failures).toEqual([]);
  });

  it('a node that dies takes the job to another one, or to itself when it has come back', async () => {
    const toy = await openToy();
    const { node: waits, began, go } = until('w');
    const ended = toy.run(plan(waits), { executor: executor(toy) });
    await there(began);
    const [line = ''] = cluster.slurm('squeue', '--noheader', '--format=%A %N').trim().split('\n');
    const [job = '', name] = line.split(' ') as [string, 'one' | 'two'];
    cluster.kill(name);
    cluster.slurm('scontrol', 'update', `NodeName=${name}`, 'State=DOWN', 'Reason=test');
    while (!toy.events.some(({ type }) => type === 'unit-put-off')) await sleep(20);
    writeFileSync(go, '');
    await cluster.startNode(name);
    cluster.slurm('scontrol', 'update', `JobId=${job}`, 'StartTime=now');
    const outcome = await ended;
    expect([outcome.failures, outcome.summary]).toMatchObject([[], { ran: 1 }]);
  });

  it('the submitter may be killed: who comes after it waits for the same job, and nothing is submitted twice', async () => {
    const toy = await openToy();
    const { node: waits, began, go } = until('w');
    const run = startRun(toy.folder, plan(waits), { log: toy.log, slurm: cluster.env });
    await there(began);
    const jobs = () => cluster.slurm('squeue', '--noheader', '--states=all', '--format=%A').trim().split('\n').length;
    const before = jobs();
    run.child.kill('SIGKILL');
    await run.ended;
    const ended = toy.run(plan(waits), { executor: executor(toy) });
    while (!toy.events.some(({ type }) => type === 'unit-started')) await sleep(20);
    writeFileSync(go, '');
    const outcome = await ended;
    expect([outcome.failures, outcome.summary]).toMatchObject([[], { ran: 1 }]);
    expect([jobs() - before, toy.worked()]).toEqual([0, ['until']]);
  });

  it('can be given work from inside one of its own jobs', async () => {
    const toy = await openToy();
    const env = {
      SLURM_JOB_ID: '1',
      SLURM_ARRAY_TASK_ID: '7',
      SLURM_MEM_PER_NODE: '1',
      SLURM_NTASKS: '64',
      SLURM_NNODES: '9',
    };
    const queue = new SlurmQueue({}, () => ({ ...process.env, ...cluster.env, ...env }));
    const own = { store: toy.store, queue, jobs: 2, program: toyTask, node: process.execPath, times: quickTimes };
    const outcome = await toy.run(plan(node('v', 'value', { value: 1 })), { executor: new QueueExecutor(own) });
    expect(outcome.failures).toEqual([]);
  });
});
