// Stopping a run: gently, at once, and by the death of the runner.
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { emptyFolder } from '../store/drafts.ts';
import { openToy, statuses, type Toy, values } from './harness.ts';
import { node, plan } from './toy-plan.ts';

/** Runs until the first report of progress, then aborts; `kill` too, if asked. */
async function stopAtProgress(toy: Toy, toyPlan: ReturnType<typeof plan>, kill: boolean, grace_ms?: number) {
  const [stop, now] = [new AbortController(), new AbortController()];
  const onEvent: Parameters<Toy['run']>[1] = {
    onEvent: (event) => {
      if (event.type !== 'progress') return;
      stop.abort();
      if (kill) now.abort();
    },
  };
  return toy.run(toyPlan, { signal: stop.signal, kill: now.signal, grace_ms, jobs: 1, ...onEvent });
}

describe('a stopped run', () => {
  const waiting = plan(node('w', 'wait'), node('next', 'value', { value: 1 }), node('after', 'add', {}, { a: 'w' }));

  it('asks the running stage to stop and starts nothing new', async () => {
    const toy = await openToy();
    const outcome = await stopAtProgress(toy, waiting, false);
    expect(toy.worked()).toEqual(['wait', 'wait stopped']);
    expect(outcome.status).toBe('cancelled');
    expect(['w', 'next', 'after'].map((id) => statuses(outcome, id)[''])).toEqual([
      'cancelled',
      'cancelled',
      'cancelled',
    ]);
    expect(outcome.failures).toEqual([]);
    expect(readdirSync(join(toy.folder, 'leases'))).toEqual([]);
    expect(readdirSync(join(toy.folder, 'attempts'))).toEqual([]);
  });

  it('kills a stage that does not listen, after the grace', async () => {
    const toy = await openToy();
    const outcome = await stopAtProgress(toy, plan(node('w', 'wait', { deaf: true })), false, 100);
    expect(statuses(outcome, 'w')).toEqual({ '': 'cancelled' });
  });

  it('can be killed at once', async () => {
    const toy = await openToy();
    const outcome = await stopAtProgress(toy, plan(node('w', 'wait', { deaf: true })), true);
    expect(outcome.status).toBe('cancelled');
  });

  it('while it reads its sources reads no further', async () => {
    const toy = await openToy();
    const path = join(emptyFolder(), 'source.txt');
    writeFileSync(path, 'text');
    const source = plan(node('r', 'read', { path }, {}, { paths: ['/path'] }));
    const outcome = await toy.run(source, { signal: AbortSignal.abort(new Error('the run was stopped')) });
    expect([outcome.status, outcome.nodes.size, toy.worked()]).toEqual(['cancelled', 0, []]);
    expect((await toy.run(source)).status).toBe('done');
  });

  it('goes on where a resumable stage stopped', async () => {
    const toy = await openToy();
    const chain = plan(node('c', 'chain', { steps: 30, step_ms: 10 }));
    const stop = new AbortController();
    const kill = new AbortController();
    await toy.run(chain, {
      signal: stop.signal,
      kill: kill.signal,
      onEvent: (event) => {
        if (event.type !== 'progress' || event.report.done < 5) return;
        stop.abort();
        kill.abort();
      },
    });
    const before = toy.worked().filter((line) => line.startsWith('step')).length;
    expect(before).toBeGreaterThanOrEqual(5);
    const outcome = await toy.run(chain);
    const after = toy.worked().filter((line) => line.startsWith('step')).length;
    expect(before + after).toBeGreaterThanOrEqual(30);
    expect(before + after).toBeLessThanOrEqual(31); // the step under way when it was killed is done twice
    const whole = await openToy();
    expect(await values(outcome, 'c')).toEqual(await values(await whole.run(chain), 'c'));
    expect(existsSync(join(toy.folder, 'scratch', outcome.nodes.get('c')?.units[0]?.key as string))).toBe(false);
  });
});
