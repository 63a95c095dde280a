// How a run goes on after a failure: other attempts, limits of time, the last lines of logs, a full disk.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { emptyFolder } from '../store/drafts.ts';
import { openToy, statuses, values } from './harness.ts';
import { canMount, inMount } from './mounts.ts';
import { node, plan } from './toy-plan.ts';

const flaky = (fails: number, how = 'refuse') => {
  return node('f', 'flaky', { file: join(emptyFolder(), 'tries'), fails, how });
};

describe('a unit whose attempt failed', () => {
  it('is tried as often again as is asked, each attempt with a log of its own, and said each time', async () => {
    const toy = await openToy();
    const outcome = await toy.run(plan(flaky(2), node('end', 'add', {}, { a: 'f' })), { retries: 2 });
    expect([outcome.status, outcome.failures]).toEqual(['done', []]);
    expect(toy.worked()).toEqual(['flaky', 'flaky', 'flaky', 'add']);
    const said = toy.events.flatMap((event) => (event.type === 'retried' ? [event] : []));
    expect(said.map(({ retry, retries }) => [retry, retries])).toEqual([
      [1, 2],
      [2, 2],
    ]);
    expect(said[0]?.message).toMatch(/^stage 'f': not this time; its output is in '.*\.log'$/);
    const logs = said.map(({ message }) => readFileSync(/'([^']*\.log)'/.exec(message)?.[1] as string, 'utf8'));
    expect(logs).toEqual(['try 1\n', 'try 2\n']);
  });

  it('fails when all tries are used up, with the last lines of its log', async () => {
    const toy = await openToy();
    const outcome = await toy.run(plan(flaky(9, 'die')), { retries: 1 });
    expect(outcome.failures).toHaveLength(1);
    expect(outcome.failures[0]).toMatchObject({ reason: 'worker-died', last_lines: ['try 2'] });
    expect(toy.worked()).toEqual(['flaky', 'flaky']);
  });

  it('is not tried again unless it is asked', async () => {
    const toy = await openToy();
    expect((await toy.run(plan(flaky(1)))).status).toBe('failed');
    expect(toy.worked()).toEqual(['flaky']);
  });

  it('goes on in a group with what is not finished', async () => {
    const toy = await openToy();
    const outcome = await toy.run(plan(node('g', 'group', { parts: 4, crash_at: 3 })), { retries: 1 });
    expect(statuses(outcome, 'g')).toEqual({
      'part 1': 'ran',
      'part 2': 'ran',
      'part 3': 'failed',
      'part 4': 'failed',
    });
    expect(toy.worked()).toEqual(['group part 1', 'group part 2', 'group part 3', 'group part 3']);
  });
});

describe('an attempt that takes too long', () => {
  it('is asked to stop, and its failure names the unit and the limit', async () => {
    const toy = await openToy();
    const outcome = await toy.run(plan(node('w[rank=8]', 'wait')), { timeout_ms: 400 });
    expect(outcome.status).toBe('failed');
    expect(outcome.failures).toMatchObject([
      {
        reason: 'timeout',
        message: "stage 'w' (rank=8): it took longer than 400 ms, the limit of an attempt (--timeout)",
      },
    ]);
  });

  it('is ended where it does not hear', async () => {
    const toy = await openToy();
    const deaf = node('d', 'deaf', { began: join(emptyFolder(), 'began') });
    const outcome = await toy.run(plan(deaf), { timeout_ms: 300, grace_ms: 50 });
    expect(outcome.failures.map(({ reason }) => reason)).toEqual(['timeout']);
  });

  it('may be tried again', async () => {
    const toy = await openToy();
    const file = join(emptyFolder(), 'go');
    const outcome = await toy.run(plan(node('u', 'until', { file, value: 7 })), {
      timeout_ms: 400,
      retries: 50,
      onEvent: (event) => {
        if (event.type === 'retried' && !existsSync(file)) writeFileSync(file, '');
      },
    });
    expect(await values(outcome, 'u')).toEqual(['7']);
  });
});

