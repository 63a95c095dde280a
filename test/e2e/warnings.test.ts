// What lamina's own stages warn of, from a model folder to a committed outcome: said at check, plan and run, and again from the cache.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Ended } from '../cli/program.ts';
import { openWork } from './small-spec.ts';

const work = openWork();
const ofBase =
  "stage 'base' (2 cells): config.json: 'sliding_window' is 4: it has no effect, as in transformers' Llama: every token sees all before it";
const ofWarm =
  "stage 'warm' (1 of 2 cells): rank 97 is above the width 96 of the model's matrices: A B can be any matrix there, and has more parameters than one";
const rank = ['--set', 'rank=97'];
const lines = (text: string) => text.split('\n').filter((line) => line.startsWith('!'));

let planned: Ended;
let ran: Ended;
beforeAll(async () => {
  const file = join(work.path, 'model/config.json');
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), sliding_window: 4 }));
  planned = await work.lamina('plan', 'small.yaml', ...rank);
  ran = await work.lamina('run', 'small.yaml', ...rank);
});
afterAll(() => work.remove());

test('before anything runs', () => {
  expect(lines(planned.err)).toEqual([`! ${ofBase}`, `! ${ofWarm}`]);
  expect(lines(ran.err).slice(0, 2)).toEqual([`! ${ofBase}`, `! ${ofWarm}`]);
});

test('while it runs, of the records that are cut', () => {
  const cut = lines(ran.err).slice(2);
  expect(cut.length).toBeGreaterThan(0);
  for (const line of cut)
    expect(line).toMatch(/^! stage '\w+': \d+ of \d+ records (is|are) longer than 64 tokens|fewer than 10/);
  expect(ran.code).toBe(0);
});

test('under the table, and from the cache with the same words', async () => {
  const table = ran.out.slice(ran.out.indexOf('warnings  '));
  expect(table).toContain(`\n  ! ${ofBase}\n  ! `);
  expect(table).toContain(`\n  ! ${ofWarm}\n`);
  const again = await work.lamina('run', 'small.yaml', ...rank);
  expect(again.err).toContain(' 0 to run');
  expect(again.out).toBe(ran.out);
  expect(lines(again.err)).toHaveLength(lines(ran.err).length);
});

test('at check where the specs alone tell it, without a model', async () => {
  const model = ['--set', 'model=hf://meta-llama/Llama-2-7b-hf'];
  const told = await work.lamina('check', 'small.yaml', '--set', 'rank=4097', ...model);
  expect(lines(told.err)).toEqual([
    "! small.yaml, profile tiny: stage 'warm' (1 of 2 cells): rank 4097 is above the width 4096 of the model's matrices: A B can be any matrix there, and has more parameters than one",
  ]);
  expect(told.code).toBe(0);
  const folder = await work.lamina('check', 'small.yaml', ...rank);
  expect(folder.err).toBe('');
});

test('from the run alone, when store and model are gone', async () => {
  const plain = await work.lamina('run', 'small.yaml');
  expect(plain.code).toBe(0);
  rmSync(join(work.path, '.lamina'), { recursive: true });
  rmSync(join(work.path, 'model'), { recursive: true });
  const shown = await work.lamina('show', 'small', '--json');
  expect(JSON.parse(shown.out).warnings[0]).toEqual({
    stage: 'base',
    message: ofBase.slice(ofBase.indexOf(': ') + 2),
    cells: 2,
  });
});
