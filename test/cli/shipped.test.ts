// What comes with lamina, named from a folder that has nothing to do with it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lamina } from './in-process.ts';
import { workFolder } from './program.ts';

const root = resolve(import.meta.dirname, '../..');
const folder = workFolder();
afterAll(() => folder.remove());

const own = (pipeline: string, fragment: string): string => `experiment: own
extends: ${fragment}
pipeline: ${pipeline}
params: { data: "\${datasets.dialogsum}" }
axes:
  method:
    values:
      original: { metric: original_ppl.perplexity }
      shared: { metric: shared_ppl.perplexity }
table: { rows: [method], columns: [], metric: perplexity, better: lower }
`;

const write = (name: string, text: string) => writeFileSync(join(folder.path, name), text);
const run = (...args: string[]) => lamina(folder.path, ...args);

interface PlanJson {
  stages: { name: string; key?: string }[];
}

/** The keys that are known before anything has run, by stage. */
async function keys(...args: string[]): Promise<Record<string, string | undefined>> {
  const { out } = await run('plan', ...args, '--json');
  const { stages } = JSON.parse(out) as PlanJson;
  return Object.fromEntries(stages.filter(({ key }) => key !== undefined).map(({ name, key }) => [name, key]));
}

beforeAll(() => write('own.yaml', own('lamina:sharp', 'lamina:common/sharp')));

describe('a name stands for what is shipped', () => {
  test('on the command line, for experiments, pipelines and fragments, short or with their folder', async () => {
    const names = ['quickstart', 'experiments/quickstart.yaml', 'sharp', 'pipelines/blocks', 'common/sharp'];
    const { code, out } = await run('check', ...names.map((name) => `lamina:${name}`));
    expect({ code, out }).toEqual({ code: 0, out: '✓ 5 specs, no mistakes\n' });
  });

  test('in a spec of one’s own: the pipeline, the fragment, what a pipeline includes', async () => {
    write(
      'wider.yaml',
      'pipeline: wider\ninclude: [lamina:sharp]\nstages: { more: { use: ratios, in: { model: base, recovery: shared } } }\n',
    );
    write('wide.yaml', own('wider.yaml', 'lamina:common/sharp'));
    const { code, out, err } = await run('check', 'own.yaml', 'wide.yaml');
    expect({ code, out, err }).toEqual({ code: 0, out: '✓ 2 specs, no mistakes\n', err: '' });
  });

  test('a model enters keys by its bytes: its name and its path give the same', async () => {
    const byName = await keys('own.yaml', '--set', 'model=lamina:tiny');
    expect(Object.keys(byName)).toContain('base');
    expect(byName).toEqual(await keys('own.yaml', '--set', `model=${join(root, 'models/tiny')}`));
    expect(byName).toEqual(await keys('own.yaml'));
    expect(byName.base).not.toEqual((await keys('own.yaml', '--set', 'model=lamina:tiny-gqa')).base);
  });

  test('an experiment makes the same keys by its name as by its path', async () => {
    expect(await keys('lamina:table-1')).toEqual(await keys(join(root, 'experiments/table-1.yaml')));
  });

  test('why, show and diff take it', async () => {
    const why = await run('why', 'lamina:quickstart', 'base');
    expect(why).toMatchObject({ code: 0, out: 'will run: nothing like it has run in this store\n' });
    expect((await run('show', 'lamina:quickstart')).err).toContain("there is no run of 'quickstart' in '.lamina'");
    const diff = await run('diff', 'lamina:table-2', 'lamina:table-2:tiny-gqa');
    expect(diff.out).toMatch(
      /base\.path +lamina:models\/tiny → lamina:models\/tiny-gqa .* lamina:experiments\/common\/sharp\.yaml:\d+:14 → /,
    );
  });

  test('a file of that name is reached by its path', async () => {
    mkdirSync(join(folder.path, 'odd'));
    write('odd/lamina:own', own('lamina:sharp', 'lamina:common/sharp'));
    expect(await run('check', './odd/lamina:own')).toMatchObject({ code: 0 });
  });
});

describe('a mistake', () => {
  const pipelines = /does not come with lamina, expected 'lamina:basis', 'lamina:blocks', .* or 'lamina:skipping'\n/;

  test('in the name of a pipeline is told at its place, with the nearest, or else with what there is', async () => {
    write('own-wrong.yaml', own('lamina:shrap', 'lamina:common/sharp'));
    const { code, err } = await run('check', 'own-wrong.yaml');
    expect(code).toBe(2);
    expect(err).toContain(
      "own-wrong.yaml:3:11  the pipeline 'lamina:shrap' does not come with lamina (did you mean 'lamina:sharp'?)\n",
    );
    write('own-wrong.yaml', own('lamina:moonshine', 'lamina:common/sharp'));
    expect((await run('check', 'own-wrong.yaml')).err).toMatch(pipelines);
  });

  test('in the name of a fragment, of a spec and of a model', async () => {
    write('own-wrong.yaml', own('lamina:sharp', 'lamina:common/shrap'));
    expect((await run('check', 'own-wrong.yaml')).err).toContain("(did you mean 'lamina:common/sharp'?)");
    expect((await run('run', 'lamina:quickstrat')).err).toContain("(did you mean 'lamina:quickstart'?)");
    const model = await run('plan', 'own.yaml', '--set', 'model=lamina:tniy');
    expect(model.err).toContain(
      "--set model=lamina:tniy  stage 'base': parameter 'path': 'lamina:tniy' does not come with lamina (did you mean 'lamina:tiny'?)\n",
    );
    expect((await run('generate', 'lamina:tniy', '--prompt', 'x')).err).toContain(
      "the model 'lamina:tniy' does not come with lamina",
    );
  });

  test('names that lead out of the package, and the bare scheme, name nothing', async () => {
    for (const name of ['lamina:', 'lamina:../package.json', 'lamina:package.json']) {
      const { code, err } = await run('check', name);
      expect(code).toBe(2);
      expect(err).toContain(`the spec '${name}' does not come with lamina, expected 'lamina:basis', `);
      expect(err).not.toContain('did you mean');
    }
  });

  test('in what is shipped is shown by its name', async () => {
    write(
      'twice.yaml',
      'pipeline: twice\ninclude: [lamina:sharp]\nstages: { base: { use: load, with: { path: lamina:tiny } } }\n',
    );
    const { code, err } = await run('check', 'twice.yaml');
    expect(code).toBe(2);
    expect(err).toMatch(/^lamina:pipelines\/sharp\.yaml:\d+:3 {2}stage 'base' is already declared at twice\.yaml:3\n/);
  });
});

test('a model that is shipped talks', async () => {
  const { code, out } = await run(
    'generate',
    'lamina:tiny',
    '--prompt',
    'Solve 3x + 5 = 20 for x.',
    '--max-tokens',
    '4',
  );
  expect(code).toBe(0);
  expect(out.trim()).not.toBe('');
});
