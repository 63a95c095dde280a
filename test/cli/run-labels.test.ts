// What people do with runs: name, tag and note them, remove them, list what differs, and name one where a spec is expected.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toy } from './in-process.ts';
import { fixtures, workFolder } from './program.ts';

const folder = workFolder();
const say = (...args: string[]) => toy(folder.path, ...args);
const text = readFileSync(join(fixtures, 'toy.yaml'), 'utf8');
const write = (change: (spec: string) => string = (spec) => spec) =>
  writeFileSync(join(folder.path, 'toy.yaml'), change(text));
const lines = async (...args: string[]) => (await say('runs', ...args)).out.trimEnd().split('\n');
const numbers = async (...args: string[]) => (await lines(...args)).map((line) => /@(\d+)-/.exec(line)?.[1]);

/** 1 is the spec as written, 2 and 3 are trials, 4 is the spec after an edit. */
beforeAll(async () => {
  mkdirSync(join(folder.path, '.lamina'));
  writeFileSync(join(folder.path, 'toy-pipeline.yaml'), readFileSync(join(fixtures, 'toy-pipeline.yaml')));
  write();
  await toy(
    folder.path,
    'run',
    'toy.yaml',
    '--name',
    'first',
    '--tag',
    'a',
    '--tag',
    'b',
    '--tag',
    'a',
    '--note',
    'as written',
  );
  await toy(folder.path, 'run', 'toy.yaml', '--set', 'pieces.count=3', '--name', 'trial');
  await toy(folder.path, 'run', 'toy.yaml', '--only', 'method=good', '--name', 'trial');
});
afterAll(() => folder.remove());

describe('a trial', () => {
  test('is not the run that an experiment means, and is named where it is passed over', async () => {
    const shown = await say('show', 'toy', '--json');
    expect([JSON.parse(shown.out).run.split('-')[0], shown.code]).toEqual(['1', 0]);
    expect(shown.err).toMatch(/^passed over: 2 later trials, the last of them \(toy@3-\S+Z: --only method=good\)\n$/);
    const diff = await say('diff', 'toy');
    expect(diff.err).toContain("experiment 'toy' has only one run with profile 'default'");
  });

  test('is shown by its number, and compared with the run that the experiment means, the older first', async () => {
    expect(JSON.parse((await say('show', 'toy@2', '--json')).out).run).toMatch(/^2-/);
    const { out } = await say('diff', 'toy@2');
    expect(out).toMatch(/^toy@1-\S+ → toy@2-\S+\n/);
    expect(out).toContain('pieces.count  2 → 3');
  });

  test('with --set leaves the claims undecided, and says its number at the end', async () => {
    const { code, out, err } = await toy(folder.path, 'run', 'toy.yaml', '--set', 'number.value=9', '--store', 'other');
    expect(out).toContain("(not decided, since --set number.value=9 is off the spec's grid)");
    expect(err).toContain('lamina show toy@1 ');
    expect(code).toBe(0);
  });

  test('is shown where there is nothing else', async () => {
    const alone = workFolder();
    await toy(alone.path, 'run', join(fixtures, 'toy.yaml'), '--only', 'method=good');
    const { code, err, out } = await toy(alone.path, 'show', 'toy');
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('Good');
    alone.remove();
  });
});

