// Two processes are compared before they are timed, and make as many rounds as they are told.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { duel } from '../../bench/duel.ts';

/** A side that answers each round with `value` and writes down how many steps it was told to make. */
function side(value: number) {
  const folder = mkdtempSync(join(tmpdir(), 'lamina-duel-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [script, log] = [join(folder, 'side.mjs'), join(folder, 'log')];
  writeFileSync(
    script,
    `import { appendFileSync } from 'node:fs';
     console.log('{}');
     process.stdin.on('data', (steps) => {
       appendFileSync(${JSON.stringify(log)}, String(steps));
       console.log(JSON.stringify({ wall_ms: 2, cpu_ms: 1, value: ${value} }));
     });
     process.stdin.on('end', () => process.exit(0));`,
  );
  const command = { program: process.execPath, args: [script], cwd: folder };
  return { command, told: () => readFileSync(log, 'utf8').trim().split('\n').map(Number) };
}

it('sides that come to different values are not timed', async () => {
  const running = duel(side(1).command, side(1.001).command, { rounds: 1, round_ms: 1 });
  await expect(running).rejects.toThrow(/do not compute the same: 1 and 1.001 after 4 steps$/);
});

it('a whole run is one step: once to compare, then each round', async () => {
  const [ours, peer] = [side(1), side(1.00001)];
  const { steps, ours: score } = await duel(ours.command, peer.command, { rounds: 3, round_ms: 1000, whole: true });
  expect(ours.told()).toEqual([1, 1, 1, 1]);
  expect(peer.told()).toEqual([1, 1, 1, 1]);
  expect([steps, score.cpu_ms]).toEqual([1, [1, 1, 1]]);
});

it('short steps are gathered into rounds of the time that is asked for', async () => {
  const ours = side(1);
  // 4 steps took 1 ms, so 10 ms have 40; once to warm up, then twice
  await duel(ours.command, undefined, { rounds: 2, round_ms: 10 });
  expect(ours.told()).toEqual([4, 4, 40, 40, 40]);
});
