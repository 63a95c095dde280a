// What every executor does, wherever its attempts are carried out: the same plans, the same records, the same sentences.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Plan } from '../../contract/plan.ts';
import type { Executor } from '../../runner/executor/executor.ts';
import type { RunOptions } from '../../runner/run/options.ts';
import type { RunOutcome } from '../../runner/run/outcome.ts';
import type { Store } from '../../store/store.ts';
import { emptyFolder } from '../store/drafts.ts';
import { openToy, pathOf, rot, statuses, values, warnings } from './harness.ts';
import { node, plan } from './toy-plan.ts';

/** Makes an executor that takes `jobs` attempts at once and carries out toy stages. */
export type MakeExecutor = (store: Store, jobs: number) => Executor;

/** Runs the suite against the executors that `make` makes. */
export function executorConformance(name: string, make: MakeExecutor): void {
  /** A store, and runs on it, each with an executor of its own. */
  async function openHouse(jobs = 2) {
    const toy = await openToy();
    const run = (toyPlan: Plan, options: Partial<RunOptions> = {}): Promise<RunOutcome> =>
      toy.run(toyPlan, { executor: make(toy.store, jobs), ...options });
    return { toy, run };
  }

  describe(`executor ${name}`, () => {
    it('says its name, and how many attempts it takes at once', async () => {
      const { toy } = await openHouse();
      const executor = make(toy.store, 3);
      expect(executor.about).toEqual({ name: expect.stringMatching(/^\w[\w ]*$/), at_once: 3 });
      await executor.close();
    });

    it('carries out a chain: each unit has its record, and the next run finds all of them', async () => {
      const { toy, run } = await openHouse();
      const chain = plan(node('a', 'value', { value: 2 }), node('s', 'add', { plus: 3 }, { a: 'a' }));
      const outcome = await run(chain);
      expect([outcome.status, await values(outcome, 's')]).toEqual(['done', ['5']]);
      expect(toy.worked()).toEqual(['value', 'add']);
      expect((await run(chain)).summary).toMatchObject({ cached: 2, ran: 0 });
      expect(toy.worked()).toEqual([]);
    });

    it('keeps in the records what was ordered: experiment, cell, parameters, and how long it took', async () => {
      const { toy, run } = await openHouse();
      await run(plan(node('v[rank=8]', 'value', { value: 1 })), { versions: { lamina: '9' } });
      for await (const { about, preimage } of toy.store.records()) {
        expect(about).toMatchObject({ experiment: 'toy', node: 'v[rank=8]', stage: 'v', cell: 'rank=8', unit: '' });
        expect(about.versions).toEqual({ lamina: '9', node: process.versions.node });
        expect(about.peak_rss_bytes).toBeGreaterThan(1e6);
        expect(preimage.params).toEqual({ value: 1 });
      }
    });

    it('says who carries an attempt out, once for each unit, and the units of a group are one attempt', async () => {
      const { toy, run } = await openHouse();
      await run(plan(node('g', 'group', { parts: 3 })));
      const begun = toy.events.flatMap((event) => (event.type === 'unit-started' ? [event] : []));
      expect(begun.map(({ unit }) => unit)).toEqual(['part 1', 'part 2', 'part 3']);
      expect(begun[0]?.where).toMatch(/\w/);
      expect(new Set(begun.map(({ where }) => where)).size).toBe(1);
    });

    it('has as many at once as it says, and never more', async () => {
      const { toy, run } = await openHouse(2);
      const go = join(emptyFolder(), 'go');
      const ended = run(plan(...Array.from({ length: 5 }, (_, i) => node(`n${i}`, 'await', { file: go, value: i }))));
      while (toy.events.filter(({ type }) => type === 'unit-started').length < 2) await sleep(5);
      writeFileSync(go, '');
      expect((await ended).status).toBe('done');
      let [running, most] = [0, 0];
      for (const event of toy.events) {
        if (event.type === 'unit-started') most = Math.max(most, ++running);
        if (event.type === 'unit-finished') running--;
      }
      expect(most).toBe(2);
    });

    it('begins what comes first in the plan first', async () => {
      const { toy, run } = await openHouse(1);
      await run(plan(...['c', 'a', 'b'].map((id) => node(id, 'value', { value: id }))));
      const order = toy.events.flatMap((event) => (event.type === 'unit-started' ? [event.node] : []));
      expect(order).toEqual(['c', 'a', 'b']);
    });

    it('gives a stage its seed, numerics and facts', async () => {
      const { run } = await openHouse();
      const numerics = { backend: 'cpu', provider: 'cpu', precision: 'float32', threads: 2 } as const;
      const nodes = [node('s', 'seeded', {}, {}, { seed: 7 }), node('n', 'numeric', {}, {}, { numerics })];
      const counted = [node('k', 'number', { value: 2 }), node('c', 'count', {}, { a: 'k' })];
      const outcome = await run(plan(...nodes, ...counted));
      expect(await values(outcome, 's')).toEqual(['7']);
      expect(await values(outcome, 'n')).toEqual([JSON.stringify(numerics)]);
      expect(await values(outcome, 'c')).toEqual(['1', '2']);
    });

    it('publishes an optional output only where it was written', async () => {
      const { run } = await openHouse();
      const prefer = (id: string, extra?: number) => [
        node(id, 'perhaps', extra === undefined ? {} : { extra }),
        node(`${id} read`, 'sha', {}, { a: id }),
      ];
      const outcome = await run(plan(...prefer('with', 3), ...prefer('without')));
      const outputs = (id: string) => {
        const [unit] = outcome.nodes.get(id)?.units ?? [];
        return unit !== undefined && 'outputs' in unit ? Object.keys(unit.outputs) : [];
      };
      expect([outputs('with'), outputs('without')]).toEqual([['extra', 'out'], ['out']]);
    });

    it('tells a user what a stage tells, and what does not depend on it goes on', async () => {
      const { run } = await openHouse();
      const outcome = await run(plan(node('bad', 'refuse', { rank: 8 }), node('beside', 'value', { value: 1 })));
      expect(outcome.failures.map(({ reason, message }) => [reason, message])).toEqual([
        ['user-error', "stage 'bad': rank 8 is larger than the width 4"],
      ]);
      expect(statuses(outcome, 'beside')).toEqual({ '': 'ran' });
    });

    it('keeps the output of an attempt that fails, and names the file', async () => {
      const { run } = await openHouse();
      const [failure] = (await run(plan(node('s', 'shout', { name: 's', lines: 10 })))).failures;
      expect(failure?.message).toBe(`stage 's': enough; its output is in '${failure?.log}'`);
      expect(readFileSync(failure?.log as string, 'utf8').split('\n')).toHaveLength(11);
    });

    it('notices that whoever carried an attempt out is gone, and has its last words', async () => {
      const { run } = await openHouse();
      const outcome = await run(plan(node('d', 'die', { code: 3 }), node('beside', 'value', { value: 1 })));
      expect(outcome.failures.map(({ reason }) => reason)).toEqual(['worker-died']);
      expect(readFileSync(outcome.failures[0]?.log as string, 'utf8')).toBe('last words\n');
      expect(statuses(outcome, 'beside')).toEqual({ '': 'ran' });
    });

    it('keeps what was published before an attempt died: the record decides', async () => {
      const { toy, run } = await openHouse();
      const group = (more: object) => plan(node('g', 'group', { parts: 3, ...more }));
      const outcome = await run(group({ crash_at: 2 }));
      expect(statuses(outcome, 'g')).toEqual({ 'part 1': 'ran', 'part 2': 'failed', 'part 3': 'failed' });
      toy.worked();
      expect(statuses(await run(group({})), 'g')).toEqual({ 'part 1': 'cached', 'part 2': 'ran', 'part 3': 'ran' });
      expect(toy.worked()).toEqual(['group part 2', 'group part 3']);
    });

    it('asks a stage to stop when the run is, and nothing of it is left behind', async () => {
      const { toy, run } = await openHouse(1);
      const began = join(emptyFolder(), 'began');
      const stop = new AbortController();
      const ended = run(plan(node('u', 'until', { began, file: '/nowhere' }), node('v', 'value', { value: 1 })), {
        signal: stop.signal,
        grace_ms: 3_600_000,
      });
      while (!existsSync(began)) await sleep(5);
      stop.abort();
      const outcome = await ended;
      expect([outcome.status, outcome.failures]).toEqual(['cancelled', []]);
      expect(['u', 'v'].map((id) => statuses(outcome, id)[''])).toEqual(['cancelled', 'cancelled']);
      expect(['leases', 'attempts'].flatMap((name) => readdirSync(join(toy.folder, name)))).toEqual([]);
    });

    it('ends an attempt whose time is up, whether it listens or not, and what comes after it runs', async () => {
      for (const slow of [node('s', 'wait'), node('s', 'deaf', { began: join(emptyFolder(), 'began') })]) {
        const { run } = await openHouse(1);
        const outcome = await run(plan(slow), { timeout_ms: 300, grace_ms: 50 });
        // where its process had something to say, the message goes on with the place of it
        const sentence = /^stage 's': it took longer than 300 ms, the limit of an attempt \(--timeout\)(;|$)/;
        expect(outcome.failures).toMatchObject([{ reason: 'timeout', message: expect.stringMatching(sentence) }]);
        expect((await run(plan(node('v', 'value', { value: 1 })))).status).toBe('done');
      }
    });

    it('ends a stage that does not listen, at once when it has to', async () => {
      const { run } = await openHouse(1);
      const began = join(emptyFolder(), 'began');
      const [stop, kill] = [new AbortController(), new AbortController()];
      const ended = run(plan(node('b', 'deaf', { began })), {
        signal: stop.signal,
        kill: kill.signal,
        grace_ms: 3_600_000,
      });
      while (!existsSync(began)) await sleep(5);
      stop.abort();
      kill.abort();
      expect((await ended).status).toBe('cancelled');
    });

    it('does not begin what it is given after it was told to take all back', async () => {
      const { toy } = await openHouse();
      const executor = make(toy.store, 1);
      executor.takeBack();
      const outcome = await toy.run(plan(node('v', 'value', { value: 1 })), { executor });
      expect(outcome.status).not.toBe('done');
      expect(toy.worked()).toEqual([]);
    });

    it('goes on from the state that a stage kept', async () => {
      const { toy, run } = await openHouse(1);
      const go = join(emptyFolder(), 'go');
      const chain = plan(node('c', 'chain', { steps: 9, step_ms: 0, hold: 4, go }));
      const kill = new AbortController();
      const ended = run(chain, { signal: kill.signal, kill: kill.signal });
      const steps = () => (existsSync(toy.log) ? readFileSync(toy.log, 'utf8') : '').split('step ').length - 1;
      while (steps() < 4) await sleep(5);
      kill.abort();
      expect((await ended).status).toBe('cancelled');
      toy.worked();
      writeFileSync(go, '');
      const outcome = await run(chain);
      // the last step's state may not have been written when the stage was killed
      expect([5, 6]).toContain(toy.worked().filter((line) => line.startsWith('step')).length);
      const whole = await openHouse();
      expect(await values(outcome, 'c')).toEqual(await values(await whole.run(chain), 'c'));
    });

    it('finds an input that was damaged on disk, and it is made again in the same run', async () => {
      const { toy, run } = await openHouse();
      const chain = (plus: number) => plan(node('a', 'value', { value: 2 }), node('s', 'add', { plus }, { a: 'a' }));
      rot(await pathOf(await run(chain(1)), 'a'));
      const outcome = await run(chain(2));
      expect([outcome.status, await values(outcome, 's')]).toEqual(['done', ['4']]);
      expect(warnings(toy)).toEqual([
        expect.stringMatching(/^stage 'a': artifact 'out' \(\w{12}\) was changed on disk/),
      ]);
    });

    it('makes a forced stage again, and takes the new bytes', async () => {
      const { toy, run } = await openHouse();
      const random = (force: boolean) => plan(node('r', 'random', {}, {}, { force }));
      const [first] = await values(await run(random(false)), 'r');
      const outcome = await run(random(true));
      expect(statuses(outcome, 'r')).toEqual({ '': 'ran' });
      expect((await values(outcome, 'r'))[0]).not.toBe(first);
      expect(toy.worked()).toEqual(['random', 'random']);
    });

    it('keeps what a stage warned of', async () => {
      const { run } = await openHouse();
      const outcome = await run(plan(node('w', 'warner', { says: ['look here'] })));
      const [unit] = outcome.nodes.get('w')?.units ?? [];
      expect(unit).toMatchObject({ status: 'ran', warnings: ['look here', 'of the first part'] });
    });

    it('does not publish what was made of a source that changed meanwhile', async () => {
      const { run } = await openHouse();
      const path = join(emptyFolder(), 'source.txt');
      writeFileSync(path, 'text');
      const began = join(emptyFolder(), 'began');
      const file = join(emptyFolder(), 'go');
      const ended = run(plan(node('u', 'until', { path, began, file, value: 1 }, {}, { paths: ['/path'] })));
      while (!existsSync(began)) await sleep(5);
      writeFileSync(path, 'other text');
      writeFileSync(file, '');
      const { failures, status } = await ended;
      expect(status).toBe('failed');
      expect(failures[0]?.message).toMatch(
        /what parameter 'path' names was changed while the stage read it; run again$/,
      );
    });

    it('leaves nothing in the store but results', async () => {
      const { toy, run } = await openHouse();
      await run(plan(node('a', 'value', { value: 2 }), node('s', 'add', {}, { a: 'a' })));
      const left = ['leases', 'attempts', 'scratch', 'temporary'].flatMap((name) =>
        readdirSync(join(toy.folder, name)),
      );
      expect(left).toEqual([]);
      rmSync(toy.folder, { recursive: true });
    });
  });
}
