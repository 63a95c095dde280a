// Collections beside runs: what is freed is made again with the same bytes, and a kill or a run at the same time harms nothing.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type RunOutcome, succeeded } from '../../runner/run/outcome.ts';
import { digestFile } from '../../store/digest.ts';
import { openFileStore } from '../../store/file-store.ts';
import { parseRecord } from '../../store/record.ts';
import { collect } from '../../store/upkeep/collect.ts';
import { filesIn } from '../../store/upkeep/inventory.ts';
import type { RunNeeds } from '../../store/upkeep/roots.ts';
import { createRandom } from '../../util/random.ts';
import { emptyFolder } from '../store/drafts.ts';
import { writeRecords } from '../store/many-records.ts';
import { openToy, pathOf, statuses, values } from './harness.ts';
import { startRun } from './processes.ts';
import { node, plan } from './toy-plan.ts';

const kills = 20;
const together = 4;

const graph = plan(
  node('a', 'value', { value: 3 }),
  node('s', 'split', { parts: 6 }, { a: 'a' }),
  node('t', 'total', {}, { a: 's' }),
  node('end', 'constant', {}, { a: 't' }),
);

/** What a run of `graph` needs; its nodes between are used up. */
function needsOf(outcome: RunOutcome): RunNeeds {
  const units = [...outcome.nodes].map(([id, { units: all }]) => {
    return [id, all.flatMap((unit) => (succeeded(unit) ? [unit.key] : []))] as const;
  });
  return { experiment: 'toy', run: '1', units: new Map(units), used: new Set(['a out', 's out', 't out']) };
}

function needsFile(needs: readonly RunNeeds[]): string {
  const file = join(emptyFolder(), 'needs.json');
  const plain = needs.map(({ units, used, ...rest }) => ({ ...rest, units: [...(units ?? [])], used: [...used] }));
  writeFileSync(file, JSON.stringify(plain));
  return file;
}

function startCollection(folder: string, needs: string, times = 1, kill = 0): ChildProcess {
  const program = join(import.meta.dirname, 'fixtures', 'toy-gc.mjs');
  return spawn(process.execPath, [program, folder, needs, `${times}`, `${kill}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

describe('artifacts that are used up', () => {
  it('are freed, a run after that runs nothing, and who needs them gets the same bytes, without a warning', async () => {
    const toy = await openToy();
    const first = await toy.run(graph);
    const parts = await Promise.all(['part 1', 'part 2'].map((unit) => pathOf(first, 's', unit)));
    const before = await values(first, 's');
    toy.store.close();
    const store = await openFileStore(toy.folder, { mode: 'write' });
    const { taken } = await collect(store, { runs: () => [needsOf(first)], intermediate: { stages: [] } });
    store.close();
    expect(taken.map(({ record }) => record.stage).sort()).toEqual(['a', ...Array(5).fill('s'), 't']); // the first part has the bytes of 'a'
    for (const path of parts) expect(existsSync(path)).toBe(false);

    const again = await openToy(toy.folder);
    again.worked();
    const second = await again.run(graph);
    expect([second.summary.ran, second.summary.cached, again.worked()]).toEqual([0, 9, []]);

    const more = plan(...graph.nodes, node('more', 'sha', {}, { a: 's' }));
    const third = await again.run(more);
    expect(third.status).toBe('done');
    const { 'part 1': first_part, ...others } = statuses(third, 's');
    expect([first_part, ...Object.values(others)]).toEqual(['reused', ...Array(5).fill('ran')]); // 'a' made the first part's bytes
    expect(statuses(third, 't')).toEqual({ '': 'cached' });
    expect(await values(third, 's')).toEqual(before);
    expect(again.events.filter(({ type }) => type === 'warning')).toEqual([]);
  });
});

describe('kill -9 of a collection', () => {
  it(`at ${kills} moments leaves a store that is whole; the next collection goes on, and what is kept is kept`, async () => {
    const random = createRandom('kill a collection');
    const toy = await openToy();
    const outcome = await toy.run(graph);
    const needs = needsFile([{ ...needsOf(outcome), used: new Set() }]);
    toy.store.close();
    let left = 0;
    for (let i = 0; i < kills; i++) {
      writeRecords(toy.folder, `dropped ${i}`, 60);
      const [code, signal] = await once(startCollection(toy.folder, needs, 1, 1 + random.below(120)), 'close');
      expect([code, signal]).toEqual([null, 'SIGKILL']);
      left += [...filesIn(join(toy.folder, 'ac'))].length - 9;
      await expectWhole(toy.folder);
      expect(await values(outcome, 'end')).toEqual(['always the same']);
    }
    console.log(`${kills} kills, each before one of 120 removals or more; ${left} records were left over in all`);
    const last = startCollection(toy.folder, needs);
    expect((await once(last, 'close'))[0]).toBe(0);
    const files = [...filesIn(join(toy.folder, 'ac'))];
    expect(files).toHaveLength(9);
    const again = await openToy(toy.folder);
    expect((await again.run(graph)).summary).toMatchObject({ cached: 9, ran: 0 });
    expect(readdirSync(join(toy.folder, 'leases'))).toEqual([]);
  });
});

describe('a run and collections at once', () => {
  it(`never meet: ${together} runs beside collections that keep nothing find all that they have looked up or made`, async () => {
    const folder = join(emptyFolder(), 'store');
    const nothing = needsFile([]);
    let taken = 0;
    for (let i = 0; i < together; i++) {
      const child = startCollection(folder, nothing, 12);
      let said = '';
      child.stdout?.on('data', (chunk: Buffer) => {
        said += String(chunk);
      });
      const closed = once(child, 'close');
      const run = startRun(folder, plan(...graph.nodes, node(`late${i}`, 'sha', { i }, { a: 's', b: 'end' })));
      const ended = await run.ended;
      expect(ended.outcome?.status).toBe('done');
      expect(run.events.filter(({ type }) => type === 'warning' || type === 'resumed')).toEqual([]);
      await closed;
      taken += Number(/taken (\d+)/.exec(said)?.[1] ?? Number.NaN);
      await expectWhole(folder);
    }
    console.log(`${together} runs beside ${12 * together} collections, which took ${taken} units away`);
    expect(taken).toBeGreaterThan(0);
  });
});

/** Every artifact has the bytes that its name says, every record is what was written. */
async function expectWhole(folder: string): Promise<void> {
  for (const { path, name } of filesIn(join(folder, 'cas'))) {
    const { digest, size } = await digestFile(path);
    expect(name).toBe(`${digest}-${size}`);
  }
  for (const { path } of filesIn(join(folder, 'ac'))) {
    expect(parseRecord(readFileSync(path, 'utf8'), basename(path, '.json'))).toBeTypeOf('object');
  }
}
