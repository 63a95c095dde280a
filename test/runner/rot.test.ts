// Artifacts that are gone or damaged: nobody computes with wrong bytes, and what nobody needs is not missed.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Plan } from '../../contract/plan.ts';
import type { JsonObject } from '../../contract/stage.ts';
import { explain, lineage } from '../../runner/explain/explain.ts';
import { inspect } from '../../runner/survey/inspect.ts';
import { fileMemo } from '../../store/digest-memo.ts';
import { statOrNone } from '../../store/file-identity.ts';
import { openFileStore } from '../../store/file-store.ts';
import { layoutOf } from '../../store/layout.ts';
import { smallBytes } from '../../store/trust.ts';
import { emptyFolder } from '../store/drafts.ts';
import { toyRegistry } from './fixtures/toy-stages.mjs';
import { messages, openToy, pathOf, rot, statuses, type Toy, values, warnings } from './harness.ts';
import { node, plan } from './toy-plan.ts';

const sha = (...parts: (string | Buffer)[]) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
};

/** A source, what is made of it, and two readers of that; the second has a parameter. */
const chain = (x: number, more: { force?: string; use?: string } = {}) =>
  plan(
    node('v', 'value', { value: 3 }, {}, { force: more.force === 'v' }),
    node('m', more.use ?? 'add', { plus: 4 }, { a: 'v' }, { force: more.force === 'm' }),
    node('one', 'sha', {}, { a: 'm' }),
    node('two', 'sha', { x }, { a: 'm' }),
  );

/** What `lamina plan` would say: it only reads. */
async function planned({ folder }: Toy, toyPlan: Plan) {
  return inspect(toyPlan, toyRegistry, await openFileStore(folder, { mode: 'read' }));
}

/** Runs a plan while `damage` is done to the store at the first start of the node `id`, after its inputs were looked at. */
async function runDamaging(toy: Toy, toyPlan: Plan, id: string, damage: () => void, always = false) {
  let done = false;
  return toy.run(toyPlan, {
    onEvent: (event) => {
      toy.events.push(event);
      if (event.type !== 'unit-started' || event.node !== id || (done && !always)) return;
      done = true;
      damage();
    },
  });
}

describe('an artifact that nobody reads', () => {
  it.each(['gone', 'damaged'])('and that is %s is not missed: a record is enough for all that follows', async (how) => {
    const toy = await openToy();
    const first = await toy.run(chain(1));
    const path = await pathOf(first, 'm');
    if (how === 'gone') rmSync(path, { force: true });
    else rot(path);
    toy.worked();
    expect((await planned(toy, chain(1))).counts).toEqual({ hit: 4, run: 0, depends: 0 });
    const again = await toy.run(chain(1));
    expect([again.summary, toy.worked(), warnings(toy)]).toMatchObject([{ cached: 4, ran: 0 }, [], []]);
    expect(existsSync(path)).toBe(how === 'damaged');
  });
});

