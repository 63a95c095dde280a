import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Plan } from '../../contract/plan.ts';
import { Frozen } from '../../runner/lock/frozen.ts';
import { type Lock, type LockedPlan, lockedPlanOf, withPlan } from '../../runner/lock/lock.ts';
import { lockText, parseLock } from '../../runner/lock/lock-file.ts';
import { inspectSurvey } from '../../runner/survey/inspect.ts';
import { stageRegistry } from '../../stages/registry.ts';
import { hubSource } from '../../store/hub-source.ts';
import { createMemoryStore } from '../../store/memory-store.ts';
import { damagedJson, readsOrRefuses } from '../formats/mutate.ts';
import { openHubWorld } from '../hub/hub-world.ts';
import { emptyFolder } from '../store/drafts.ts';
import { messages, openToy, statuses } from './harness.ts';
import { node, plan } from './toy-plan.ts';

const names = { file: 'toy.lock', way: 'lamina lock toy.yaml' };
const lockedAs = async (made: Plan): Promise<LockedPlan> =>
  lockedPlanOf(made, await (await openToy()).run(made), [], (path) => path);
const held = (locked: LockedPlan) => {
  const frozen = new Frozen(locked, names);
  return { gate: frozen.check.bind(frozen), refuses: frozen.refusal.bind(frozen), pins: frozen.pins() };
};

describe('a frozen run', () => {
  it('of what is locked is made from nothing, and is a hit where it is there', async () => {
    const made = plan(node('a', 'value', { value: 3 }), node('s', 'split', { parts: 2 }, { a: 'a' }));
    const locked = await lockedAs(made);
    const toy = await openToy();
    expect((await toy.run(made, held(locked))).summary).toMatchObject({ ran: 3, failed: 0 });
    expect((await toy.run(made, held(locked))).summary).toMatchObject({ cached: 3 });
  });

  it('names each parameter, seed, thread count and stage that moved, and not what follows from it', async () => {
    const end = node('end', 'sha', {}, { a: 'a' });
    const locked = await lockedAs(plan(node('a', 'value', { value: 3 }), end));
    const toy = await openToy();
    const refusal = async (...nodes: Parameters<typeof plan>) =>
      (await toy.run(plan(...nodes), held(locked)).catch((error: Error) => error.message)) as string;
    expect(await refusal(node('a', 'value', { value: 4 }), end)).toBe(
      "this is not what 'toy.lock' holds:\n  stage 'a': parameter 'value' is 4, locked is 3\nundo it, or run without --frozen and take it over with 'lamina lock toy.yaml'",
    );
    expect(await refusal(node('a', 'value', { value: 3 }), end, node('b', 'pause', { ms: 1 }))).toContain(
      "\n  stage 'b' (pause) is not locked\n",
    );
    expect(toy.worked()).toEqual([]);
  });

  it('names a file with other bytes, and one that is new', async () => {
    const path = join(emptyFolder(), 'words.txt');
    writeFileSync(path, 'one');
    const made = plan(node('w', 'warner', { path }, {}, { paths: ['/path'] }));
    const locked = await lockedAs(made);
    writeFileSync(path, 'two!');
    await expect((await openToy()).run(made, held(locked))).rejects.toThrow(
      /\n {2}stage 'w': '.*words\.txt' \(parameter 'path'\) has other bytes: [0-9a-f]{12}, locked are [0-9a-f]{12}\n/,
    );
  });

  it('stops before what reads bytes that came out otherwise', async () => {
    const made = plan(
      node('a', 'value', { value: 3 }),
      node('r', 'random', {}, { a: 'a' }),
      node('end', 'sha', {}, { a: 'r' }),
    );
    const outcome = await (await openToy()).run(made, held(await lockedAs(made)));
    expect(messages(outcome)).toEqual([
      "stage 'end': it is not what 'toy.lock' holds: stage 'end': its input 'a' came out with other bytes than those that are locked",
    ]);
    expect([statuses(outcome, 'r'), statuses(outcome, 'end')]).toEqual([{ '': 'ran' }, { '': 'failed' }]);
  });

  it('takes a branch of the hub for the commit that is locked, and says which it is without that', async () => {
    const world = await openHubWorld();
    try {
      world.enter();
      const repo = 'hf://datasets/org/qa';
      const lines = '{"question": "q", "answer": "a"}\n'.repeat(4);
      const first = world.hub.commit('datasets', 'org/qa', { 'train.jsonl': lines });
      const params = { generate_seed: 1, records: 1, form: 'auto', eval_fraction: 0.25, drop_duplicates: false };
      const made = plan(node('data', 'dataset', { ...params, path: repo }, {}, { paths: ['/path'] }));
      const store = createMemoryStore(emptyFolder());
      const { inspection } = await inspectSurvey(made, stageRegistry, store, 'fails');
      const source = await hubSource(repo);
      world.hub.commit('datasets', 'org/qa', { 'train.jsonl': `${lines}${lines}` });
      const pinned = new Map([[repo, Promise.resolve(source)]]);
      const again = await inspectSurvey(made, stageRegistry, store, 'fails', pinned);
      expect(again.inspection.items[0]?.key).toBe(inspection.items[0]?.key);
      expect((await inspectSurvey(made, stageRegistry, store, 'fails')).inspection.items[0]?.key).not.toBe(
        inspection.items[0]?.key,
      );
      const locked = { ...(await lockedAs(plan())), sources: [{ name: repo, ...source }] };
      const pin = new Frozen(locked, names).pins().get(repo);
      expect((await pin)?.hub).toBe(`${repo}@${first}`);
    } finally {
      await world.close();
    }
  });

  it('says numbers that came out otherwise, and cells that are not locked', async () => {
    const cell = { metric: 'perplexity', key: null, digest: null };
    const frozen = new Frozen({ ...(await lockedAs(plan())), cells: [{ cell: 'x', value: 2, ...cell }] }, names);
    const result = { axes: {}, beside: {}, paper: null, stderr: null, n: null, error: null, ...cell };
    expect(frozen.drift([{ name: 'x', value: 2, ...result }])).toEqual([]);
    expect(frozen.drift([{ name: 'x', value: 2.5, ...result }])).toEqual([
      "cell 'x' came out as 2.5, 'toy.lock' holds 2",
    ]);
    const planned = (name: string, field: string) => ({
      ...{ axes: {}, name, paper: null, beside: {}, expected: null },
      metric: { node: 'a', output: 'out', field },
    });
    const check = (isPart: boolean, ...cells: ReturnType<typeof planned>[]) =>
      frozen.checkCells({ ...plan(), cells }, isPart);
    expect(() => check(false, planned('x', 'perplexity'))).not.toThrow();
    expect(() => check(true)).not.toThrow();
    expect(() => check(false)).toThrow("\n  cell 'x' is no longer there\n");
    expect(() => check(false, planned('x', 'accuracy'), planned('y', 'perplexity'))).toThrow(
      "\n  cell 'x' reads 'accuracy', locked is 'perplexity'\n  cell 'y' is new\n",
    );
  });

  it('says what this machine has that the records were not made with', async () => {
    const locked = {
      ...(await lockedAs(plan())),
      environments: [{ versions: { node: '20.19.0' }, machine: { processor: 'A' } }],
    };
    const frozen = new Frozen(locked, names);
    expect(frozen.otherEnvironment({ node: '20.19.0', processor: 'A', gpu: 'B' })).toEqual([]);
    expect(frozen.otherEnvironment({ node: '22.1.0', processor: 'A' })).toEqual([
      "'toy.lock' was locked with something else: node 20.19.0 \u2192 22.1.0; bytes that come out otherwise are refused",
    ]);
  });
});

