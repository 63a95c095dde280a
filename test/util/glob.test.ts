import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, it } from 'vitest';
import { filesMatching, isPattern } from '../../util/glob.ts';
import { emptyFolder } from '../store/drafts.ts';

const folder = emptyFolder();
for (const name of [
  'a.py',
  'b.py',
  'c.txt',
  'lib/d.py',
  'lib/deep/e.py',
  'lib/x+y.py',
  '__pycache__/a.py',
  'node_modules/p/f.py',
]) {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), '');
}
symlinkSync(join(folder, 'a.py'), join(folder, 'link.py'));
symlinkSync(folder, join(folder, 'lib/circle'));
symlinkSync(join(folder, 'gone'), join(folder, 'dead.py'));

it.each([
  ['*.py', ['a.py', 'b.py', 'link.py']],
  ['?.py', ['a.py', 'b.py']],
  ['lib/*.py', ['lib/d.py', 'lib/x+y.py']],
  ['lib/x+?.py', ['lib/x+y.py']],
  ['**/*.py', ['a.py', 'b.py', 'lib/d.py', 'lib/deep/e.py', 'lib/x+y.py', 'link.py']],
  ['lib/**', ['lib/d.py', 'lib/deep/e.py', 'lib/x+y.py']],
  ['*/deep/*.py', ['lib/deep/e.py']],
  ['*.md', []],
  ['nowhere/*.py', []],
])('the pattern %s matches the files that it means, in order, and goes into no link', (pattern, files) => {
  expect(filesMatching(join(folder, pattern)).map((file) => relative(folder, file))).toEqual(files);
});

it('a text without * and ? is no pattern', () => {
  expect(['a*', 'a?', 'a/b.py'].map(isPattern)).toEqual([true, true, false]);
});
