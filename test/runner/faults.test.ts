// Faults from seeds: kills, runners side by side, disks that refuse, files that rot, clocks that jump. FAULTS=200 is the long form; docs/guarantees.md has its figures.
import { chmodSync, existsSync, readdirSync, readFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Plan } from '../../contract/plan.ts';
import { createRandom, type Random } from '../../util/random.ts';
import { expectNothingHalf, expectNothingLeft, filesBelow, outputsByKey } from '../e2e/store-files.ts';
import { emptyFolder } from '../store/drafts.ts';
import { clean, countLost, faults, graph, newStore, say, seed } from './faults.ts';
import { openToy, values } from './harness.ts';
import { type EndedRun, type RunProcess, startRun } from './processes.ts';

const faulty = pathToFileURL(join(import.meta.dirname, 'fixtures/faulty.mjs')).href;

/** Runs the graph to its end, and counts what should be nothing: wrong or missing results, and things left behind. */
async function expectWhole(store: string): Promise<void> {
  const { outcome, err } = await startRun(store, graph, { jobs: 2 }).ended;
  expect([outcome?.status, err]).toEqual(['done', '']);
  expect(outputsByKey(store)).toEqual((await clean).outputs);
  expectNothingLeft(store);
}

describe('kill -9', () => {
  it(`of a worker, of the runner or of both, at ${faults} moments`, async () => {
    const random = createRandom('faults', 'kill', seed);
    const counts = { worker: 0, runner: 0, both: 0 };
    let [stores, lost, late] = [1, 0, 0];
    let store = newStore();
    for (let i = 0; i < faults; i++) {
      const before = outputsByKey(store);
      const who = (['worker', 'runner', 'both'] as const)[random.below(3)] ?? 'both';
      const run = startRun(store, graph, { jobs: 1 + random.below(2) });
      const isHit = await killAt(run, who, 1 + random.below(20), random);
      if (isHit) counts[who]++;
      else late++;
      await expectNothingHalf(store);
      lost += countLost(before, store);
      if (Object.keys(outputsByKey(store)).length < Object.keys((await clean).outputs).length) continue;
      await expectWhole(store); // all is made: the next kills need a store with something to do
      store = newStore();
      stores++;
    }
    await expectWhole(store);
    const killed = `${counts.worker} workers, ${counts.runner} runners, ${counts.both} both (${late} ended before)`;
    say(`kills ${faults}: ${killed}; stores ${stores}; partial hits 0, lost ${lost}, manual steps 0`);
    expect(lost).toBe(0);
  });
});

/** Kills when so many events have come, and a moment later; false where the run ended before. */
async function killAt(
  run: RunProcess,
  who: 'worker' | 'runner' | 'both',
  events: number,
  random: Random,
): Promise<boolean> {
  let isOver = false;
  const ended = run.ended
    .catch(() => undefined)
    .finally(() => {
      isOver = true;
    });
  while (!isOver && run.events.length < events) await sleep(1);
  const moment_ms = performance.now() + 15 * random.uniform();
  while (!isOver && performance.now() < moment_ms) await sleep(1);
  const started = run.events.flatMap((event) => (event.type === 'unit-started' ? [event.where] : []));
  const worker = Number(/\d+/.exec(started.at(-1) ?? '')?.[0] ?? 0);
  const runner = run.child.pid as number;
  const wasOver = isOver;
  const target = who === 'both' ? -runner : who === 'runner' ? runner : worker;
  try {
    if (target !== 0) process.kill(target, 'SIGKILL');
  } catch {
    // it had ended
  }
  await ended;
  return !wasOver && target !== 0;
}

