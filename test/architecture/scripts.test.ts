// Scripts that no test runs name files of the compiled program: each of them has a source.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

it('what scripts load of the compiled program is there', () => {
  const tracked = execFileSync('git', ['ls-files', '*.mjs'], { cwd: root, encoding: 'utf8' }).trim().split('\n');
  const named = tracked.flatMap((script) => {
    const text = readFileSync(join(root, script), 'utf8');
    const found = text.matchAll(/(?:\bfrom\(|dist\/)['"]?((?:[\w-]+\/)+[\w-]+)\.js['"]/g);
    return [...found].map(([, path = '']) => ({ script, path: path.replace(/^dist\//, '') }));
  });
  expect(named.length).toBeGreaterThan(25);
  expect(named.filter(({ path }) => !existsSync(join(root, `${path}.ts`)))).toEqual([]);
});
