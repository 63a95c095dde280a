// `lamina run` with --fail-fast, --retries and --timeout.
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { failureLines } from '../../cli/runs/run-text.ts';
import { plainPaint } from '../../report/numbers/paint.ts';
import type { RunOutcome } from '../../runner/run/outcome.ts';
import { toy } from './in-process.ts';
import { fixtures, workFolder } from './program.ts';

let folder: string;

beforeEach(() => {
  const work = workFolder();
  onTestFinished(() => work.remove());
  folder = work.path;
  for (const name of ['toy.yaml', 'toy-pipeline.yaml']) copyFileSync(join(fixtures, name), join(folder, name));
});

test('an attempt that takes too long fails with its unit and the limit, after as many tries as were asked', async () => {
  const words = ['--set', 'number.says=before', '--set', 'number.wait_ms=600000', '--only', 'method=good'];
  const { code, err } = await toy(folder, 'run', 'toy.yaml', ...words, '--timeout', '2s', '--retries', '1');
  expect(code).toBe(1);
  const failure = String.raw`stage 'number' \(method=good\): it took longer than 2 s, the limit of an attempt \(--timeout\)(; its output is in '\S+\.log')?`;
  expect(err).toMatch(new RegExp(`! ${failure}; trying again \\(1 of 1\\)\n`));
  expect(err).toMatch(new RegExp(`✗ ${failure}\n`));
});

test('below a failure stand the last lines of its log, unless its message has lines of its own', () => {
  const output = { write: () => {}, live: false, width: () => undefined, paint: plainPaint };
  const lines = (message: string, stack: string | null) => {
    const failure = { message, stack, last_lines: ['step 3', 'no memory'] };
    return failureLines({ failures: [failure] } as unknown as RunOutcome, output);
  };
  expect(lines('it died', null)).toBe('✗ it died\n    step 3\n    no memory\n');
  expect(lines('it said\n    no memory', null)).toBe('✗ it said\n    no memory\n');
  expect(lines('a bug', 'at f')).toBe('✗ a bug\nat f\n');
});

test('the first failure ends what has not started with --fail-fast, and nothing else without', async () => {
  const words = ['run', 'toy.yaml', '--set', 'number.fail=true', '-j', '1'];
  expect((await toy(folder, ...words, '--fail-fast')).err).toContain('1 failed, 1 not reached');
  expect((await toy(folder, ...words)).err).toContain('2 failed');
});

test('a limit that is no time is a mistake that is named', async () => {
  const { code, err } = await toy(folder, 'run', 'toy.yaml', '--timeout', 'soon');
  expect([code, err]).toEqual([2, expect.stringContaining('expected a time such as 90s, 30min, 12h, 7d or 2w')]);
});
