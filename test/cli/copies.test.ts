// A run with a copy of what its spec names, from the flag to what is read of it later.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { toy } from './in-process.ts';
import { fixtures, workFolder } from './program.ts';

const folder = workFolder();
const say = (...args: string[]) => toy(folder.path, ...args);
const outcome = join(folder.path, 'results/copied/mine');
beforeAll(async () => {
  const spec = readFileSync(join(fixtures, 'toy.yaml'), 'utf8')
    .replace('experiment: toy', 'experiment: copied')
    .replace('toy-pipeline.yaml', join(fixtures, 'toy-pipeline.yaml'));
  writeFileSync(join(folder.path, 'copied.yaml'), `${spec}profiles: { mine: { copies: [wait_ms] } }\n`);
  expect((await toy(folder.path, 'run', 'copied.yaml', '--set', 'wait_ms=1')).code).toBe(0);
});
afterAll(() => folder.remove());

test('is the spec: its claims are decided, its outcome is written, and says with which copies', () => {
  const { claims, copies } = JSON.parse(readFileSync(join(outcome, 'cells.json'), 'utf8'));
  expect(claims).toMatchObject([{ holds: true }]);
  expect(copies).toEqual(['--set wait_ms=1']);
  expect(readFileSync(join(outcome, 'table.md'), 'utf8')).toContain('\nwith copies: --set wait\\_ms=1\n');
});

test('is what the name means, shown with the flag, and planned again with it', async () => {
  const { out } = await say('show', 'copied');
  expect(out).toContain('copied · mine · 1-');
  expect(out).toContain(' · --set wait_ms=1\n');
  expect((await say('plan', 'copied@1')).out).toContain('4 units: 4 cached, 0 to run');
  expect((await say('plan', 'copied.yaml')).out).not.toContain('4 cached');
});

test('other flags beside it make it a trial', async () => {
  const before = readFileSync(join(outcome, 'cells.json'));
  const { out } = await toy(folder.path, 'run', 'copied.yaml', '--set', 'wait_ms=1', '--set', 'pieces.size=1');
  expect(out).toContain("--set pieces.size=1 is off the spec's grid");
  expect(readFileSync(join(outcome, 'cells.json'))).toEqual(before);
  expect(existsSync(join(folder.path, '.lamina/runs/copied'))).toBe(true);
});