describe('a list of runs', () => {
  test('has the newest last, with one number, what differs, and what people say of them', async () => {
    const [first, second, third] = await lines();
    expect(first).toMatch(
      /^toy@1-\S+Z {2}first {2}done {2}default {2}2 cells {2}1 ✓ {2}\d+:\d\d {2}perplexity 1\.50 \(good\) {2}pieces\.count=2 {2,}#a #b {2}as written$/,
    );
    expect(second).toMatch(/^toy@2-\S+Z {2}trial {2}done .* 1 \? .*\(good\) {2}--set pieces\.count=3$/);
    expect(third).toMatch(/^toy@3-\S+Z {2}trial {2}done .*\(good\) {2}--only method=good pieces\.count=2$/);
    const json = JSON.parse((await say('runs', '--json')).out);
    expect(json[0]).toMatchObject({
      labels: { name: 'first', tags: ['a', 'b'], note: 'as written' },
      number: { metric: 'perplexity', cell: 'good', value: 1.5 },
      differs: { 'pieces.count': [2] },
    });
    expect(json[1].differs).toEqual({ 'pieces.count': [3] });
  });

  test('has the number of the cell that is asked for, where a run has it', async () => {
    const [first, , third] = await lines('toy', '--cell', 'bad');
    expect(first).toContain('perplexity 40.0 (bad)');
    expect(third).not.toContain('perplexity');
    const { code, err } = await say('runs', '--cell', 'bda');
    expect([code, err]).toEqual([2, "error  --cell: no run that is listed has a cell 'bda' (did you mean 'bad'?)\n"]);
  });

  test('is cut to the latest', async () => {
    expect(await numbers('--limit', '2')).toEqual(['2', '3']);
    expect((await say('runs', '-n', '1')).err).toBe('the latest 1 of 3 runs: --limit N or --all for more\n');
    expect(JSON.parse((await say('runs', '--json', '--limit', '1')).out).length).toBe(1);
    expect(await numbers('--all')).toEqual(['1', '2', '3']);
  });
});

describe('a name', () => {
  test('stands for the run, the latest of several', async () => {
    expect(JSON.parse((await say('show', 'toy@first', '--json')).out).run).toMatch(/^1-/);
    expect(JSON.parse((await say('show', 'toy@trial', '--json')).out).run).toMatch(/^3-/);
    expect((await say('diff', 'toy@first', 'toy@trial')).out).toMatch(/^toy@1-\S+ → toy@3-/);
  });

  test.each([
    [
      ['--name', '17'],
      "error  '17' cannot be the name of a run: expected a letter, then letters, digits, '_', '-' and '.', 64 at most\n",
    ],
    [['--name', 'results'], "error  a run cannot be named 'results', which means something else after '@'\n"],
    [['--tag', '--x'], "error  '--x' cannot be the tag of a run: expected a letter, "],
    [['--note', 'x'.repeat(2001)], 'error  the note has 2001 characters, expected at most 2000\n'],
  ])('that cannot be one is refused before anything runs: %j', async (flags, message) => {
    const { code, err } = await say('run', 'toy.yaml', ...flags);
    expect(err).toContain(message);
    expect(code).toBe(2);
    expect(await numbers()).toEqual(['1', '2', '3']);
  });
});

describe('a run in the place of a spec', () => {
  test('is its spec with its profile and flags', async () => {
    const plan = JSON.parse((await say('plan', 'toy@3', '--json')).out);
    expect(plan).toEqual(JSON.parse((await say('plan', 'toy.yaml', '--only', 'method=good', '--json')).out));
    const why = await say('why', 'toy@2', 'pieces');
    expect(why.out).toBe((await say('why', 'toy.yaml', 'pieces', '--set', 'pieces.count=3')).out);
    const copied = await say('copy', 'toy@trial', 'number', '--to', 'copied');
    expect([copied.code, copied.err]).toEqual([0, '']);
    expect(existsSync(join(folder.path, copied.out.trim()))).toBe(true);
  });

  test('may be the outcome that is kept, and needs no store then', async () => {
    const plan = JSON.parse((await say('plan', 'toy@results', '--json')).out);
    expect(plan).toEqual(JSON.parse((await say('plan', 'toy.yaml', '--json')).out));
    expect((await say('show', 'toy@results')).out).toContain('Good   ★ 1.50  (1.4)');
  });

  test('has flags of its own, and has to be there', async () => {
    expect((await say('plan', 'toy@1', '--set', 'value=1')).err).toBe(
      "error  --set has no place beside 'toy@1', which has flags of its own: name the spec instead\n",
    );
    expect((await say('plan', 'toy@1', '--profile', 'x')).err).toContain('--profile has no place beside');
    expect((await say('why', 'toy@9', 'number')).err).toMatch(
      /^error {2}experiment 'toy' has no run '9' in '\.lamina': its latest runs are 1-\S+, 2-\S+, 3-\S+ \(see 'lamina runs'\)\n$/,
    );
    expect((await say('generate', 'toy@9', '--prompt', 'x')).err).toContain("experiment 'toy' has no run '9'");
  });

  test('whose spec changed since is said to have, and nothing is copied by it', async () => {
    write((spec) => spec.replace('value: 1.5', 'value: 1.7'));
    const changed = "'toy.yaml' makes another plan now than for 'toy@1' (see 'lamina diff toy@1 toy.yaml')";
    expect((await say('plan', 'toy@1')).err).toBe(`! ${changed}\n`);
    expect((await say('why', 'toy@1', 'number')).err).toContain(`! ${changed}\n`);
    const copied = await say('copy', 'toy@1', 'number', '--to', 'none');
    expect([copied.code, copied.err]).toEqual([2, `error  ${changed}: its files cannot be found by it\n`]);
    await toy(folder.path, 'run', 'toy.yaml');
    const [first, , , fourth] = await lines();
    expect(first).toContain(' number.value=1.5,40  ');
    expect(fourth).toMatch(/ number\.value=1\.7,40$/);
    expect((await say('diff', 'toy')).out).toMatch(/^toy@1-\S+ → toy@4-/);
    write();
  });
});

