// The tree of ARCHITECTURE.md is the real one, and the README stays short.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

it('the tree names every folder of the project, and no other', () => {
  const tracked = execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' }).split('\n');
  const folders = new Set(tracked.filter((path) => path.includes('/')).map((path) => path.split('/')[0] as string));
  const shown =
    readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8').split('### The whole tree')[1]?.split('```')[1] ?? '';
  const named = shown
    .trim()
    .split('\n')
    .map((line) => line.split(' ')[0]);
  expect(named.sort()).toEqual([...folders].filter((name) => !name.startsWith('.')).sort());
});

it('the README can be read in one go', () => {
  expect(readFileSync(join(root, 'README.md'), 'utf8').split('\n').length).toBeLessThanOrEqual(90);
});
