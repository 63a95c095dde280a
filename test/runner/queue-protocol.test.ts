// What a batch system is asked, and what is made of its answers: with a fake one, since a real one cannot be made to do these things.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Need } from '../../runner/executor/executor.ts';
import { parseSqueue } from '../../runner/queue/slurm-states.ts';
import type { Attempt } from '../../store/store.ts';
import { emptyFolder } from '../store/drafts.ts';
import { openFakeSlurm, quickTimes } from './fake-slurm.ts';
import { messages, openToy, statuses, values } from './harness.ts';
import { node, plan } from './toy-plan.ts';

const need: Need = { stage: 's', threads: 1, memory_bytes: 0, kind: undefined, resources: {} };

function until(id: string) {
  const folder = emptyFolder();
  const [began, go] = [join(folder, 'began'), join(folder, 'go')];
  return { node: node(id, 'until', { began, file: go, value: id }), began, go };
}

const there = async (path: string) => {
  while (!existsSync(path)) await sleep(10);
};

describe('a batch system', () => {
  it('is asked for 10,000 units in few calls: arrays as large as it takes, and one question for all jobs', async () => {
    const slurm = openFakeSlurm();
    slurm.turn('instant', '');
    const { store } = await openToy();
    const executor = slurm.executor(store, { jobs: 10_000 });
    const ends = await Promise.all(
      Array.from({ length: 10_000 }, async (_, i) => {
        const room = await executor.room(need, [0, i]);
        const key = i.toString(16).padStart(64, '0');
        const attempt = { id: `a${i}`, keys: [key], log: '/nowhere/log', carriedBy: () => {} } as unknown as Attempt;
        const end = await room.give(attempt, {} as never, () => {});
        room.leave();
        return end.type;
      }),
    );
    expect(new Set(ends)).toEqual(new Set(['finished']));
    const sizes = slurm.calls('sbatch').map((words) => {
      const array = words.find((word) => word.startsWith('--array='));
      return Number(/-(\d+)$/.exec(array ?? '')?.[1]) + 1;
    });
    expect(sizes.reduce((a, b) => a + b, 0)).toBe(10_000);
    expect([Math.max(...sizes), sizes.length]).toEqual([1000, 10]);
    expect(slurm.calls('squeue').length).toBeLessThanOrEqual(sizes.length + 2);
    expect(slurm.calls('scontrol')).toHaveLength(1);
  });

  it('that lists nothing for a while has not lost anything: nothing is submitted twice', async () => {
    const slurm = openFakeSlurm();
    const toy = await openToy();
    const { node: waits, began, go } = until('w');
    const ended = toy.run(plan(waits), { executor: slurm.executor(toy.store) });
    await there(began);
    slurm.turn('empty', '');
    const asked = slurm.calls('squeue').length;
    while (slurm.calls('squeue').length < asked + 4) await sleep(10);
    slurm.turn('empty', undefined);
    writeFileSync(go, '');
    expect((await ended).failures).toEqual([]);
    expect([slurm.calls('sbatch').length, toy.worked()]).toEqual([1, ['until']]);
  });

  it('a job that it does not list for minutes is gone; the record decides, if there is one', async () => {
    const slurm = openFakeSlurm();
    slurm.turn('hold', '');
    slurm.turn('empty', '');
    const toy = await openToy();
    const times = { ...quickTimes, absent_ms: 400 };
    const outcome = await toy.run(plan(node('v', 'value', { value: 1 })), {
      executor: slurm.executor(toy.store, { times }),
    });
    expect(messages(outcome)).toEqual([
      "stage 'v': its slurm job 1_0 is gone: it was not in the queue for 400 ms, and left no word of how it ended",
    ]);
  });

  it('that does not answer is asked again, and its jobs are waited for', async () => {
    const slurm = openFakeSlurm();
    const said: string[] = [];
    const toy = await openToy();
    const { node: waits, began, go } = until('w');
    const ended = toy.run(plan(waits), {
      executor: slurm.executor(toy.store, { say: (text) => void said.push(text) }),
    });
    await there(began);
    slurm.turn('down', '');
    while (!said.includes('slurm does not answer; its jobs go on, and it is asked again')) await sleep(10);
    slurm.turn('down', undefined);
    writeFileSync(go, '');
    expect((await ended).failures).toEqual([]);
  });

  it('that took an array and did not say so is looked through by name, and nothing is submitted twice', async () => {
    const slurm = openFakeSlurm();
    slurm.turn('lose', '');
    const toy = await openToy();
    const outcome = await toy.run(plan(node('v', 'value', { value: 4 })), { executor: slurm.executor(toy.store) });
    expect([outcome.failures, await values(outcome, 'v')]).toEqual([[], ['4']]);
    expect(slurm.calls('sbatch')).toHaveLength(1);
  });

  it('that took an array, did not say so and does not list it: a job that has said a word is waited for', async () => {
    const slurm = openFakeSlurm();
    slurm.turn('lose', '');
    slurm.turn('down', '');
    const toy = await openToy();
    const { node: waits, began, go } = until('w');
    const ended = toy.run(plan(waits), { executor: slurm.executor(toy.store) });
    await there(began);
    slurm.turn('empty', '');
    slurm.turn('down', undefined);
    const asked = slurm.calls('squeue').length;
    while (slurm.calls('squeue').length < asked + 8) await sleep(10);
    writeFileSync(go, '');
    expect((await ended).failures).toEqual([]);
    expect([slurm.calls('sbatch').length, toy.worked()]).toEqual([1, ['until']]);
  });

  it('that takes no more jobs gets smaller arrays, later', async () => {
    const slurm = openFakeSlurm();
    slurm.turn('limit', '2');
    const toy = await openToy();
    const stages = Array.from({ length: 5 }, (_, i) => node(`v${i}`, 'value', { value: i }));
    const outcome = await toy.run(plan(...stages), { executor: slurm.executor(toy.store) });
    expect(outcome.summary).toMatchObject({ ran: 5, failed: 0 });
  });

  it('that could not start a job says why, in the failure and in its log', async () => {
    const slurm = openFakeSlurm();
    slurm.turn('unable', 'no such user on this node');
    const toy = await openToy();
    const outcome = await toy.run(plan(node('v', 'value', { value: 1 })), { executor: slurm.executor(toy.store) });
    const [failure] = outcome.failures;
    expect(failure?.message).toMatch(/^stage 'v': its slurm job 1_0 ended without a word of how: FAILED/);
    expect(failure?.last_lines).toEqual(['slurmstepd: error: no such user on this node']);
  });

  it.each([
    'launch failed requeued held',
    'launch_failed_requeued_held',
    'job requeued in held state',
    'JobHoldMaxRequeue',
  ])(
    'that holds a job since it could not start it (%s): the attempt ends with that, and the job is taken back',
    async (reason) => {
      const slurm = openFakeSlurm();
      slurm.turn('hold', '');
      slurm.turn('reason', reason);
      const toy = await openToy();
      const outcome = await toy.run(plan(node('v', 'value', { value: 1 })), { executor: slurm.executor(toy.store) });
      expect(messages(outcome)).toEqual([
        `stage 'v': its slurm job 1_0 could not be started: PENDING (${reason}); the log of the node's slurmd says why, 'sinfo -R' whether it was drained for it`,
      ]);
      expect(slurm.calls('scancel')).toEqual([['scancel', '--quiet', '1_0']]);
      toy.store.close();
    },
  );

  it.each([
    ['JobHeldAdmin', "it is held: 'scontrol release 1_0' lets it start, 'scancel 1_0' gives it up"],
    [
      'Nodes_required_for_job_are_DOWN,_DRAINED_or_reserved_for_jobs_in_higher_priority_partitions',
      "it waits for nodes that are not there: 'sinfo -R' says why",
    ],
    ['ReqNodeNotAvail, UnavailableNodes:n[1-2]', "it waits for nodes that are not there: 'sinfo -R' says why"],
    [
      'BadConstraints',
      "it does not start as it is: 'scancel 1_0' gives it up, for other resources or options of the site",
    ],
  ])('that has a job wait for somebody (%s): what to do is said, and the job is waited for', async (reason, advice) => {
    const slurm = openFakeSlurm();
    slurm.turn('hold', '');
    slurm.turn('reason', reason);
    const said: string[] = [];
    const toy = await openToy();
    const ended = toy.run(plan(node('v', 'value', { value: 7 })), {
      executor: slurm.executor(toy.store, { say: (text) => void said.push(text) }),
    });
    const whole = `slurm: 1 PENDING (${reason}); PENDING (${reason}): ${advice}`;
    while (!said.includes(whole)) await sleep(10);
    slurm.turn('hold', undefined);
    const outcome = await ended;
    expect([outcome.failures, await values(outcome, 'v')]).toEqual([[], ['7']]);
    expect(slurm.calls('sbatch')).toHaveLength(1);
    toy.store.close();
  });

  it('that has a job wait for somebody who gives it up: the attempt ends with that', async () => {
    const slurm = openFakeSlurm();
    slurm.turn('hold', '');
    slurm.turn('reason', 'JobHeldUser');
    const said: string[] = [];
    const toy = await openToy();
    const ended = toy.run(plan(node('v', 'value', { value: 7 })), {
      executor: slurm.executor(toy.store, { say: (text) => void said.push(text) }),
    });
    while (!said.some((text) => text.includes('scontrol release'))) await sleep(10);
    await slurm.queue().cancel([{ job: '1', tasks: [0] }], false);
    expect(messages(await ended)).toEqual(["stage 'v': its slurm job 1_0 was cancelled by somebody: CANCELLED"]);
    toy.store.close();
  });

  it('with jobs of a run that is gone: a run elsewhere does not begin the same work beside them', async () => {
    const slurm = openFakeSlurm();
    const first = await openToy();
    const { node: waits, began, go } = until('w');
    const left = first.run(plan(waits), { executor: slurm.executor(first.store) });
    await there(began);
    const folder = join(first.folder, 'attempts');
    const [key = ''] = readdirSync(folder);
    const [id = ''] = readdirSync(join(folder, key));
    const owners = join(folder, key, id, 'worker.json');
    const kept = JSON.parse(readFileSync(owners, 'utf8'));
    writeFileSync(owners, JSON.stringify({ ...kept, runner: { ...kept.runner, started: '1' } })); // its runner is dead
    rmSync(join(first.folder, 'leases', key));
    const second = await openToy(first.folder);
    const local = await second.run(plan(waits));
    expect(statuses(local, 'w')).toEqual({ '': 'failed' });
    expect(messages(local)[0]).toMatch(
      /^stage 'w': an earlier run gave it to slurm .* go on with --executor slurm, or cancel/,
    );
    writeFileSync(go, '');
    await left;
  });
});

describe('what squeue lists', () => {
  it('is read by the names of submissions, with ranges, steps and limits', () => {
    const states = parseSqueue(
      [
        '12|0|RUNNING|lamina-a|None',
        '12|3-5,8-12:2%50|PENDING|lamina-a|Priority',
        '13|N/A|PENDING|lamina-b|launch failed requeued held',
        '14|1|RUNNING|somebody|else',
        'nonsense',
      ].join('\n'),
    );
    expect([...(states.get('a')?.tasks.keys() ?? [])]).toEqual([0, 3, 4, 5, 8, 10, 12]);
    expect(states.get('a')?.tasks.get(4)).toEqual({ phase: 'pending', words: 'PENDING (Priority)' });
    expect(states.get('b')?.tasks.get(0)).toMatchObject({ phase: 'ended', kind: 'held' });
    expect(states.size).toBe(2);
  });
});
