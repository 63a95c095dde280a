// The README's tree is the real one.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

it("the README's tree names every folder of the project, and no other", () => {
  const tracked = execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' }).split('\n');
  const folders = new Set(tracked.filter((path) => path.includes('/')).map((path) => path.split('/')[0] as string));
  const shown = readFileSync(join(root, 'README.md'), 'utf8').split('## The tree')[1]?.split('```')[1] ?? '';
  const named = shown
    .trim()
    .split('\n')
    .map((line) => line.split(' ')[0]);
  expect(named.sort()).toEqual([...folders].filter((name) => !name.startsWith('.')).sort());
});
