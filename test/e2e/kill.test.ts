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
  });
  afterAll(() => work?.remove());

  it(`of everything at ${kills} moments of a run changes no byte and leaves nothing to clean up`, async () => {
    const random = createRandom('kill', 'end to end');
    const store = join(work.path, 'killed');
    for (let i = 0; i < kills; i++) {
      // a moment in each twentieth of the run: what is finished is not run again, so later kills come further
      const end_ms = performance.now() + (length_ms * (i + random.uniform())) / kills;
      await killedRun(work.path, runArgs('killed'), () => performance.now() > end_ms);
      await expectNothingHalf(store);
    }
    await expectAsClean('killed');
  });

  it('in the middle of training leaves its saved state, from which the next run goes on', async () => {
    const scratch = join(work.path, 'trained', 'scratch');
    const isSaved = () => filesBelow(scratch).some((path) => path.endsWith('training.arrow'));
    await killedRun(work.path, runArgs('trained'), isSaved);
    expect(isSaved()).toBe(true);
    await expectNothingHalf(join(work.path, 'trained'));
    await expectAsClean('trained');
  });

  /** Runs with the store `name` to the end: nothing differs from the run that was left alone. */
  async function expectAsClean(name: string): Promise<void> {
    const store = join(work.path, name);
    const ended = await work.lamina(...runArgs(name));
    expect(ended).toMatchObject({ code: clean.code, err: '' });
    expect(cellsOf(ended)).toEqual(cellsOf(clean));
    expect(outputsByKey(store)).toEqual(outputsByKey(join(work.path, 'clean')));
    expect(Object.keys(outputsByKey(store))).toHaveLength(15); // 5 pairs twice, base, data, two perplexities, tuned
    expectNothingLeft(store);
  }
});

/** Starts a run and kills it with its workers when `isTime`, unless it ended before. */
async function killedRun(cwd: string, args: string[], isTime: () => boolean): Promise<void> {
  const child = spawn(process.execPath, [realProgram, ...args], { cwd, detached: true, stdio: 'ignore' });
  const exited = new Promise((resolve) => child.on('exit', resolve));
  while (child.exitCode === null && !isTime()) await sleep(2);
  try {
    process.kill(-(child.pid as number), 'SIGKILL');
  } catch {
    // it had finished
  }
  await exited;
}