describe('runners side by side', () => {
  /** How often a unit was worked on beyond the first time. */
  const repeated = async (log: string) => {
    const lines = existsSync(log) ? readFileSync(log, 'utf8').split('\n') : [];
    return lines.filter((line) => line !== '' && !line.startsWith('step')).length - (await clean).works;
  };

  it.each([2, 4])('%i at once do each unit once', async (count) => {
    const rounds = Math.max(1, Math.round(faults / 8));
    let duplicates = 0;
    for (let i = 0; i < rounds; i++) {
      const [store, log] = [newStore(), join(emptyFolder(), 'log')];
      const runs = Array.from({ length: count }, () => startRun(store, graph, { jobs: 1, log }));
      for (const { outcome, err } of await Promise.all(runs.map(({ ended }) => ended))) {
        expect([outcome?.status, err]).toEqual(['done', '']);
      }
      duplicates += await repeated(log);
      await expectWhole(store);
    }
    say(`${count} runners, ${rounds} stores: duplicate work ${duplicates}, manual steps 0`);
    expect(duplicates).toBe(0);
  });

  it('one of them stopped in the middle: the other waits, and nothing is done twice', async () => {
    const rounds = Math.max(1, Math.round(faults / 8));
    const random = createRandom('faults', 'stop', seed);
    let duplicates = 0;
    for (let i = 0; i < rounds; i++) {
      const [store, log] = [newStore(), join(emptyFolder(), 'log')];
      const first = startRun(store, graph, { jobs: 1, log });
      await first.saw('unit-started', 1 + random.below(3));
      process.kill(-(first.child.pid as number), 'SIGSTOP');
      const second = startRun(store, graph, { jobs: 1, log });
      await second.saw('planned');
      const moment_ms = performance.now() + 50 * random.uniform();
      while (performance.now() < moment_ms) await sleep(1);
      process.kill(-(first.child.pid as number), 'SIGCONT');
      for (const { outcome } of await Promise.all([first.ended, second.ended])) expect(outcome?.status).toBe('done');
      duplicates += await repeated(log);
      await expectWhole(store);
    }
    say(`a stopped runner and another, ${rounds} stores: duplicate work ${duplicates}, manual steps 0`);
    expect(duplicates).toBe(0);
  });

  it.each([
    ['forward', 40 * 86_400_000],
    ['back', -40 * 86_400_000],
  ])('one of them with a clock that jumps %s by forty days', async (_, clock_ms) => {
    const [store, log] = [newStore(), join(emptyFolder(), 'log')];
    const odd = startFaulty(store, { clock_ms }, log);
    const plain = startRun(store, graph, { jobs: 1, log });
    for (const { outcome } of await Promise.all([odd.ended, plain.ended])) expect(outcome?.status).toBe('done');
    const duplicates = await repeated(log);
    say(`a clock that jumps by ${clock_ms / 86_400_000} days: duplicate work ${duplicates}`);
    expect(duplicates).toBe(0);
    await expectWhole(store);
  });
});

/** A run whose file system or clock fails. */
function startFaulty(store: string, fault: object, log?: string, count = ''): RunProcess {
  const options = `NODE_OPTIONS=--import=${faulty}`;
  const within = ['env', options, `FAULT=${JSON.stringify(fault)}`, `FAULT_COUNT=${count}`];
  return startRun(store, graph, { jobs: 1, within, ...(log !== undefined && { log }) });
}

describe('a store that refuses a write', () => {
  it.each([
    ['ENOSPC', true],
    ['EIO', false],
    ['EROFS', true],
    ['GONE', false],
  ])('with %s, at any of them, loses nothing', async (code, lasts) => {
    const random = createRandom('faults', code, seed);
    const counter = join(emptyFolder(), 'count');
    const probe = newStore();
    await startFaulty(probe, { in: 'parent', below: probe, at: 0 }, undefined, counter).ended;
    const writes = Number(readFileSync(counter, 'utf8'));
    expect(writes).toBeGreaterThan(50);
    const all = faults >= writes;
    const places = all ? writes : Math.max(1, Math.round(faults / 4));
    let lost = 0;
    for (let i = 0; i < places; i++) {
      const at = all ? i + 1 : 1 + random.below(writes);
      const store = newStore();
      const {
        code: exit,
        err,
        outcome,
      } = await startFaulty(store, { in: 'parent', below: store, at, code, lasts }).ended;
      if (code === 'GONE' && existsSync(`${store}.gone`) && !existsSync(store)) renameSync(`${store}.gone`, store);
      expectTold(exit, err, outcome, `${code} at write ${at}`);
      await expectNothingHalf(store);
      const before = outputsByKey(store);
      await expectWhole(store);
      lost += countLost(before, store);
    }
    say(`${code} at ${places} of ${writes} writes: partial hits 0, lost ${lost}, manual steps 0`);
    expect(lost).toBe(0);
  });
});