describe('an artifact that is needed again', () => {
  it.each([
    ['gone', 'is gone', 0],
    ['damaged', 'was changed on disk', 1],
  ])('and is %s is made again, as the plan says', async (how, detail, aside) => {
    const toy = await openToy();
    const path = await pathOf(await toy.run(chain(1)), 'm');
    if (how === 'gone') rmSync(path, { force: true });
    else rot(path);
    toy.worked();
    const { items, counts } = await planned(toy, chain(2));
    expect(counts).toEqual({ hit: 2, run: 2, depends: 0 });
    expect(items.map(({ node: { id }, status, record }) => [id, status, record !== null])).toEqual([
      ['v', 'hit', true],
      ['m', 'run', false],
      ['one', 'hit', true],
      ['two', 'run', false],
    ]);
    const outcome = await toy.run(chain(2));
    expect(toy.worked()).toEqual(['add', 'sha']);
    expect([outcome.status, outcome.summary]).toMatchObject(['done', { cached: 2, ran: 2 }]);
    expect(await values(outcome, 'two')).toEqual([sha('7')]);
    expect(warnings(toy)).toEqual([
      expect.stringMatching(`^stage 'm': artifact 'out' \\(\\w{12}\\) ${detail}, so it is made again$`),
    ]);
    expect(readdirSync(join(toy.folder, 'quarantine'))).toHaveLength(aside);
    expect((await toy.run(chain(2))).summary).toMatchObject({ cached: 4, ran: 0 });
  });

  it('needs what it is made of, all the way down', async () => {
    const toy = await openToy();
    const first = await toy.run(chain(1));
    for (const id of ['v', 'm']) rmSync(await pathOf(first, id), { force: true });
    toy.worked();
    expect((await planned(toy, chain(2))).counts).toEqual({ hit: 1, run: 3, depends: 0 });
    expect(await values(await toy.run(chain(2)), 'two')).toEqual([sha('7')]);
    expect(toy.worked()).toEqual(['value', 'add', 'sha']);
  });

  it('is told by `why`, with what is missing', async () => {
    const toy = await openToy();
    const first = await toy.run(chain(1));
    rmSync(await pathOf(first, 'm'), { force: true });
    const [hit] = await explain(chain(1), toyRegistry, toy.store, { node: 'm' });
    expect(hit).toMatchObject({ status: 'hit', lost: null });
    const [lost] = await explain(chain(2), toyRegistry, toy.store, { node: 'm' });
    expect(lost).toMatchObject({ status: 'run', lost: expect.stringMatching(/is gone$/), record: null });
    const steps = await lineage(chain(2), toyRegistry, toy.store, { node: 'two' });
    expect(steps.map(({ status, record }) => [status, record === null])).toEqual([
      ['run', true],
      ['run', true],
      ['hit', false],
    ]);
  });

  it('in a group is made with the others that are missing, in one attempt', async () => {
    const toy = await openToy();
    const reading = (of: string[]) =>
      plan(node('g', 'group', { parts: 4 }), node('e', 'each', { of }, { a: 'g' }), node('t', 'total', {}, { a: 'e' }));
    const parts = ['part 1', 'part 2', 'part 3'];
    const first = await toy.run(reading(parts));
    for (const part of ['part 1', 'part 3']) rmSync(await pathOf(first, 'g', part), { force: true });
    for (const part of parts) rmSync(await pathOf(first, 'e', `of ${part}`), { force: true });
    toy.worked();
    toy.events.length = 0;
    const more = await toy.run(plan(...reading(parts).nodes, node('u', 'total', {}, { b: 'e' })));
    const started = toy.events.flatMap((event) => (event.type === 'unit-started' ? [event] : []));
    const group = started.filter((event) => event.node === 'g');
    expect(group.map(({ unit }) => unit)).toEqual(['part 1', 'part 3']);
    expect(new Set(group.map(({ where }) => where)).size).toBe(1);
    expect(statuses(more, 'g')).toEqual({ 'part 1': 'ran', 'part 2': 'cached', 'part 3': 'ran' });
    expect(await values(more, 'u')).toEqual(['60']);
  });

  it('and was found missing only when it was wanted is made in the same run', async () => {
    const toy = await openToy();
    const late = (x: number, force: boolean) =>
      plan(
        node('v', 'value', { value: 3 }, {}, { force }),
        node('k', 'constant', {}, { a: 'v' }),
        node('w', 'value', { value: 5 }),
        node('s', 'sha', { x }, { a: 'k', b: 'w' }),
      );
    rmSync(await pathOf(await toy.run(late(1, false)), 'w'), { force: true });
    toy.worked();
    // Whether s will run is known after v has run: a plan assumes so, a run does not.
    expect((await planned(toy, late(1, true))).counts).toEqual({ hit: 0, run: 2, depends: 2 });
    expect((await toy.run(late(1, true))).summary).toMatchObject({ cached: 3, ran: 1 });
    expect(toy.worked()).toEqual(['value']);
    const outcome = await toy.run(late(2, true));
    expect(await values(outcome, 's')).toEqual([sha('always the same', '5')]);
    expect(outcome.summary).toMatchObject({ cached: 1, ran: 3, failed: 0, blocked: 0 });
    expect(toy.events.filter(({ type }) => type === 'resumed')).toHaveLength(1);
  });

  it('and comes out with other bytes takes all its readers with it, also those that were there', async () => {
    const toy = await openToy();
    const first = await toy.run(chain(1, { use: 'random' }));
    const before = (await values(first, 'm'))[0] as string;
    rmSync(await pathOf(first, 'm'), { force: true });
    toy.worked();
    const outcome = await toy.run(chain(2, { use: 'random' }));
    const [after = ''] = await values(outcome, 'm');
    expect(after).not.toBe(before);
    expect([await values(outcome, 'one'), await values(outcome, 'two')]).toEqual([[sha(after)], [sha(after)]]);
    expect(toy.worked().sort()).toEqual(['random', 'sha', 'sha']);
    expect(outcome.summary).toMatchObject({ cached: 1, ran: 3 });
    expect(warnings(toy).at(-1)).toBe(
      "stage 'm': the same key gave different bytes than before; the new result is used since the first is not whole any more, both are kept",
    );
    expect((await toy.run(chain(2, { use: 'random' }))).summary).toMatchObject({ cached: 4, ran: 0 });
  });
});

