// `lamina cache`, `gc` and `verify`, as users give them.
import { chmodSync, copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { refuseTooFull } from '../../cli/runs/disk-check.ts';
import { floor_bytes } from '../../runner/estimate/disk.ts';
import { Survey } from '../../runner/survey/survey.ts';
import { openFileStore } from '../../store/file-store.ts';
import { toyRegistry } from '../runner/fixtures/toy-stages.mjs';
import { node, plan } from '../runner/toy-plan.ts';
import { emptyFolder } from '../store/drafts.ts';
import { toy } from './in-process.ts';
import { fixtures, workFolder } from './program.ts';

let folder: string;

beforeEach(() => {
  const work = workFolder();
  onTestFinished(() => work.remove());
  folder = work.path;
  for (const name of ['toy.yaml', 'toy-pipeline.yaml']) copyFileSync(join(fixtures, name), join(folder, name));
});

const give = (...words: string[]) => toy(folder, ...words);
const json = async (...words: string[]) => JSON.parse((await give(...words, '--json')).out);

function artifacts(): string[] {
  const cas = join(folder, '.lamina', 'cas');
  return readdirSync(cas).flatMap((part) => readdirSync(join(cas, part)).map((name) => join(cas, part, name)));
}

describe('lamina cache', () => {
  test('says what stages, experiments and runs have, and what several have', async () => {
    expect((await give('cache')).out).toBe(`.lamina: 0 B in 0 artifacts of 0 units\n`);
    await toy(folder, 'run', 'toy.yaml');
    await toy(folder, 'run', 'toy.yaml', '--set', 'value=7');
    const { stages, experiments, runs, total } = await json('cache');
    expect(stages.owners.map(({ name, records }: { name: string; records: number }) => [name, records])).toEqual([
      ['measure', 3],
      ['parts', 2],
    ]);
    expect(experiments.owners).toHaveLength(1);
    expect(experiments.owners[0]).toMatchObject({ name: 'toy', records: 5, size_bytes: total.size_bytes });
    expect(runs.owners.map(({ records }: { records: number }) => records).sort()).toEqual([3, 4]);
    expect(runs.shared_bytes).toBe(2); // the two parts
    const sizes = artifacts().reduce((sum, path) => sum + readFileSync(path).length, 0);
    expect(total).toMatchObject({ artifacts: artifacts().length, records: 5, size_bytes: sizes });
    expect((await give('cache')).out).toMatch(/^stage +units +bytes +alone\nmeasure +3 /);
  });
});

test('a store that is not there is not made in order to be cleaned or read over', async () => {
  const refused = `error  there is no store '.lamina': name one with --store, or run a spec first\n`;
  for (const words of [['verify'], ['gc', '--yes']]) {
    expect(await give(...words)).toMatchObject({ code: 2, out: '', err: refused });
  }
  expect(readdirSync(folder)).not.toContain('.lamina');
});

describe('lamina gc', () => {
  test('says what it would free, frees it with --yes, and what is kept needs no run', async () => {
    await toy(folder, 'run', 'toy.yaml');
    await toy(folder, 'run', 'toy.yaml', '--set', 'value=7', '--name', 'seven');
    expect((await give('gc')).out).toMatch(/^nothing to free: 2 runs kept, /);
    const before = artifacts();
    const asked = await give('gc', '--keep', 'toy@2', '--keep-last', '0');
    expect(asked.out).toMatch(/^toy number +2 units +\d+ B +made in 0:0\d +no kept run has it\nwould free /);
    expect(asked.out).toContain('1 run kept, 1 not');
    expect(asked.out).toContain('nothing was removed: the same command with --yes does it\n');
    expect(artifacts()).toEqual(before);
    const done = await json('gc', '--keep-last', '0', '--yes'); // the second run has a name
    expect(done).toMatchObject({ done: true, dropped: [expect.stringMatching(/^toy@1-/)] });
    expect(artifacts()).toHaveLength(before.length - 2);
    const plans = [await json('plan', 'toy.yaml', '--set', 'value=7'), await json('plan', 'toy.yaml')];
    expect(plans.map(({ summary }) => summary)).toEqual([
      { hit: 3, run: 0, depends: 0 },
      { hit: 2, run: 2, depends: 0 },
    ]);
    expect((await give('show', 'toy@1')).out).toContain('1.5'); // its table is not collected
  });

  test('frees what is used up, after which nothing runs again, and `why` still tells all', async () => {
    await toy(folder, 'run', 'toy.yaml');
    const told = (await give('why', 'toy.yaml', 'good')).out;
    const asked = await give('gc', '--intermediate');
    expect(asked.out).toMatch(/^toy pieces +2 units +2 B +made in 0:0\d +used by all that read it; its record stays\n/);
    expect(await json('gc', '--intermediate', 'number')).toMatchObject({ freed_bytes: 0 });
    expect(await json('gc', '--intermediate', 'parts', '--yes')).toMatchObject({ freed_bytes: 2 });
    expect(await json('plan', 'toy.yaml')).toMatchObject({ summary: { hit: 4, run: 0, depends: 0 } });
    expect((await give('why', 'toy.yaml', 'good')).out).toBe(told);
    const more = await toy(folder, 'run', 'toy.yaml', '--set', 'value=9');
    expect([more.code, more.err.includes('made again')]).toEqual([0, false]);
    expect(artifacts()).toHaveLength(5);
  });

  test('with a quota that cannot be reached says by how much, and exits with 1', async () => {
    await toy(folder, 'run', 'toy.yaml');
    const { code, err } = await give('gc', '--quota', '1B');
    expect(code).toBe(1);
    expect(err).toMatch(/^! \d+ B above the quota are needed by kept runs: add --intermediate, or keep fewer runs/);
  });

  test.each([
    [['--quota', 'much'], 'expected a size such as 500MB, 4.5GB or 10GiB'],
    [['--older-than', '3 moons'], 'expected a time such as 90s, 30min, 12h, 7d or 2w'],
    [['--keep', 'toy@99'], "there is no run 'toy@99' in '.lamina' to keep (see 'lamina runs')"],
  ])('%j is a mistake that is named', async (words, sentence) => {
    const { code, err } = await toy(folder, 'gc', ...words);
    expect([code, err]).toEqual([2, expect.stringContaining(sentence)]);
  });
});

describe('lamina verify', () => {
  test('names what is damaged with its cells, puts it aside, and the next run makes it again', async () => {
    await toy(folder, 'run', 'toy.yaml');
    expect((await give('verify')).code).toBe(0);
    const damaged = artifacts().find((path) => path.endsWith('-1') === false) as string;
    const bytes = readFileSync(damaged);
    chmodSync(damaged, 0o644);
    writeFileSync(damaged, Buffer.from(bytes).fill(32));
    const { code, out } = await give('verify');
    expect(code).toBe(1);
    expect(out).toMatch(
      /^artifact [0-9a-f]{12} was changed on disk\n {2}toy, stage 'number' \(method=(good|bad)\): the next run makes it again\n/,
    );
    expect(out).toMatch(
      /4 artifacts \(\d+ B\) and 4 records read over: 1 damaged, put aside in '.lamina\/quarantine'\n$/,
    );
    expect(readdirSync(join(folder, '.lamina', 'quarantine'))).toHaveLength(1);
    expect((await toy(folder, 'run', 'toy.yaml')).code).toBe(0);
    expect(readFileSync(damaged)).toEqual(bytes);
    expect((await json('verify')).damaged).toEqual([]);
  });

  test('finds a record that was changed, and a file of a run', async () => {
    await toy(folder, 'run', 'toy.yaml');
    const ac = join(folder, '.lamina', 'ac');
    const record = readdirSync(ac).flatMap((part) =>
      readdirSync(join(ac, part)).map((name) => join(ac, part, name)),
    )[0] as string;
    writeFileSync(record, readFileSync(record, 'utf8').replace('"duration_ms":', '"duration_ms":9'));
    const runs = join(folder, '.lamina', 'runs', 'toy');
    writeFileSync(join(runs, readdirSync(runs)[0] as string, 'end.json'), '{}');
    const { damaged } = await json('verify');
    expect(damaged.map(({ what }: { what: string }) => what)).toEqual(['record', 'run']);
    expect(damaged[0].records[0]).toMatchObject({ experiment: 'toy' });
    expect(damaged[1].detail).toContain("end.json' is damaged");
  });
});

test('a run that would fill the disk is refused, with what it writes and what could be freed', async () => {
  const store = await openFileStore(join(emptyFolder(), 'store'), { mode: 'write' });
  const cost = () => ({ flops: 1, memory_bytes: 1, written_bytes: 3e9 });
  const value = { ...toyRegistry.get('value'), cost } as never;
  const survey = new Survey(plan(node('v', 'value', { value: 1 })), new Map([['value', value]]), store);
  await survey.complete();
  await refuseTooFull(survey, store.folder, 3e9 + floor_bytes);
  await expect(refuseTooFull(survey, store.folder, 2e9)).rejects.toThrow(
    'this run is estimated to write 3 GB of outputs, and 268 MB have to stay free, but the disk of the store has 2 GB: ' +
      'choose a --store on another disk, or run it all the same with --no-disk-check',
  );
  store.close();
});