/** It ended with an outcome, or with the sentence of a user's error. */
function expectTold(exit: number | null, err: string, outcome: EndedRun['outcome'], what: string): void {
  if (outcome === undefined) expect(err, what).toMatch(/StoreWriteError|UserError/);
  else expect([exit, outcome.failures.filter(({ reason }) => reason === 'bug')], what).toEqual([0, []]);
}

describe('files of a store that rot', () => {
  it(`a bit, or the end, of artifacts, records and the store's own file, ${faults} of each`, async () => {
    const random = createRandom('faults', 'rot', seed);
    const folder = newStore();
    const first = await openToy(folder);
    const good = await first.run(graph);
    const numbers = await Promise.all(graph.nodes.map(({ id }) => values(good, id)));
    first.store.close();
    const kinds = new Map<string, number>();
    let wrong = 0;
    for (const kind of ['cas', 'ac', 'store.json']) {
      for (let i = 0; i < faults; i++) {
        const files = kind.includes('.') ? [join(folder, kind)] : filesBelow(join(folder, kind));
        const path = files[random.below(files.length)];
        if (path === undefined || !existsSync(path)) continue;
        damage(path, random);
        const toy = await openToy(folder);
        const outcome = await toy.run(graph);
        expect(outcome.status, `${path} damaged`).toBe('done');
        const now = await Promise.all(graph.nodes.map(({ id }) => valuesOrNone(outcome, id)));
        wrong += now.filter(
          (each, n) => each !== undefined && JSON.stringify(each) !== JSON.stringify(numbers[n]),
        ).length;
        toy.store.close();
        kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      }
    }
    await mendAll(folder);
    expect(outputsByKey(folder)).toEqual((await clean).outputs);
    const counts = [...kinds].map(([kind, count]) => `${kind} ${count}`).join(', ');
    say(`damaged files: ${counts}; wrong bytes read as right ${wrong}, manual steps 0`);
    expect(wrong).toBe(0);
  });
});

function damage(path: string, random: Random): void {
  chmodSync(path, 0o644);
  const bytes = readFileSync(path);
  if (bytes.length === 0 || random.below(3) === 0) {
    truncateSync(path, random.below(bytes.length + 1) >> 1);
    return;
  }
  const at = random.below(bytes.length);
  bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
  writeFileSync(path, bytes);
}

/** The bytes that a run hands out, as far as they are not missed by anybody: an intermediate artifact may lie damaged until it is read. */
async function valuesOrNone(outcome: Awaited<ReturnType<Awaited<ReturnType<typeof openToy>>['run']>>, id: string) {
  return id === 'end' || id === 'chain' ? values(outcome, id) : undefined;
}

/** Every artifact is read, and what is damaged made again. */
async function mendAll(folder: string): Promise<void> {
  const toy = await openToy(folder);
  for (const { outputs } of await allRecords(toy))
    for (const output of Object.values(outputs)) await toy.store.check(output, 'bytes');
  const forced: Plan = { ...graph, nodes: graph.nodes.map((each) => ({ ...each, force: true })) };
  expect((await toy.run(forced)).status).toBe('done');
  toy.store.close();
  await expectNothingHalf(folder);
  expect(readdirSync(join(folder, 'ac-alt'))).toEqual([]);
}

async function allRecords(toy: Awaited<ReturnType<typeof openToy>>) {
  const records = [];
  for await (const record of toy.store.records()) records.push(record);
  return records;
}
