// What a stage took as a number of the table: from the records of all units that it is made of, the same whoever asks.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { CellResult } from '../../contract/result.ts';
import { openStore } from '../../store/open-store.ts';
import { toy } from './in-process.ts';
import { fixtures, workFolder } from './program.ts';

const work = workFolder();
afterAll(() => work.remove());

writeFileSync(join(work.path, 'p.yaml'), readFileSync(join(fixtures, 'toy-pipeline.yaml'), 'utf8'));
writeFileSync(
  join(work.path, 'e.yaml'),
  `experiment: e
pipeline: p.yaml
params: { wait_ms: 40 }
axes:
  measure:
    values:
      number: { metric: number.perplexity }
      hours: { metric: number.work.hours }
      before: { metric: pieces.work.hours }
      operations: { metric: number.work.operations }
table: { rows: [measure], metric: m, better: neither }
`,
);

interface Told {
  cells: (CellResult & { measure: string })[];
}

const cellsOf = (json: string) => new Map((JSON.parse(json) as Told).cells.map((cell) => [cell.measure, cell]));

/** Hours by stage, of all records in the store. */
async function recordedHours(): Promise<Map<string, number>> {
  const store = await openStore(join(work.path, '.lamina'), { mode: 'read' });
  const hours = new Map<string, number>();
  try {
    for await (const { about } of store.records()) {
      hours.set(about.stage, (hours.get(about.stage) ?? 0) + about.duration_ms / 3_600_000);
    }
  } finally {
    store.close();
  }
  return hours;
}

test('hours are those of the records of all units that a stage is made of, also when nothing runs', async () => {
  const first = cellsOf((await toy(work.path, 'run', 'e.yaml', '--json')).out);
  const hours = await recordedHours();
  const [number = Number.NaN, pieces = Number.NaN] = [hours.get('number'), hours.get('pieces')];
  expect(pieces).toBeGreaterThan(0);
  expect(first.get('hours')?.value).toBeCloseTo(number + pieces, 12);
  expect(first.get('before')?.value).toBeCloseTo(pieces, 12);
  // its record is where the chain below the number begins; a stage of several units has none
  expect(first.get('hours')?.key).toBe(first.get('number')?.key);
  expect(first.get('before')?.key).toBeNull();
  const again = cellsOf((await toy(work.path, 'run', 'e.yaml', '--json')).out);
  expect([...again.values()].map(({ value }) => value)).toEqual([...first.values()].map(({ value }) => value));
});

test('operations that a stage could not count are told, and are no number', async () => {
  const { code, err } = await toy(work.path, 'run', 'e.yaml', '--json');
  expect(code).toBe(1);
  expect(err).toContain(
    "not all records of what 'number' is made of say its operations: they are of an older lamina, or a stage could not count them (a new store has new records: --store FOLDER)",
  );
});

test('why and diff say the same number as the run', async () => {
  const { value } = cellsOf((await toy(work.path, 'run', 'e.yaml', '--json')).out).get('hours') as CellResult;
  const why = JSON.parse((await toy(work.path, 'why', 'e.yaml', 'hours', '--json')).out);
  expect(JSON.stringify(why)).toContain(`"value":${value}`);
  const other = readFileSync(join(work.path, 'e.yaml'), 'utf8').replace('wait_ms: 40', 'wait_ms: 0');
  writeFileSync(join(work.path, 'other.yaml'), other);
  await toy(work.path, 'run', 'other.yaml', '--json');
  const diff = JSON.parse((await toy(work.path, 'diff', 'e.yaml', 'other.yaml', '--json')).out);
  expect(JSON.stringify(diff)).toContain(`"before":${value},`);
});
