// `lamina logs`: what stages printed, whether they failed or not.
import { copyFileSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { LogWriter } from '../../cli/logs/write-log.ts';
import { plainPaint } from '../../report/numbers/paint.ts';
import { toy } from './in-process.ts';
import { fixtures, start, toyProgram, workFolder } from './program.ts';

let folder: string;

beforeEach(() => {
  const work = workFolder();
  onTestFinished(() => work.remove());
  folder = work.path;
  for (const name of ['toy.yaml', 'toy-pipeline.yaml']) copyFileSync(join(fixtures, name), join(folder, name));
});

const says = ['--set', 'number.says=all is well'];

test('of a stage, of a cell and of a run, with the place of each', async () => {
  expect((await toy(folder, 'run', 'toy.yaml', ...says)).code).toBe(0);
  const stage = await toy(folder, 'logs', 'toy.yaml', 'number', ...says);
  expect(stage.out).toMatch(
    /^stage 'number' \(method=good\) · \S+ \S+ UTC · 12 B · \S+\.log\nall is well\nstage 'number' \(method=bad\) · .*\nall is well\n$/,
  );
  const cell = await toy(folder, 'logs', 'toy.yaml', 'good', ...says);
  expect(cell.out).toBe(stage.out.slice(0, stage.out.indexOf("stage 'number' (method=bad)")));
  expect((await toy(folder, 'logs', 'toy@1', 'good')).out).toBe(cell.out);
  const json = JSON.parse((await toy(folder, 'logs', 'toy@1', 'number', '--json')).out);
  expect(json).toMatchObject([
    { stage: 'number', cell: 'method=good', unit: '', size_bytes: 12 },
    { stage: 'number', cell: 'method=bad', unit: '', size_bytes: 12 },
  ]);
  for (const { path } of json) expect(existsSync(path)).toBe(true);
  const silent = await toy(folder, 'logs', 'toy.yaml', 'pieces');
  expect(silent).toEqual({ code: 0, out: '', err: "nothing of 'pieces' has printed anything\n" });
});

test('what would move the cursor or recolour the terminal is spelled out, and characters are not cut', () => {
  let text = '';
  const write = (more: string) => {
    text += more;
  };
  const writer = new LogWriter({ write, live: false, width: () => undefined, paint: plainPaint });
  const bytes = Buffer.from('\u001b[2Jgone\r\nloss → 0.5\nlast');
  for (const byte of bytes) writer.write(Buffer.from([byte]));
  expect(text).toBe('\\x1b[2Jgone\nloss → 0.5\n');
  writer.end();
  expect(text).toBe('\\x1b[2Jgone\nloss → 0.5\nlast\n');
});

test('earlier attempts are kept, and shown with --all', async () => {
  for (let i = 0; i < 7; i++) await toy(folder, 'run', 'toy.yaml', ...says, '--force', 'number');
  const count = async (...words: string[]) => {
    const { out } = await toy(folder, 'logs', 'toy.yaml', 'good', ...says, ...words);
    return out.split('all is well').length - 1;
  };
  expect([await count(), await count('--all')]).toEqual([1, 5]);
});

test('what runs is followed until its run has ended', async () => {
  const go = join(folder, 'go');
  const words = [...says, '--set', `number.until=${go}`];
  const run = start(toyProgram, folder, 'run', 'toy.yaml', '-j', '1', ...words);
  const logs = join(folder, '.lamina', 'logs');
  const hasLog = () =>
    existsSync(logs) && readdirSync(logs, { recursive: true }).some((name) => `${name}`.endsWith('.log'));
  while (!hasLog()) await sleep(5);
  const follow = start(toyProgram, folder, 'logs', 'toy.yaml', 'number', '--follow', ...words);
  let seen = '';
  follow.child.stdout?.on('data', (chunk: string) => {
    seen += chunk;
  });
  while (!seen.includes('all is well')) await sleep(5);
  writeFileSync(go, '');
  expect((await run.ended).code).toBe(0);
  const { code, out } = await follow.ended;
  expect(code).toBe(0);
  // the second may end before it is seen to run
  expect(out).toMatch(/^stage 'number' \(method=good\)\nall is well\nstage 'number' \(method=bad\).*\nall is well\n$/);
});