describe('runs', () => {
  const labels = async () =>
    JSON.parse((await say('runs', '--json')).out).map(({ labels }: { labels: object }) => labels);

  test('are tagged and noted, with flags of the outer command in any place', async () => {
    expect((await say('runs', 'tag', 'toy@2', 'c', 'd', '--store', '.lamina')).out).toMatch(/^toy@2-\S+\n$/);
    await say('runs', 'tag', 'toy@2', 'c', '--remove');
    await say('runs', '--store', '.lamina', 'note', 'toy@2', 'two words');
    expect((await labels())[1]).toEqual({ name: 'trial', tags: ['d'], note: 'two words' });
    await say('runs', 'note', 'toy@2', '');
    expect((await labels())[1]).toEqual({ name: 'trial', tags: ['d'], note: '' });
    const elsewhere = await say('runs', 'tag', 'toy@2', 'c', '--store', 'other');
    expect(elsewhere.err).toContain("there is no run '2' of 'toy' in 'other'");
  });

  test('are removed only where one is meant, and their numbers do not come again', async () => {
    expect((await say('runs', 'rm', 'toy')).err).toBe(
      "error  'toy' names no run: expected NAME@RUN, such as quickstart@17 (see 'lamina runs')\n",
    );
    expect((await say('runs', 'rm', 'toy@trial')).err).toMatch(
      /^error {2}'toy@trial' means 2 runs \(2-\S+, 3-\S+\): give the number of one\n$/,
    );
    expect((await say('runs', 'rm', 'toy@4', 'toy@99')).err).toContain("there is no run '99' of 'toy' in '.lamina'");
    expect(await numbers()).toEqual(['1', '2', '3', '4']);
    const before = readdirSync(join(folder.path, '.lamina/ac')).length;
    expect((await say('runs', 'rm', 'toy@3', 'toy@4')).out).toMatch(/^toy@3-\S+\ntoy@4-\S+\n$/);
    expect(await numbers()).toEqual(['1', '2']);
    expect(readdirSync(join(folder.path, '.lamina/ac')).length).toBe(before);
    await toy(folder.path, 'run', 'toy.yaml');
    expect(await numbers()).toEqual(['1', '2', '5']);
  });

  test('whose labels are damaged are listed all the same', async () => {
    const [run = ''] = readdirSync(join(folder.path, '.lamina/runs/toy')).filter((name) => name.startsWith('2-'));
    writeFileSync(join(folder.path, '.lamina/runs/toy', run, 'labels.json'), '{}');
    const { code, out, err } = await say('runs');
    expect(err).toContain("labels.json' is damaged: it lacks its digest");
    expect(out).toMatch(/\ntoy@2-\S+ {2,}done /);
    expect(code).toBe(0);
    expect((await say('show', 'toy@2')).code).toBe(0);
  });
});
