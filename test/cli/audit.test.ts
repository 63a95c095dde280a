// `lamina audit` from the command line, with toy stages; TOY_SHIFT makes this machine another one.

import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { digestFile } from '../../store/digest.ts';
import { filesBelow } from '../e2e/store-files.ts';
import { toy } from './in-process.ts';
import { fixtures, workFolder } from './program.ts';

const spec = join(fixtures, 'toy.yaml');
let folder: ReturnType<typeof workFolder>;
beforeAll(async () => {
  folder = workFolder();
  expect((await toy(folder.path, 'run', spec)).code).toBe(0);
});
afterEach(() => {
  delete process.env.TOY_SHIFT;
});
afterAll(() => folder.remove());

async function storeBytes(): Promise<Record<string, string>> {
  const paths = filesBelow(join(folder.path, '.lamina'));
  return Object.fromEntries(await Promise.all(paths.map(async (path) => [path, (await digestFile(path)).digest])));
}

test('what comes out with the same bytes is said, and the store is as it was', async () => {
  const before = await storeBytes();
  const { code, out } = await toy(folder.path, 'audit', spec, '--sample', '100%');
  expect(code).toBe(0);
  expect(out.trimEnd().split('\n').sort()).toEqual(
    [
      '',
      "✓ toy, stage 'number' (method=bad): the same bytes",
      "✓ toy, stage 'number' (method=good): the same bytes",
      "✓ toy, stage 'pieces' (unit 'part 1'): the same bytes",
      "✓ toy, stage 'pieces' (unit 'part 2'): the same bytes",
      '4 of 4 cached units made again (seed 0): all came out with the same bytes',
    ].sort(),
  );
  expect(await storeBytes()).toEqual(before);
});

test('what comes out otherwise is told by number and machine, with exit code 1, and the store is as it was', async () => {
  const before = await storeBytes();
  process.env.TOY_SHIFT = '0.5';
  const { code, out } = await toy(folder.path, 'audit', '--sample', '4'); // of the latest run
  expect(code).toBe(1);
  expect(out).toContain("✗ toy, stage 'number' (method=bad): other bytes in 'metrics'\n");
  expect(out).toMatch(/ {4}perplexity +40 → 40\.5 +1\.3 %\n/);
  expect(out).toContain('    the same machine and versions\n');
  expect(out).toMatch(/\nperplexity +2 units +at most 33 % +the same machine and versions\n/);
  expect(out).toContain('\n4 of 4 cached units made again (seed 0): 2 did not come out with the same bytes\n');
  expect(await storeBytes()).toEqual(before);
});

test('a seed decides the sample', async () => {
  const keys = async (seed: string) => {
    const { out } = await toy(folder.path, 'audit', spec, '--sample', '2', '--sample-seed', seed, '--json');
    return (JSON.parse(out) as { units: { key: string }[] }).units.map(({ key }) => key);
  };
  const [first, again] = [await keys('1'), await keys('1')];
  expect(first).toHaveLength(2);
  expect(again).toEqual(first);
});

test('a store without units is told, not called right', async () => {
  const { out } = await toy(folder.path, 'audit', spec, '--store', 'empty');
  expect(out).toBe('nothing was made again: the store has no unit of these specs that could be\n');
});