describe('an artifact that is damaged between the look at it and its use', () => {
  it('is never read by a stage: it is made again, and its reader has another go in the same run', async () => {
    const toy = await openToy();
    const path = await pathOf(await toy.run(chain(1)), 'm');
    toy.worked();
    const outcome = await runDamaging(toy, chain(2), 'two', () => rot(path));
    expect(await values(outcome, 'two')).toEqual([sha('7')]);
    expect(toy.worked()).toEqual(['add', 'sha']); // the stage of the first go was not begun
    expect([outcome.status, outcome.failures, outcome.summary]).toMatchObject(['done', [], { cached: 2, ran: 2 }]);
    expect(warnings(toy)).toEqual([
      expect.stringMatching(/^stage 'm': artifact 'out' \(\w{12}\) was changed on disk, so it is made again$/),
    ]);
    expect(toy.events.filter(({ type }) => type === 'unit-put-off')).toHaveLength(1);
    for (const name of ['leases', 'attempts']) expect(readdirSync(join(toy.folder, name))).toEqual([]);
  });

  it('makes a failure beside it neither happen twice nor disappear', async () => {
    const toy = await openToy();
    const path = await pathOf(await toy.run(chain(1)), 'm');
    toy.worked();
    const both = plan(...chain(2).nodes, node('bad', 'refuse', { rank: 8 }, { a: 'v' }));
    const outcome = await runDamaging(toy, both, 'two', () => rot(path));
    expect(await values(outcome, 'two')).toEqual([sha('7')]);
    expect(messages(outcome)).toEqual(["stage 'bad': rank 8 is larger than the width 4"]);
    expect(toy.worked().sort()).toEqual(['add', 'refuse', 'sha']);
    expect(toy.events.filter(({ type }) => type === 'failed')).toHaveLength(1);
  });

  it('again and again ends in a sentence about the machine', async () => {
    const toy = await openToy();
    const path = await pathOf(await toy.run(chain(1)), 'm');
    const outcome = await runDamaging(toy, chain(2), 'two', () => rot(path), true);
    expect(messages(outcome)).toEqual([
      expect.stringMatching(
        /^stage 'two': artifact 'out' \(\w{12}\) was changed on disk, of stage 'm': it was made again, and damaged again; check the disk and the memory of this machine$/,
      ),
    ]);
    expect(statuses(outcome, 'one')).toEqual({ '': 'cached' });
  });

  it('is found in all attempts at once where many read it', async () => {
    const toy = await openToy();
    const wide = (x: number) =>
      plan(
        ...chain(x).nodes.slice(0, 2),
        ...Array.from({ length: 8 }, (_, i) => node(`r${i}`, 'sha', { x: x + i / 10 }, { a: 'm' })),
      );
    const path = await pathOf(await toy.run(wide(1)), 'm');
    const outcome = await runDamaging(toy, wide(2), 'r0', () => rot(path));
    expect(outcome.summary).toMatchObject({ cached: 1, ran: 9, failed: 0, blocked: 0 });
    for (let i = 0; i < 8; i++) expect(await values(outcome, `r${i}`)).toEqual([sha('7')]);
  });
});

describe('a forced stage', () => {
  it('heals an artifact that lies damaged in its place, before anybody reads it', async () => {
    const toy = await openToy();
    rot(await pathOf(await toy.run(chain(1)), 'm'));
    const outcome = await toy.run(chain(2, { force: 'm' }));
    expect([await values(outcome, 'm'), await values(outcome, 'one'), await values(outcome, 'two')]).toEqual([
      ['7'],
      [sha('7')],
      [sha('7')],
    ]);
    expect(warnings(toy)).toEqual([expect.stringMatching(/^stage 'm': artifact 'out' .* was changed on disk/)]);
  });
});

