// kill -9 of everything at 20 moments of a real run: a plain run afterwards gives the bytes of a run that was left alone.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../util/random.ts';
import { type Ended, realProgram } from '../cli/program.ts';
import { openWork, type Work } from './small-spec.ts';
import { expectNothingHalf, expectNothingLeft, filesBelow, outputsByKey } from './store-files.ts';

const kills = 20;
const runArgs = (store: string) => ['run', 'small.yaml', '--json', '-j', '1', '--store', store];
const cellsOf = ({ out }: Ended): unknown => (JSON.parse(out) as { cells: unknown }).cells;

describe('kill -9', () => {
  let work: Work;
  let clean: Ended;
  let length_ms = 0;
  beforeAll(async () => {
    work = openWork();
    const start_ms = performance.now();
    clean = await work.lamina(...runArgs('clean'));
    length_ms = performance.now() - start_ms;
    expect(clean).toMatchObject({ code: 0, err: '' });
  }, 240_000);
  afterAll(() => work?.remove());

  it(`of everything at ${kills} moments of a run changes no byte and leaves nothing to clean up`, async () => {
    const random = createRandom('kill', 'end to end');
    const store = join(work.path, 'killed');
    let savedStates = 0;
    for (let i = 0; i < kills; i++) {
      // a moment in each twentieth of the run: what is finished is not run again, so later kills come further
      await killedRun(work.path, runArgs('killed'), (length_ms * (i + random.uniform())) / kills);
      await expectNothingHalf(store);
      if (filesBelow(join(store, 'scratch')).some((path) => path.endsWith('training.arrow'))) savedStates++;
    }
    expect(savedStates, 'kills in the middle of training, from which a run went on').toBeGreaterThan(0);
    const ended = await work.lamina(...runArgs('killed'));
    expect(ended).toMatchObject({ code: clean.code, err: '' });
    expect(cellsOf(ended)).toEqual(cellsOf(clean));
    expect(outputsByKey(store)).toEqual(outputsByKey(join(work.path, 'clean')));
    expect(Object.keys(outputsByKey(store))).toHaveLength(15); // 5 pairs twice, base, data, two perplexities, tuned
    expectNothingLeft(store);
  }, 600_000);
});

/** Starts a run and kills it with its workers after `after_ms`, unless it ended before. */
async function killedRun(cwd: string, args: string[], after_ms: number): Promise<void> {
  const child = spawn(process.execPath, [realProgram, ...args], { cwd, detached: true, stdio: 'ignore' });
  const exited = new Promise((resolve) => child.on('exit', resolve));
  await Promise.race([sleep(after_ms), exited]);
  try {
    process.kill(-(child.pid as number), 'SIGKILL');
  } catch {
    // it had finished
  }
  await exited;
}
