// What stages warn of: asked of all, kept with what was made, and said again when that is used.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../contract/stage.ts';
import { inspectTogether } from '../../runner/estimate/work.ts';
import { type RunOutcome, succeeded } from '../../runner/run/outcome.ts';
import { foreseenWarnings } from '../../runner/survey/foreseen.ts';
import { parseRecord, recordText, type StoreRecord } from '../../store/record.ts';
import { emptyFolder } from '../store/drafts.ts';
import { toyRegistry } from './fixtures/toy-stages.mjs';
import { openToy, type Toy } from './harness.ts';
import { node, plan } from './toy-plan.ts';

const warner = (params: JsonObject, more = {}) =>
  plan(node('in', 'number', { value: 7 }), node('w', 'warner', params, { a: 'in' }, more));

/** What was asked of the stage, and what its units said. */
function saidOf(outcome: RunOutcome, id = 'w') {
  const found = outcome.nodes.get(id);
  const units = (found?.units ?? []).filter(succeeded).map(({ unit, warnings }) => [unit, warnings]);
  return { asked: found?.warnings, units: Object.fromEntries(units) };
}

/** The events of warnings since the last call. */
function events(toy: Toy) {
  const found = toy.events.flatMap((event) =>
    event.type === 'warned' ? [[event.whole, event.warnings.map(({ message }) => message)]] : [],
  );
  toy.events.length = 0;
  return found;
}

const wide = 'rank 9 is above 4';

describe('what a stage warns of', () => {
  it('by its parameters is told before anything runs, and with a cached result too', async () => {
    const toy = await openToy();
    const first = await toy.run(warner({ rank: 9 }));
    // the number of its input is known only after that has run
    expect(events(toy)).toEqual([
      [true, [wide]],
      [false, ['of the first part']],
    ]);
    expect(saidOf(first).asked).toEqual([wide, 'the number 7 is above 4']);
    const second = await toy.run(warner({ rank: 9 }));
    expect(second.summary).toMatchObject({ cached: 2, ran: 0 });
    expect(events(toy)).toEqual([[true, [wide, 'the number 7 is above 4', 'of the first part']]]);
    expect(saidOf(second)).toEqual(saidOf(first));
  });

  it('while it works is kept with the unit that it names, or with all, each sentence once', async () => {
    const toy = await openToy();
    const params = { parts: 2, says: ['twice', 'twice', 'with \u001b[2J\nlines'] };
    const outcome = await toy.run(warner(params));
    expect(saidOf(outcome).units).toEqual({
      'part 1': ['twice', 'with \\x1b[2J lines', 'of the first part'],
      'part 2': ['twice', 'with \\x1b[2J lines'],
    });
    expect(saidOf(await toy.run(warner(params))).units).toEqual(saidOf(outcome).units);
  });

  it('is in no key: the same work with other warnings is the same work', async () => {
    const toy = await openToy();
    await toy.run(warner({ parts: 1 }));
    const { preimage, about } = await recordOf(toy, 'w');
    expect(about.warnings).toEqual(['of the first part']);
    expect(JSON.stringify(preimage)).not.toContain('first part');
  });

  it('of files is told by plan and run while it has yet to run', async () => {
    const toy = await openToy();
    const path = join(emptyFolder(), 'data');
    writeFileSync(path, 'four');
    const found = warner({ path }, { paths: ['/path'] });
    const before = await inspectTogether([found], toyRegistry, toy.store);
    expect(before.warned).toEqual([[{ node: 'w', message: 'the file has 4 bytes' }]]);
    expect(saidOf(await toy.run(found)).asked).toEqual(['the number 7 is above 4', 'the file has 4 bytes']);
    const after = await inspectTogether([found], toyRegistry, toy.store);
    expect(after.warned[0]?.map(({ message }) => message)).toEqual(['the number 7 is above 4', 'of the first part']);
  });

  it('by its parameters alone is told without a store', async () => {
    expect(await foreseenWarnings(warner({ rank: 9 }), toyRegistry)).toEqual([{ node: 'w', message: wide }]);
    // facts that follow from parameters count, those of files and of the hub's commits do not
    const registry = new Map(toyRegistry);
    let asked = 0;
    const expect7 = async () => ({ number: 5 + ++asked });
    registry.set('number', { ...(toyRegistry.get('number') as object), expect: expect7 } as never);
    const pathed = (path: string) =>
      plan(node('in', 'number', { path }, {}, { paths: ['/path'] }), node('w', 'warner', { rank: 1 }, { a: 'in' }));
    const commit = 'a'.repeat(40);
    expect(await foreseenWarnings(pathed('/some/file'), registry)).toEqual([]);
    expect(await foreseenWarnings(pathed(`hf://org/name@${commit}`), registry)).toEqual([]);
    expect(asked).toBe(0);
    expect(await foreseenWarnings(pathed('hf://org/name'), registry)).toEqual([
      { node: 'w', message: 'the number 6 is above 4' },
    ]);
  });

  it('of a forced run is told even where an earlier record of the same bytes stays', async () => {
    const toy = await openToy();
    process.env.TOY_QUIET = '1';
    await toy.run(warner({ parts: 1 })).finally(() => delete process.env.TOY_QUIET);
    const cached = await toy.run(warner({ parts: 1 }));
    expect(saidOf(cached).units).toEqual({ 'part 1': [] }); // as of a record from before warnings were kept
    const forced = await toy.run(warner({ parts: 1 }, { force: true }));
    expect(saidOf(forced).units).toEqual({ 'part 1': ['of the first part'] });
  });
});

describe('a record', () => {
  it('is refused when its warnings are no list of texts', async () => {
    const toy = await openToy();
    await toy.run(warner({ parts: 1 }));
    const record = await recordOf(toy, 'w');
    for (const warnings of ['text', [1], {}, [null]]) {
      const changed = { ...record, about: { ...record.about, warnings } } as unknown as StoreRecord;
      expect(parseRecord(recordText(changed), record.key)).toBe('is incomplete');
    }
    expect(parseRecord(recordText(record), record.key)).toMatchObject({
      record: { about: { warnings: ['of the first part'] } },
    });
  });
});

async function recordOf(toy: Toy, stage: string): Promise<StoreRecord> {
  for await (const record of toy.store.records()) if (record.about.stage === stage) return record;
  throw new Error(`there is no record of '${stage}'`);
}
