import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { otherCommands, wayOfCommand } from '../../cli/common/unknown-command.ts';
import { lamina } from './in-process.ts';
import { workFolder } from './program.ts';

const root = resolve(import.meta.dirname, '../..');
const folder = workFolder();
afterAll(() => folder.remove());

test('without arguments the help is printed, with every command', async () => {
  const { code, out } = await lamina(folder.path);
  expect(code).toBe(0);
  for (const command of ['check', 'plan', 'run', 'show', 'why', 'runs', 'doctor', 'stages', 'schemas'])
    expect(out).toMatch(new RegExp(`^  ${command} `, 'm'));
});

test('the help of a command has examples', async () => {
  const { code, out } = await lamina(folder.path, 'run', '--help');
  expect(code).toBe(0);
  expect(out).toContain('--only <axis=value,...>');
  expect(out).toContain('lamina run experiments/quickstart.yaml --only method=sharp');
});

describe('a mistake in the arguments is named, with the way out, and exits with 2', () => {
  test.each([
    [
      ['ui', '--port', '99999'],
      "error  option '--port <number>' argument '99999' is invalid: expected a port from 0 to 65535\n",
    ],
    [['shwo'], "error  unknown command 'shwo' (did you mean 'show'?)\n"],
    [['ls'], "error  unknown command 'ls': 'lamina runs' lists the runs, 'lamina show NAME' prints one\n"],
    [
      ['convert'],
      "error  unknown command 'convert': 'lamina export MODEL --format FORMAT --to FOLDER' writes a model for other ",
    ],
    [
      ['train'],
      "error  unknown command 'train': stages do that, and 'lamina run SPEC' runs them (see 'lamina stages')\n",
    ],
    [['run', 'x.yaml', '--profle', 'tiny'], "error  unknown option '--profle' (did you mean '--profile'?)\n"],
    [['run'], "error  'lamina run' expects <spec>, got none (see 'lamina run --help')\n"],
    [['run', 'x.yaml', '--seed', '-1'], 'expected a whole number of at least 0'],
    [['run', 'x.yaml', '--backend', 'onx'], "expected 'onnx', 'tensorflow' or 'cpu' (did you mean 'onnx'?)"],
    [['show', 'nothing'], "there is no run of 'nothing' in '.lamina'"],
    [['show', 'nothing', '--format', 'jsn'], "unknown format 'jsn' (did you mean 'json'?)"],
    [['stages', 'slww'], "error  unknown stage 'slww' (did you mean 'slw'?)\n"],
    [['run', 'missing.yaml'], 'missing.yaml'],
  ])('%j', async (args, message) => {
    const { code, out, err } = await lamina(folder.path, ...args);
    expect(err).toContain(message);
    expect(err).not.toContain('    at ');
    expect(out).toBe('');
    expect(code).toBe(2);
  });
});

test('a command that other programs have is answered with one that there is', async () => {
  const { out } = await lamina(folder.path, '--help');
  const commands = [...out.matchAll(/^ {2}([a-z]+) /gm)].map((match) => match[1]);
  const named = otherCommands().flatMap((name) => {
    expect(commands).not.toContain(name);
    return [...(wayOfCommand(name) ?? '').matchAll(/'lamina ([a-z]+)/g)].map((match) => match[1]);
  });
  expect(named.length).toBeGreaterThan(20);
  for (const name of named) expect(commands).toContain(name);
});

test('the version is that of the package', async () => {
  expect((await lamina(folder.path, '--version')).out).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test('planning and looking load no engine: only workers import the tensor libraries', () => {
  const heavy = ['@tensorflow/tfjs', 'onnxruntime-node', 'apache-arrow', 'hyparquet'];
  const commands = readdirSync(join(root, 'cli/commands')).map((name) => `cli/commands/${name}`);
  const reached = staticImports(['cli/main.ts', 'stages/registry.ts', ...commands].map((name) => join(root, name)));
  expect(reached.size).toBeGreaterThan(60);
  const wrong = [...reached].flatMap(([file, packages]) =>
    packages.filter((name) => heavy.some((each) => name.startsWith(each))).map((name) => `${file} imports ${name}`),
  );
  expect(wrong).toEqual([]);
  const files = [...reached.keys()];
  expect(files).not.toContain(join(root, 'tensor/tf.ts')); // which requires TensorFlow.js
  expect(files).not.toContain(join(root, 'formats/tokenizer/tokenizer.ts'));
});

test('starting opens nothing of typebox, whose hundreds of files cost a third of the time', () => {
  const commands = readdirSync(join(root, 'cli/commands')).map((name) => `cli/commands/${name}`);
  const reached = staticImports(['cli/main.ts', 'stages/registry.ts', ...commands].map((name) => join(root, name)));
  const wrong = [...reached].filter(([, packages]) => packages.includes('typebox')).map(([file]) => file);
  expect(wrong).toEqual([]);
});

/** Every file that these files load at once, with the packages that it imports; types load nothing. */
function staticImports(files: readonly string[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  const open = [...files];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (found.has(file)) continue;
    const text = readFileSync(file, 'utf8').replace(/^(?:import|export) type [^;]*;/gm, '');
    const targets = [...text.matchAll(/^(?:import|export)\b[^;'=(]*'([^']+)';/gm)].map((match) => match[1] as string);
    found.set(
      file,
      targets.filter((target) => !target.startsWith('.')),
    );
    for (const target of targets) if (target.startsWith('.')) open.push(join(dirname(file), target));
  }
  return found;
}
