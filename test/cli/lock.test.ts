// `lamina lock` and `--frozen` from the command line, with toy stages.
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { toy } from './in-process.ts';
import { fixtures, workFolder } from './program.ts';

let folder: ReturnType<typeof workFolder>;
const quick = (...argv: string[]) => toy(folder.path, ...argv);
const edit = (from: string, to: string) => {
  const path = join(folder.path, 'toy.yaml');
  const text = readFileSync(path, 'utf8');
  expect(text).toContain(from);
  writeFileSync(path, text.replace(from, to));
};

beforeAll(async () => {
  folder = workFolder();
  for (const name of ['toy.yaml', 'toy-pipeline.yaml']) cpSync(join(fixtures, name), join(folder.path, name));
});
afterAll(() => folder.remove());

test('a lock wants everything in the store, and a frozen run wants a lock', async () => {
  expect(await quick('lock', 'toy.yaml')).toMatchObject({
    code: 2,
    err: "error  '.lamina' does not have all that 'toy' is made of: 'lamina run toy.yaml' first\n",
  });
  expect(await quick('plan', 'toy.yaml', '--frozen')).toMatchObject({
    code: 2,
    err: "error  there is no lock 'toy.lock': run the spec without --frozen, then 'lamina lock toy.yaml' writes it\n",
  });
  expect(existsSync(join(folder.path, 'toy.lock'))).toBe(false);
});

test('what is locked is planned and run again, also from an empty store, and nothing else', async () => {
  expect((await toy(folder.path, 'run', 'toy.yaml')).code).toBe(0);
  const line = 'toy.lock  profile default: 2 cells, 4 units, 0 inputs';
  expect(await quick('lock', 'toy.yaml')).toEqual({ code: 0, out: `${line}\n`, err: '' });
  expect((await quick('lock', 'toy.yaml')).out).toBe(`${line}, as it was\n`);
  expect((await quick('plan', 'toy.yaml', '--frozen')).code).toBe(0);
  expect((await quick('plan', 'toy.yaml', '--frozen', '--only', 'method=bad')).code).toBe(0);
  const made = await toy(folder.path, 'run', 'toy.yaml', '--frozen', '--store', 'other');
  expect([made.code, made.err]).toEqual([0, expect.stringContaining('4 of 4')]);

  edit('value: 1.5', 'value: 1.6');
  const told =
    "error  this is not what 'toy.lock' holds:\n  stage 'number': parameter 'value' is 1.6, locked is 1.5 (toy.yaml:8:45)\n" +
    "undo it, or run without --frozen and take it over with 'lamina lock toy.yaml'\n";
  expect(await quick('plan', 'toy.yaml', '--frozen')).toEqual({ code: 2, out: '', err: told });
  const refused = await toy(folder.path, 'run', 'toy.yaml', '--frozen');
  expect([refused.code, refused.out]).toEqual([2, '']);
  expect(refused.err).toContain(told);
  edit('value: 1.6', 'value: 1.5');
  edit('axes:', '# a comment\naxes:');
  expect((await quick('plan', 'toy.yaml', '--frozen')).code).toBe(0);
});

test('flags and profiles have entries of their own beside each other', async () => {
  expect(await quick('plan', 'toy.yaml', '--frozen', '--set', 'pieces.count=3')).toMatchObject({
    code: 2,
    err: "error  'toy.lock' holds nothing for profile 'default' --set pieces.count=3 (it holds profile 'default'): run it without --frozen, then 'lamina lock toy.yaml --set pieces.count=3' adds it\n",
  });
  expect((await toy(folder.path, 'run', 'toy.yaml', '--set', 'pieces.count=3')).code).toBe(0);
  expect((await quick('lock', 'toy.yaml', '--set', 'pieces.count=3', '--json')).out).toContain('"changed": true');
  expect((await quick('plan', 'toy.yaml', '--frozen', '--set', 'pieces.count=3')).code).toBe(0);
  expect((await quick('plan', 'toy.yaml', '--frozen')).code).toBe(0);
});

test('a part of the cells that was locked holds a smaller part, and not the whole', async () => {
  writeFileSync(join(folder.path, 'toy.lock'), '');
  expect((await quick('lock', 'toy.yaml')).err).toMatch(/^error {2}'toy\.lock': expected JSON, got /);
  rmSync(join(folder.path, 'toy.lock'));
  expect((await quick('lock', 'toy.yaml', '--only', 'method=good')).code).toBe(0);
  expect((await quick('plan', 'toy.yaml', '--frozen', '--only', 'method=good')).code).toBe(0);
  expect((await quick('plan', 'toy.yaml', '--frozen', '--only', 'method=bad')).code).toBe(2);
  expect((await quick('plan', 'toy.yaml', '--frozen')).code).toBe(2);
  rmSync(join(folder.path, 'toy.lock'));
  expect((await quick('lock', 'toy.yaml')).code).toBe(0);
});

test('a lock that was edited is refused by unit', async () => {
  const path = join(folder.path, 'toy.lock');
  writeFileSync(path, readFileSync(path, 'utf8').replace('"part":1', '"part":7'));
  expect((await quick('plan', 'toy.yaml', '--frozen')).err).toMatch(
    /^error {2}'toy\.lock', 'plans\.0': unit '[0-9a-f]{12}' of stage 'pieces' is not what was locked/,
  );
});