describe('a large artifact', () => {
  const content = Buffer.alloc(smallBytes + 1, 1);
  const big = (params: JsonObject = {}) =>
    plan(node('b', 'big', { bytes: content.length }), node('s', 'sha', params, { a: 'b' }));
  const right = sha(content);

  /** As after damage below the file system: the store remembers the file as it is now, `age_ms` ago. */
  function rotUnseen({ folder }: Toy, path: string, age_ms: number): void {
    rot(path);
    const stats = statOrNone(path);
    if (stats === undefined) throw new Error('no file');
    const now = Date.now;
    Date.now = () => now() - age_ms;
    try {
      fileMemo(layoutOf(folder).memo, true).put(path, stats, right);
    } finally {
      Date.now = now;
    }
  }

  it('is read over by the first worker on a host, and then trusted for a week', async () => {
    const toy = await openToy();
    const first = await toy.run(big());
    const path = await pathOf(first, 'b');
    writeFileSync(layoutOf(toy.folder).memo, '');
    const day_ms = 86_400_000;
    const trusted = async () => {
      const records = [];
      for await (const record of toy.store.records()) if (record.preimage.stage === 'sha') records.push(record);
      return records.map((record) => record.trusted);
    };
    expect(await trusted()).toEqual([[right]]); // it was made a moment before
    const other = await openToy(toy.folder); // a process that knows nothing
    await other.run(big({ x: 1 }));
    expect((await trusted()).sort()).toEqual([[], [right]]);
    expect(readFileSync(layoutOf(toy.folder).memo, 'utf8')).toContain(right);
    rotUnseen(toy, path, 8 * day_ms);
    const late = await openToy(toy.folder);
    expect(await values(await late.run(big({ x: 2 })), 's')).toEqual([right]);
    expect(warnings(late)[0]).toMatch(
      /^stage 'b': artifact 'out' \(\w{12}\) was changed on disk, so it is made again$/,
    );
  });

  it.each([
    ['touched: no work is thrown away for a date', (path: string) => utimesSync(path, 1, 1), { cached: 1, ran: 1 }, 0],
    ['damaged: what was made is not believed, and made again', rot, { cached: 0, ran: 2 }, 1],
  ])('that is trusted is read over when it has changed while the stage ran; %s', async (_, change, summary, count) => {
    const toy = await openToy();
    const path = await pathOf(await toy.run(big()), 'b');
    toy.worked();
    const [file, began] = ['go', 'began'].map((name) => join(emptyFolder(), name)) as [string, string];
    const [source] = big().nodes;
    const running = toy.run(plan(source as never, node('w', 'until', { file, began, value: 1 }, { a: 'b' })));
    while (!existsSync(began)) await sleep(5);
    change(path);
    writeFileSync(file, '');
    expect((await running).summary).toMatchObject(summary);
    expect(toy.worked()).toEqual(count === 0 ? ['until'] : ['until', 'big', 'until']);
    expect(warnings(toy).filter((text) => /^stage 'b': .* was changed on disk/.test(text))).toHaveLength(count);
  });

  it('that was trusted wrongly poisons nothing for good: what was made from it is made again', async () => {
    const toy = await openToy();
    const path = await pathOf(await toy.run(big()), 'b');
    rotUnseen(toy, path, 0);
    const wrong = await (await openToy(toy.folder)).run(big({ x: 1 }));
    expect(await values(wrong, 's')).not.toEqual([right]); // the week of trust, and what it can cost
    utimesSync(path, 1, 1); // now the file system says something else of it
    const other = await openToy(toy.folder);
    const beside = plan(...big({ x: 1 }).nodes, node('t', 'sha', { x: 2 }, { a: 'b' }));
    const outcome = await other.run(beside);
    expect([await values(outcome, 's'), await values(outcome, 't')]).toEqual([[right], [right]]);
    expect(warnings(other).map((text) => text.replace(/\(\w{12}\)/, '()'))).toEqual([
      "stage 'b': artifact 'out' () was changed on disk, so it is made again",
      "stage 's': it was made from what may have been wrong bytes of stage 'b' (artifact 'out' () was changed on disk), so it is made again",
    ]);
  });
});