describe('a stage whose resources are declared', () => {
  it('is ended when it takes more memory, with its unit, the limit and the last lines of its log', async () => {
    const toy = await openToy();
    const resources = { memory_bytes: 400e6 };
    const outcome = await toy.run(plan(node('h[rank=8]', 'hoard', { bytes: 700e6 }, {}, { resources })), {
      retries: 1,
    });
    const [failure] = outcome.failures;
    expect(failure).toMatchObject({ reason: 'memory', last_lines: ['takes 700000000'] });
    expect(failure?.message).toMatch(
      /^stage 'h' \(rank=8\): it took \d+ MB of memory, more than 400 MB, the limit of its stage \(resources: memory\); its output is in '.*\.log'$/,
    );
    expect(toy.worked()).toEqual(['hoard']);
  });

  it('is ended when it takes longer, whichever limit is the shorter one', async () => {
    const toy = await openToy();
    const wait = node('w', 'wait', {}, {}, { resources: { time_ms: 400 } });
    const own = await toy.run(plan(wait), { timeout_ms: 3_600_000 });
    expect(own.failures[0]?.message).toBe(
      "stage 'w': it took longer than 400 ms, the limit of its stage (resources: time)",
    );
    const flag = await toy.run(plan(wait), { timeout_ms: 300 });
    expect(flag.failures[0]?.message).toBe(
      "stage 'w': it took longer than 300 ms, the limit of an attempt (--timeout)",
    );
  });

  it('does not run beside others when they would not fit into the memory together', async () => {
    const toy = await openToy();
    const half = (id: string, more: object) => node(id, 'pause', { ms: 30, value: id }, {}, more);
    const declared = ['a', 'b', 'c'].map((id) => half(id, { resources: { memory_bytes: 6e9 } }));
    await toy.run(plan(...declared), { jobs: 3, threads: 3, memory_bytes: 10e9 });
    let [running, most] = [0, 0];
    for (const { type } of toy.events) {
      if (type === 'unit-started') most = Math.max(most, ++running);
      if (type === 'unit-finished') running--;
    }
    expect([most, toy.worked()]).toEqual([1, ['pause', 'pause', 'pause']]);
  });

  it('is the same work whatever it is given: no key has its resources', async () => {
    const toy = await openToy();
    await toy.run(plan(node('v', 'value', { value: 1 })));
    const given = { resources: { memory_bytes: 9e9, cpus: 3, time_ms: 1e6, gpu: 'a100:2' } };
    expect((await toy.run(plan(node('v', 'value', { value: 1 }, {}, given)))).summary).toMatchObject({ cached: 1 });
  });
});

it('the first failure starts nothing more where a run is to fail fast', async () => {
  const toy = await openToy();
  const stages = plan(
    node('bad', 'refuse', { rank: 8 }),
    node('v', 'value', { value: 1 }),
    node('w', 'value', { value: 2 }),
  );
  const outcome = await toy.run(stages, { keepGoing: false });
  expect(outcome.summary).toMatchObject({ failed: 1, blocked: 2, ran: 0 });
  expect((await toy.run(stages)).summary).toMatchObject({ failed: 1, ran: 2 });
});

it.skipIf(!canMount())('after the first write that finds the disk full, no new stage starts', () => {
  const stages = plan(
    node('big', 'big', { bytes: 30_000_000 }),
    node('v', 'value', { value: 1 }),
    node('w', 'value', { value: 2 }),
  );
  const { stdout } = inMount('size=3m', '{ "$2" "$3" "$1/store" "$4" 1 || true; }', stages);
  const { summary, failures } = JSON.parse(stdout);
  expect(failures.map(({ reason }: { reason: string }) => reason)).toEqual(['no-space']);
  expect(summary).toMatchObject({ failed: 1, blocked: 2, ran: 0 });
});
