// What a run does, on plans of toy stages in real worker processes.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LocalExecutor } from '../../runner/executor/local.ts';
import { runPlan } from '../../runner/run/run-plan.ts';
import { inspect } from '../../runner/survey/inspect.ts';
import { createMemoryStore } from '../../store/memory-store.ts';
import { emptyFolder, publish } from '../store/drafts.ts';
import { toyRegistry } from './fixtures/toy-stages.mjs';
import { messages, openToy, statuses, values, workerUrl } from './harness.ts';
import { node, plan } from './toy-plan.ts';

describe('a run', () => {
  it('passes outputs on, and the second time answers everything from the store', async () => {
    const toy = await openToy();
    const sum = plan(
      node('a', 'value', { value: 3 }),
      node('b', 'value', { value: 4 }),
      node('s', 'add', {}, { a: 'a', b: 'b' }),
    );
    const first = await toy.run(sum);
    expect(await values(first, 's')).toEqual(['7']);
    expect(first.summary).toMatchObject({ cached: 0, ran: 3, failed: 0, blocked: 0 });
    expect(toy.worked().sort()).toEqual(['add', 'value', 'value']);
    const second = await toy.run(sum);
    expect(await values(second, 's')).toEqual(['7']);
    expect(second.summary).toMatchObject({ cached: 3, ran: 0 });
    expect(toy.worked()).toEqual([]);
  });

  it('starts in the order of the plan, whatever is ready', async () => {
    const toy = await openToy();
    const nodes = ['c', 'a', 'd', 'b'].map((id, i) => node(id, 'value', { value: i }));
    await toy.run(plan(...nodes), { jobs: 1 });
    const started = toy.events.flatMap((event) => (event.type === 'unit-started' ? [event.node] : []));
    expect(started).toEqual(['c', 'a', 'd', 'b']);
  });

  it('makes a unit once where two nodes share it', async () => {
    const toy = await openToy();
    const outcome = await toy.run(
      plan(
        node('one', 'split', { parts: 3 }),
        node('two', 'split', { parts: 2 }),
        node('t1', 'total', {}, { a: 'one' }),
        node('t2', 'total', {}, { a: 'two' }),
      ),
    );
    expect(
      toy
        .worked()
        .filter((line) => line.startsWith('split'))
        .sort(),
    ).toEqual(['split part 1', 'split part 2', 'split part 3']);
    expect(statuses(outcome, 'two')).toEqual({ 'part 1': 'cached', 'part 2': 'cached' });
    expect([await values(outcome, 't1'), await values(outcome, 't2')]).toEqual([['6'], ['3']]);
  });

  it('makes only the units that somebody needs', async () => {
    const toy = await openToy();
    const outcome = await toy.run(
      plan(
        node('s', 'split', { parts: 5 }),
        node('e', 'each', { of: ['part 2', 'part 4'] }, { a: 's' }),
        node('t', 'total', {}, { a: 'e' }),
      ),
    );
    expect(statuses(outcome, 's')).toEqual({ 'part 2': 'ran', 'part 4': 'ran' });
    expect(await values(outcome, 't')).toEqual(['60']);
  });

  it('makes all units that a cell or nobody else asks for', async () => {
    const toy = await openToy();
    const outcome = await toy.run(plan(node('s', 'split', { parts: 3 })));
    expect(await values(outcome, 's')).toEqual(['1', '2', '3']);
  });

  it('finds units that are known only after an input has run', async () => {
    const toy = await openToy();
    const counted = plan(
      node('n', 'number', { value: 3 }),
      node('c', 'count', {}, { a: 'n' }),
      node('t', 'total', {}, { a: 'c' }),
    );
    const before = await inspect(counted, toyRegistry, toy.store);
    expect(before.counts).toEqual({ hit: 0, run: 1, depends: 2 });
    expect(await values(await toy.run(counted), 't')).toEqual(['6']);
    const after = await inspect(counted, toyRegistry, toy.store);
    expect(after.counts).toEqual({ hit: 5, run: 0, depends: 0 });
    expect((await toy.run(counted)).summary).toMatchObject({ cached: 5, ran: 0 });
  });

  it('says when these units are impossible', async () => {
    const toy = await openToy();
    const impossible = plan(node('n', 'number', { value: 101 }), node('c', 'count', {}, { a: 'n' }));
    const outcome = await toy.run(impossible);
    expect(messages(outcome)).toEqual(["stage 'c': expected at most 100 parts, got 101"]);
    // Now that the number is known, it is said before anything runs.
    await expect(toy.run(impossible)).rejects.toThrow("stage 'c': expected at most 100 parts, got 101");
  });

  it('gives all units of a grouped stage that are missing to one attempt', async () => {
    const toy = await openToy();
    const small = plan(node('g', 'group', { parts: 2 }));
    const large = plan(node('g', 'group', { parts: 4 }));
    await toy.run(small);
    toy.events.length = 0;
    const outcome = await toy.run(large);
    const begun = toy.events.flatMap((event) => (event.type === 'unit-started' ? [event] : []));
    expect(begun.map(({ unit }) => unit)).toEqual(['part 3', 'part 4']);
    expect(new Set(begun.map(({ where }) => where)).size).toBe(1);
    expect(await values(outcome, 'g')).toEqual(['1', '2', '3', '4']);
  });

  it('gives a stage its seed and numerics, and keeps both out of keys that do not depend on them', async () => {
    const toy = await openToy();
    const threads = (n: number) => ({ seed: n, numerics: { ...numerics, threads: n } });
    const nodes = (n: number) =>
      ['seeded', 'numeric', 'value'].map((use) => node(use, use, { value: 1 }, {}, threads(n)));
    await toy.run(plan(...nodes(1)));
    const outcome = await toy.run(plan(...nodes(2)));
    expect(['seeded', 'numeric', 'value'].map((id) => statuses(outcome, id)[''])).toEqual(['ran', 'ran', 'cached']);
    expect(await values(outcome, 'seeded')).toEqual(['2']);
    expect(await values(outcome, 'numeric')).toEqual([JSON.stringify({ ...numerics, threads: 2 })]);
  });

  it('never gives a worker two kinds of numerics', async () => {
    const toy = await openToy();
    const nodes = [1, 2, 1, 2].map((threads, i) => {
      return node(`n${i}`, 'numeric', { i }, {}, { numerics: { ...numerics, threads } });
    });
    await toy.run(plan(...nodes), { jobs: 1 });
    const where = Object.fromEntries(toy.events.flatMap((e) => (e.type === 'unit-started' ? [[e.node, e.where]] : [])));
    expect([where.n0, where.n2]).not.toContain(where.n1);
    expect([where.n0, where.n2]).not.toContain(where.n3);
  });

  it('runs a forced stage again, once, and what follows only if the bytes changed', async () => {
    const toy = await openToy();
    const forced = (force: boolean) =>
      plan(
        node('a', 'value', { value: 1 }, {}, { force }),
        node('b', 'add', {}, { a: 'a' }),
        node('c', 'add', { plus: 1 }, { a: 'a' }),
      );
    await toy.run(forced(false));
    toy.worked();
    const outcome = await toy.run(forced(true));
    expect(toy.worked()).toEqual(['value']);
    expect(outcome.summary).toMatchObject({ cached: 2, ran: 1 });
  });

  it('reports bytes that differ from one time to the next, and uses the new ones when forced', async () => {
    const toy = await openToy();
    const random = (force: boolean) =>
      plan(node('a', 'value', { value: 1 }), node('r', 'random', {}, { a: 'a' }, { force }));
    const first = await values(await toy.run(random(false)), 'r');
    const second = await values(await toy.run(random(true)), 'r');
    expect(second).not.toEqual(first);
    expect(toy.events.flatMap((event) => (event.type === 'warning' ? [event.message] : []))).toEqual([
      "stage 'r': the same key gave different bytes than before; the new result is used (--force), both are kept",
    ]);
    expect(await values(await toy.run(random(false)), 'r')).toEqual(second);
  });

  it('leaves a timing alone with the machine, and does not wonder that its bytes differ', async () => {
    const toy = await openToy();
    const timed = (force: boolean) =>
      plan(
        node('a', 'pause', { ms: 30, value: 1 }),
        node('t', 'clock', { ms: 30 }, {}, { force }),
        node('b', 'pause', { ms: 30, value: 2 }),
        node('c', 'pause', { ms: 30, value: 3 }),
      );
    const first = await values(await toy.run(timed(false), { jobs: 3, threads: 3 }), 't');
    const running = new Set<string>();
    const beside: string[][] = [];
    for (const event of toy.events) {
      if (event.type === 'unit-started') running.add(event.node);
      if (event.type === 'unit-started') beside.push([...running].sort());
      if (event.type === 'unit-finished') running.delete(event.node);
    }
    expect(beside).toHaveLength(4);
    expect(beside.filter((names) => names.includes('t'))).toEqual([['t']]);
    expect(await values(await toy.run(timed(false)), 't')).toEqual(first);
    expect(await values(await toy.run(timed(true)), 't')).not.toEqual(first);
    expect(toy.events.filter((event) => event.type === 'warning')).toEqual([]);
  });

  it('passes progress on and counts correctly at its end', async () => {
    const toy = await openToy();
    await toy.run(plan(node('c', 'chain', { steps: 3, step_ms: 0 })));
    const reports = toy.events.flatMap((event) => (event.type === 'progress' ? [event.report] : []));
    expect(reports.at(-1)).toEqual({ done: 3, total: 3, of: 'step' });
    expect(toy.events.at(-1)).toMatchObject({ type: 'finished', status: 'done' });
    expect(toy.events[0]).toEqual({ type: 'planned', counts: { hit: 0, run: 1, depends: 0 } });
  });

  it('keeps what people ask of a record, outside the key', async () => {
    const toy = await openToy();
    await toy.run(plan(node('warm[type=T_next]', 'value', { value: 1 })), { versions: { lamina: '0.1.0' } });
    for await (const { about, preimage } of toy.store.records()) {
      expect(about).toMatchObject({
        experiment: 'toy',
        node: 'warm[type=T_next]',
        stage: 'warm',
        cell: 'type=T_next',
        unit: '',
      });
      expect(about.versions).toEqual({ lamina: '0.1.0', node: process.versions.node });
      expect(about.peak_rss_bytes).toBeGreaterThan(1e6);
      expect(preimage).toEqual({
        t: 'action/1',
        stage: 'value',
        version: 1,
        params: { value: 1 },
        inputs: {},
        sources: {},
      });
    }
  });

  it('answers a thousand nodes from the store with one look at each record, all in one call', async () => {
    const store = createMemoryStore(emptyFolder());
    const nodes = Array.from({ length: 1000 }, (_, i) => node(`n${i}`, 'value', { value: i }));
    for (const { params } of nodes) await publish(store, params, { out: String(params.value) }, { stage: 'value' });
    const looks: number[] = [];
    const find = store.find.bind(store);
    store.find = (lookups) => {
      looks.push(lookups.length);
      return find(lookups);
    };
    const outcome = await runPlan(plan(...nodes), toyRegistry, store, {
      executor: new LocalExecutor({ workerUrl, store }),
    });
    expect(outcome.summary).toMatchObject({ cached: 1000, ran: 0 });
    expect(looks).toEqual([1000]);
  });

  it('asks the store once for all nodes that are as far from the sources, and again for what reads them', async () => {
    const toy = await openToy();
    const chains = ['a', 'b', 'c'].flatMap((name, value) => [
      node(name, 'value', { value }),
      node(`${name} more`, 'add', { plus: value }, { a: name }),
      node(`${name} most`, 'add', { plus: 9 }, { a: `${name} more`, b: name }),
    ]);
    await toy.run(plan(...chains));
    const looks: number[] = [];
    const find = toy.store.find.bind(toy.store);
    toy.store.find = (lookups) => {
      looks.push(lookups.length);
      return find(lookups);
    };
    expect((await toy.run(plan(...chains))).summary).toMatchObject({ cached: 9, ran: 0 });
    expect(looks).toEqual([3, 3, 3]);
  });

  it('never runs more at once than jobs and threads allow', async () => {
    const toy = await openToy();
    const wide = (threads: number) => ({ numerics: { ...numerics, threads } });
    const nodes = Array.from({ length: 6 }, (_, i) => node(`n${i}`, 'numeric', { i }, {}, wide(2)));
    await toy.run(plan(...nodes), { jobs: 4, threads: 4 });
    let [running, most] = [0, 0];
    for (const event of toy.events) {
      if (event.type === 'unit-started') most = Math.max(most, ++running);
      if (event.type === 'unit-finished') running--;
    }
    expect(most).toBe(2);
  });

  it('serves as an input what the store holds, read-only', async () => {
    const toy = await openToy();
    const outcome = await toy.run(plan(node('a', 'value', { value: 1 })));
    const [unit] = outcome.nodes.get('a')?.units ?? [];
    if (unit?.status !== 'ran') throw new Error(unit?.status);
    const path = (await unit.outputs.out?.open())?.path as string;
    expect(readFileSync(path, 'utf8')).toBe('1');
    expect(path).toContain(`${unit.outputs.out?.digest}-1`);
  });
});

const numerics = { backend: 'cpu', provider: 'cpu', precision: 'float32', threads: 1 } as const;
