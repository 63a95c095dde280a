// Commands in a folder below the project's: they find its store and its results, say so, and keep the same as in the project's folder.
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toy } from './in-process.ts';
import { type Ended, fixtures, toyProgram, workFolder } from './program.ts';

const said = 'store and results of the project in ..\n';

/** A folder with the toy specs in `experiments`. */
function specsIn(folder: string): string {
  const experiments = join(folder, 'experiments');
  mkdirSync(experiments, { recursive: true });
  for (const name of ['toy.yaml', 'toy-pipeline.yaml']) copyFileSync(join(fixtures, name), join(experiments, name));
  return experiments;
}

describe('below a project', () => {
  const folder = workFolder();
  const below = specsIn(folder.path);
  const outcome = join(folder.path, 'results/toy/default');
  let first: Ended;
  let kept: string[];
  const files = () =>
    ['cells.json', 'provenance.json', 'SHA256SUMS'].map((name) => readFileSync(join(outcome, name), 'utf8'));
  beforeAll(async () => {
    await toy(folder.path, 'run', 'experiments/toy.yaml');
    kept = files();
    first = await toy(below, 'run', 'toy.yaml');
  });
  afterAll(() => folder.remove());

  test('the store is found, and said once', () => {
    expect(first.err.startsWith(`${said}toy · default · 2 cells · 4 units: 4 cached, 0 to run\n`)).toBe(true);
    expect(first.err.split(said)).toHaveLength(2);
    expect(first.err.trimEnd().split('\n').at(-1)).toBe(
      '../results/toy/default · lamina show toy · lamina why toy.yaml good',
    );
    expect(first.code).toBe(0);
  });

  test('the outcome is the same to the byte, and there is no second store', () => {
    expect(files()).toEqual(kept);
    expect(JSON.parse(kept[0] ?? '')).toMatchObject({ spec: 'experiments/toy.yaml' });
    expect(existsSync(join(below, '.lamina')) || existsSync(join(below, 'results'))).toBe(false);
  });

  test('from as far below as one likes, for all commands that read the store', async () => {
    const deep = join(below, 'a/b');
    mkdirSync(deep, { recursive: true });
    const shown = await toy(deep, 'show', 'toy');
    expect(shown.err).toBe('store and results of the project in ../../..\n');
    expect(shown.out).toContain('Good   ★ 1.50  (1.4)');
    const plan = await toy(below, 'plan', 'toy.yaml');
    expect(plan).toMatchObject({ code: 0, err: 'store of the project in ..\n' });
    expect(plan.out).toContain('4 units: 4 cached, 0 to run');
    expect((await toy(below, 'runs')).out).toMatch(/^toy@1-.*\n.*toy@2-/);
    expect((await toy(below, 'why', 'toy.yaml', 'good')).err).toBe('store of the project in ..\n');
    expect((await toy(below, 'diff', 'toy@results', 'toy')).err).toContain(said);
  });

  test('checking needs no project, and says nothing of it', async () => {
    expect(await toy(below, 'check', 'toy.yaml')).toMatchObject({ code: 0, err: '' });
  });

  test('--store and LAMINA_STORE win', async () => {
    const { err } = await toy(below, 'plan', 'toy.yaml', '--store', 'other');
    expect(err).toBe('');
    expect((await toy(below, 'runs', '--store', '.lamina')).err).toBe(
      "no runs in '.lamina' yet: start one with lamina run SPEC\n",
    );
    const flagged = await toy(below, 'show', 'toy', '--store', 'other');
    expect(flagged.err).toMatch(
      /^results of the project in \.\.\nno run in 'other'; this is the outcome kept in \.\.\/results\/toy\/default\n/,
    );
    const env = { ...process.env, NO_COLOR: '1', LAMINA_STORE: 'elsewhere' };
    const named = spawnSync(process.execPath, [toyProgram, 'runs'], { cwd: below, env, encoding: 'utf8' });
    expect(named.stderr).toBe("no runs in 'elsewhere' yet: start one with lamina run SPEC\n");
  });

  test('results alone make a project: a clone has no store yet', async () => {
    rmSync(join(folder.path, '.lamina'), { recursive: true });
    const { out, err } = await toy(below, 'show', 'toy');
    expect(err).toContain(said);
    expect(out).toContain('Good   ★ 1.50  (1.4)');
  });
});

describe('there is no project', () => {
  test('in a folder that everybody writes into, above a repository, or where a folder is only called results', async () => {
    const folder = workFolder();
    const open = join(folder.path, 'open');
    mkdirSync(join(open, '.lamina'), { recursive: true });
    chmodSync(open, 0o1777);
    const repository = join(folder.path, 'repository');
    mkdirSync(join(repository, '.git'), { recursive: true });
    mkdirSync(join(folder.path, 'repository/below/results/plots'), { recursive: true });
    mkdirSync(join(folder.path, '.lamina'));
    for (const place of [join(open, 'inner'), join(repository, 'inner'), join(repository, 'below/inner')]) {
      const below = specsIn(place);
      const { code, err } = await toy(below, 'plan', 'toy.yaml');
      expect({ code, err }).toEqual({ code: 0, err: '' });
    }
    folder.remove();
  });
});
