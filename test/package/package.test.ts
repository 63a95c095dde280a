// The pages about stages of one's own, walked by their words in a folder outside the tree, with lamina as npm packs it.
import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type Ended, start } from '../cli/program.ts';
import { installed, packedVersion } from './install.ts';
import { root, writeBlocks } from './pages.ts';

const home = installed();
afterAll(() => home.remove());

const lamina = (...args: string[]): Promise<Ended> => start(home.program, home.path, ...args).ended;

/** Numbers of the latest run by the value of an axis. */
async function cells(name: string, axis: string): Promise<Record<string, number>> {
  const { out } = await lamina('show', name, '--format', 'json');
  const { cells } = JSON.parse(out) as { cells: Record<string, string | number>[] };
  return Object.fromEntries(cells.map((cell) => [cell[axis], Number(cell.value)]));
}

describe('docs/add-a-stage.md, with the packed package', () => {
  it('shows the files of a stage, a pipeline and an experiment', () => {
    expect(writeBlocks('add-a-stage.md', home.path)).toEqual([
      'words.mjs',
      'answer-length.mjs',
      'answers-pipeline.yaml',
      'answers.yaml',
    ]);
  });

  it('checks and runs', async () => {
    expect(await lamina('check', 'answers.yaml')).toMatchObject({ code: 0, out: '✓ 1 spec, no mistakes\n' });
    const { code, err } = await lamina('run', 'answers.yaml');
    expect(err).toContain('3 units: 0 cached, 3 to run');
    expect(code).toBe(0);
    const found = await cells('answers', 'at_least');
    expect(found['0']).toBeGreaterThan(0);
    expect(found['20']).toBeGreaterThan(found['0'] ?? 0); // the mean without the short ones
  });

  it('is cached, runs again when an import is edited, and not when the module has another name', async () => {
    expect((await lamina('run', 'answers.yaml')).err).toContain('3 units: 3 cached, 0 to run');
    appendFileSync(join(home.path, 'words.mjs'), '// a remark\n');
    const why = await lamina('why', 'answers.yaml', 'length');
    expect(why.out).toMatch(/will run: code of the stage +bytes \w{8} → bytes \w{8} +answers-pipeline\.yaml:7:18/);
    expect((await lamina('run', 'answers.yaml')).err).toContain('3 units: 1 cached, 2 to run');
    expect((await lamina('diff', 'answers@1', 'answers@3')).out).toMatch(/length.*use/s);
    const pipeline = join(home.path, 'answers-pipeline.yaml');
    renameSync(join(home.path, 'answer-length.mjs'), join(home.path, 'length.mjs'));
    writeFileSync(pipeline, readFileSync(pipeline, 'utf8').replace('./answer-length.mjs', './length.mjs'));
    expect((await lamina('run', 'answers.yaml')).err).toContain('3 units: 3 cached, 0 to run');
  });

  it('is listed, described, and completed by the schemas of the folder', async () => {
    expect((await lamina('stages', '--spec', 'answers.yaml')).out).toMatch(/^answer-length +the mean number of words/m);
    const described = await lamina('stages', 'answer-length', '--spec', '.');
    expect(described.out).toMatch(/^ {2}at_least +integer ≥ 0 += 0 +shorter answers do not count$/m);
    await lamina('schemas', '.', '--out', 'schemas');
    const schema = JSON.parse(readFileSync(join(home.path, 'schemas/pipeline.schema.json'), 'utf8'));
    const rules: {
      if: { properties: { use: { const: string } } };
      then: { properties: { with: { anyOf: { properties: object }[] } } };
    }[] = schema.properties.stages.additionalProperties.allOf;
    const own = rules.find((rule) => rule.if.properties.use.const === './length.mjs');
    expect(Object.keys(own?.then.properties.with.anyOf[0]?.properties ?? {})).toEqual(['at_least']);
  });

  it('is typed: what is declared is known in `run`, and a slip is found', () => {
    writeFileSync(join(home.path, 'typed.mts'), typedStage);
    const compiler = join(root, 'node_modules/typescript/bin/tsc');
    const args = [
      '--noEmit',
      '--strict',
      '--module',
      'nodenext',
      '--target',
      'es2023',
      '--types',
      'node',
      '--skipLibCheck',
      'typed.mts',
    ];
    const { stdout } = spawnSync(process.execPath, [compiler, ...args], { cwd: home.path, encoding: 'utf8' });
    const wrong = typedStage.split('\n').flatMap((line, i) => (line.endsWith('// wrong') ? [i + 1] : []));
    const found = [...stdout.matchAll(/^typed\.mts\((\d+),/gm)].map(([, line]) => Number(line));
    expect({ found: [...new Set(found)], stdout }).toEqual({ found: wrong, stdout });
  });

  it('gives out its stage module and its package.json alone', async () => {
    expect(packedVersion(home.path)).toMatch(/^\d+\.\d+\.\d+$/);
    writeFileSync(
      join(home.path, 'reach.mjs'),
      "import('lamina/dist/cli/cli.js').catch((error) => console.log(error.code));\n",
    );
    const out = execFileSync(process.execPath, ['reach.mjs'], { cwd: home.path, encoding: 'utf8' });
    expect(out).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED\n');
  });
});

describe('docs/own-folder.md, with the packed package', () => {
  it('begins a folder whose spec is right, and names what comes with lamina', async () => {
    expect(await lamina('init', 'mine')).toMatchObject({ code: 0, err: '' });
    const names = ['mine/experiments/first.yaml', 'lamina:quickstart', 'lamina:sharp', 'lamina:common/sharp'];
    expect(await lamina('check', ...names)).toMatchObject({ code: 0, out: '✓ 4 specs, no mistakes\n' });
    const { out } = await lamina('diff', 'lamina:table-2', 'lamina:table-2:tiny-gqa');
    expect(out).toContain('lamina:experiments/common/sharp.yaml:');
    expect(out).not.toContain('node_modules');
  });
});

const python = spawnSync('python3', ['--version']).status === 0;
if (!python) console.warn('docs/command.md is not walked: there is no python3 here');

describe.skipIf(!python)('docs/command.md, with the packed package', () => {
  it('measures an exported model with Python', async () => {
    expect(writeBlocks('command.md', home.path)).toEqual(['outliers.py', 'outliers-pipeline.yaml', 'outliers.yaml']);
    const given = ['run', 'outliers.yaml', '--set', `model=${join(root, 'models/tiny')}`];
    const { code, err } = await lamina(...given);
    expect(err).toContain('5 units: 0 cached, 5 to run');
    expect(code).toBe(0);
    const shares = Object.values(await cells('outliers', 'deviations'));
    expect(shares).toHaveLength(3);
    expect(shares).toEqual(shares.toSorted((a, b) => b - a)); // fewer weights lie farther away
    expect(shares.every((share) => share > 0 && share < 0.05)).toBe(true);
    appendFileSync(join(home.path, 'outliers.py'), '# a remark\n');
    expect((await lamina(...given)).err).toContain('5 units: 2 cached, 3 to run');
  });
});

const typedStage = `import { writeFileSync } from 'node:fs';
import { defineStage, Type } from 'lamina/stage';

export default defineStage({
  name: 'typed',
  summary: 'uses all that is typed',
  params: Type.Object({ rank: Type.Integer({ default: 4 }) }),
  inputs: {
    model: { kind: 'checkpoint', summary: 'the model' },
    recovery: { kind: 'recovery', summary: 'its recovery', optional: true },
  },
  outputs: { metrics: { kind: 'metrics', summary: 'numbers', extension: 'json' } },
  units: ({ rank }, { model }) =>
    Array.from({ length: model?.layers ?? 0 }, (_, i) => ({ name: \`layer \${i + 1}\`, params: { layer: i + 1, rank } })),
  async run({ params, inputs, units }) {
    const heads: number | undefined = inputs.model.facts.heads;
    const targets: number | undefined = inputs.recovery?.facts.targets;
    const rank: string = params.rank; // wrong
    inputs.recovery.files; // wrong
    inputs.modell; // wrong
    inputs.model.facts.head; // wrong
    for (const unit of units) {
      const layer: number = unit.params.layer;
      writeFileSync(unit.outputs.metrics, JSON.stringify({ layer, heads, targets }));
      unit.outputs.metric; // wrong
      unit.params.reference; // wrong
      await unit.done();
    }
  },
});
`;
