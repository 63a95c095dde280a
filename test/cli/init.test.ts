// A folder of one's own, outside the tree: begun by `lamina init`, checked, planned and run as it says.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lamina } from './in-process.ts';
import { type Ended, workFolder } from './program.ts';

const folder = workFolder();
afterAll(() => folder.remove());

const files = [
  'experiments/first.yaml',
  'schemas/pipeline.schema.json',
  'schemas/experiment.schema.json',
  'schemas/fragment.schema.json',
  '.vscode/settings.json',
  '.vscode/extensions.json',
  '.gitignore',
];
const next = `
Next:
  lamina check experiments/first.yaml          is the spec right?
  lamina plan experiments/first.yaml           what would run, what does it take?
  lamina run experiments/first.yaml            run it, print the table
`;
const text = (...path: string[]) => readFileSync(join(folder.path, ...path), 'utf8');

describe('lamina init in an empty folder', () => {
  let first: Ended;
  beforeAll(async () => {
    first = await lamina(folder.path, 'init');
  });

  test('writes its files, says which, and what to do next', () => {
    expect(first).toEqual({ code: 0, out: `${files.join('\n')}\n${next}`, err: '' });
    expect(readdirSync(folder.path).sort()).toEqual(['.gitignore', '.lamina', '.vscode', 'experiments', 'schemas']);
    expect(text('.gitignore')).toBe('.lamina/\n');
  });

  test('the editor finds the schemas that were written, by the first line and by the settings', () => {
    const [, named = ''] = /^# yaml-language-server: \$schema=(.*)\n/.exec(text('experiments/first.yaml')) ?? [];
    expect(existsSync(join(folder.path, 'experiments', named))).toBe(true);
    const settings = JSON.parse(text('.vscode/settings.json')) as { 'yaml.schemas': Record<string, string[]> };
    expect(Object.keys(settings['yaml.schemas']).map((name) => existsSync(join(folder.path, name)))).toEqual([
      true,
      true,
      true,
    ]);
  });

  test('the commands that it names work as they stand', async () => {
    expect(await lamina(folder.path, 'check', files[0] ?? '')).toEqual({
      code: 0,
      out: '✓ 1 spec, no mistakes\n',
      err: '',
    });
    const plan = await lamina(folder.path, 'plan', files[0] ?? '');
    expect(plan).toMatchObject({ code: 0, err: '' });
    expect(plan.out).toContain('first · tiny · 6 cells\n');
    const { code, out, err } = await lamina(folder.path, 'run', files[0] ?? '');
    expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('claims  2 hold');
    const shown = await lamina(folder.path, 'show', 'first', '--format', 'json');
    const { cells } = JSON.parse(shown.out) as { cells: { method: string; type: string; value: number }[] };
    expect(cells).toHaveLength(6);
    expect(readdirSync(join(folder.path, 'results/first/tiny'))).toContain('cells.json');
  });

  test('what is there stays, and is told', async () => {
    writeFileSync(join(folder.path, 'experiments/first.yaml'), 'mine\n');
    writeFileSync(join(folder.path, '.gitignore'), 'node_modules/\n');
    const { code, out, err } = await lamina(folder.path, 'init');
    const told = files.map(
      (name) =>
        `! '${name}' is there already and stays as it is${name === '.gitignore' ? ": add the line '.lamina/' to it" : ''}\n`,
    );
    expect({ code, out, err }).toEqual({ code: 0, out: next, err: told.join('') });
    expect([text('experiments/first.yaml'), text('.gitignore')]).toEqual(['mine\n', 'node_modules/\n']);
  });
});

test('a folder that is named is made, and entered by the next commands', async () => {
  const { code, out } = await lamina(folder.path, 'init', "new/Kim's");
  expect(code).toBe(0);
  expect(out).toContain("new/Kim's/experiments/first.yaml\n");
  expect(out).toContain("\nNext:\n  cd 'new/Kim'\\''s'\n  lamina check experiments/first.yaml ");
  const inside = join(folder.path, "new/Kim's");
  expect(await lamina(inside, 'check', 'experiments/first.yaml')).toMatchObject({ code: 0 });
});

test('what stands in the way is named', async () => {
  writeFileSync(join(folder.path, 'file'), '');
  const inFile = await lamina(folder.path, 'init', 'file');
  expect(inFile).toEqual({
    code: 2,
    out: '',
    err: "error  'file' is a file, expected a folder, or a name for a new one\n",
  });
  mkdirSync(join(folder.path, 'odd'));
  writeFileSync(join(folder.path, 'odd/schemas'), '');
  const odd = await lamina(folder.path, 'init', 'odd');
  expect(odd.err).toBe("error  cannot write 'odd/schemas/pipeline.schema.json': a file is in the way\n");
  expect(odd.code).toBe(2);
});