describe('the file of a lock', () => {
  const made = plan(node('a', 'value', { value: 3 }), node('s', 'split', { parts: 2 }, { a: 'a' }));
  const lockOf = async (): Promise<Lock> => withPlan(undefined, 'toy', await lockedAs(made));

  it('is read as it was written, has the same bytes whenever it is made, and keeps what is locked for other flags', async () => {
    const lock = await lockOf();
    expect(parseLock(lockText(lock), 'toy.lock')).toEqual(JSON.parse(JSON.stringify(lock)));
    expect(lockText(await lockOf())).toBe(lockText(lock));
    const [entry] = lock.plans as [LockedPlan];
    const both = withPlan(lock, 'toy', { ...entry, flags: ['--set a=1'] });
    expect(both.plans.map(({ flags }) => flags)).toEqual([['--set a=1'], []]);
    expect(withPlan(both, 'toy', entry)).toEqual(both);
  });

  it('that was edited by hand is refused, by unit', async () => {
    const text = lockText(await lockOf());
    expect(() => parseLock(text.replace('"value":3', '"value":4'), 'toy.lock')).toThrow(
      /^'toy\.lock', 'plans\.0': unit '[0-9a-f]{12}' of stage 'a' is not what was locked: take it from git again, or lock again$/,
    );
    expect(() => parseLock('{}', 'toy.lock')).toThrow(
      "'toy.lock' is not a lock of lamina: 'format': expected 'lamina-lock', got nothing",
    );
    expect(() => parseLock(text.slice(0, 90), 'toy.lock')).toThrow("'toy.lock': expected JSON, got");
  });

  it('damaged in any way is read or refused in a sentence', async () => {
    const value = JSON.parse(lockText(await lockOf()));
    await fc.assert(
      fc.asyncProperty(damagedJson(value), (damaged) =>
        readsOrRefuses("'toy.lock'", () => parseLock(damaged, 'toy.lock')),
      ),
      { numRuns: 300, seed: 7 },
    );
  });
});
