// Kills from seeds where more than one machine has a part: with a shared store behind the local ones, and with jobs of a batch system. FAULTS=200 is the long form.
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { digestFile } from '../../store/digest.ts';
import { openFileStore } from '../../store/file-store.ts';
import { namesIn } from '../../util/names-in.ts';
import { createRandom, type Random } from '../../util/random.ts';
import { expectNothingLeft, filesBelow, outputsByKey } from '../e2e/store-files.ts';
import { emptyFolder } from '../store/drafts.ts';
import { openFakeSlurm, quickTimes } from './fake-slurm.ts';
import { clean, countLost, faults, graph, newStore, say, seed } from './faults.ts';
import { type RunProcess, startRun } from './processes.ts';

/** How often a unit was begun, by the log of the work. */
const begun = (log: string): number => {
  const lines = existsSync(log) ? readFileSync(log, 'utf8').split('\n') : [];
  return lines.filter((line) => line !== '' && !line.startsWith('step')).length;
};

/** Waits for so many events, and a moment; true where the run goes on then. */
async function reached(run: RunProcess, events: number, random: Random): Promise<boolean> {
  let isOver = false;
  run.ended
    .catch(() => {})
    .finally(() => {
      isOver = true;
    });
  while (!isOver && run.events.length < events) await sleep(1);
  const moment_ms = performance.now() + 15 * random.uniform();
  while (!isOver && performance.now() < moment_ms) await sleep(1);
  return !isOver;
}

/** False for a process, or a group of them, that has just ended. */
function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}

/** All artifacts in these folders have the bytes of their names, and each record of each has its artifacts in one of them. */
async function expectWholeIn(...folders: readonly string[]): Promise<void> {
  const names = new Set<string>();
  for (const path of folders.flatMap((folder) => filesBelow(join(folder, 'cas')))) {
    if (path.endsWith('.tmp')) continue; // on its way, under no name yet
    const { digest, size } = await digestFile(path);
    expect(basename(path)).toBe(`${digest}-${size}`);
    names.add(basename(path));
  }
  for (const outputs of folders.flatMap((folder) => Object.values(outputsByKey(folder))))
    for (const { digest, size } of Object.values(outputs)) expect(names).toContain(`${digest}-${size}`);
}

describe('with a shared store', () => {
  const newShared = () => mkdtempSync(join(tmpdir(), 'lamina-shared-'));
  const count = Math.max(2, Math.round(faults / 2));

  it(`kill -9 of a run on one of two machines, at ${count} moments`, async () => {
    const random = createRandom('faults', 'shared', seed);
    let [shared, machines] = [newShared(), [newStore(), newStore()]];
    let [kills, lost, rounds, unshared] = [0, 0, 1, 0];
    /** Both machines run to the end, and a third finds what they have shared. */
    const finish = async () => {
      const runs = machines.map((store) => startRun(store, graph, { jobs: 2, remote: `file://${shared}` }));
      for (const { ended } of runs) expect((await ended).outcome?.status).toBe('done');
      const third = newStore();
      const log = join(emptyFolder(), 'log');
      const { outcome, err } = await startRun(third, graph, { remote: `file://${shared}`, log }).ended;
      expect([outcome?.status, err]).toEqual(['done', '']);
      unshared += begun(log);
      for (const store of [...machines, third, shared]) expect(outputsByKey(store)).toEqual((await clean).outputs);
      for (const store of machines) {
        (await openFileStore(store, { mode: 'write' })).close(); // a state whose result came from the other goes with the next command
        expectNothingLeft(store);
      }
      await expectWholeIn(shared);
    };
    for (let i = 0; i < count; i++) {
      const store = machines[random.below(2)] as string;
      const [here, there] = [outputsByKey(store), outputsByKey(shared)];
      const run = startRun(store, graph, { jobs: 1 + random.below(2), remote: `file://${shared}` });
      if ((await reached(run, 1 + random.below(20), random)) && kill(-(run.child.pid as number))) kills++;
      await run.ended.catch(() => {});
      await expectWholeIn(shared); // there, no record is without its artifacts
      for (const machine of machines) await expectWholeIn(machine, shared);
      lost += countLost(here, store) + countLost(there, shared);
      if (Object.keys(outputsByKey(shared)).length < Object.keys((await clean).outputs).length) continue;
      await finish();
      [shared, machines] = [newShared(), [newStore(), newStore()]];
      rounds++;
    }
    await finish();
    say(
      `kills ${kills} over ${rounds} shared stores; partial hits 0, lost ${lost}, manual steps 0; ${unshared} units that a kill kept from being shared`,
    );
    expect([lost, unshared]).toEqual([0, 0]);
  });

  it('two machines at once, and one of them is killed: the other takes over, and what nobody killed is done once', async () => {
    const random = createRandom('faults', 'machines', seed);
    const rounds = Math.max(1, Math.round(faults / 8));
    let [whole, killed, again] = [0, 0, 0];
    for (let i = 0; i < 2 * rounds; i++) {
      const isKilled = i % 2 === 1;
      const [remote, log] = [`file://${newShared()}`, join(emptyFolder(), 'log')];
      const runs = [newStore(), newStore()].map((store) => startRun(store, graph, { jobs: 1, remote, log }));
      const [first, second] = runs as [RunProcess, RunProcess];
      const isHit =
        isKilled && (await reached(first, 1 + random.below(15), random)) && kill(-(first.child.pid as number));
      const ended = await Promise.all(runs.map((run) => run.ended.catch(() => undefined)));
      expect((await second.ended).outcome?.status).toBe('done');
      const repeated = begun(log) - (await clean).works;
      if (!isHit) {
        expect(ended.map((each) => each?.outcome?.status)).toEqual(['done', 'done']);
        whole += repeated;
      } else {
        killed++;
        again += repeated;
      }
    }
    say(
      `two machines with a shared store: duplicate work ${whole}; ${killed} with one killed: ${again} units begun again that it had not shared yet`,
    );
    expect(whole).toBe(0);
  });
});

/** A batch system, and the processes of its jobs that run, each shell with its program. */
interface Batch {
  env: NodeJS.ProcessEnv;
  running(store: string): readonly (readonly number[])[];
}

function slurm(): Batch {
  const { folder, env } = openFakeSlurm();
  const states = join(folder, 'states');
  const running = () =>
    namesIn(states).flatMap((name) => {
      const [, pid] = /^RUNNING (\d+)$/.exec(textOf(join(states, name))) ?? [];
      return pid === undefined ? [] : [[-Number(pid)]]; // a group of its own
    });
  return { env, running };
}

/** A job is a shell, its name the number of its process. */
function commands(): Batch {
  const site = {
    name: 'toy',
    submit: 'sh {script} >/dev/null 2>&1 & echo job $!',
    job: 'job (\\d+)',
    most: 1,
    status: 'for job in {jobs}; do kill -0 $job 2>/dev/null && echo $job R || echo $job gone; done',
    line: '^(?<job>\\d+) (?<state>\\w+)$',
    states: { pending: [], running: ['R'], ended: ['gone'] },
    cancel: 'kill {job}',
  };
  const running = (store: string) =>
    namesIn(join(store, 'submissions')).flatMap((id) => {
      const folder = join(store, 'submissions', id);
      const [, shell] = /"job":"(\d+)"/.exec(textOf(join(folder, 'job.json'))) ?? [];
      const [, program] = /"pid":(\d+)/.exec(textOf(join(folder, '0.begun'))) ?? [];
      const hasEnded = existsSync(join(folder, '0.end')) || existsSync(join(folder, '0.exit'));
      return shell === undefined || program === undefined || hasEnded ? [] : [[Number(shell), Number(program)]];
    });
  return { env: { TOY_COMMANDS: JSON.stringify(site) }, running };
}

/** '' for what goes away meanwhile. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

describe.each([
  ['Slurm', slurm],
  ['commands', commands],
])('with a batch system: %s', (name, open) => {
  const times = { ...quickTimes, gather_ms: 5, submit_ms: 5, look_ms: 10, poll_ms: 50 };
  const count = Math.max(3, Math.round(faults / 2));
  const start = ({ env }: Batch, store: string, log: string) =>
    startRun(store, graph, { jobs: 4, log, slurm: { ...env, TOY_QUEUE_TIMES: JSON.stringify(times) } });

  it(`kill -9 of the submitter, of a job or of both, at ${count} moments`, async () => {
    const random = createRandom('faults', name, seed);
    const counts = { submitter: 0, job: 0, both: 0 };
    let [lost, repeated, late] = [0, 0, 0];
    for (let i = 0; i < count; i++) {
      const who = (['submitter', 'job', 'both'] as const)[i % 3] ?? 'both';
      const [batch, store, log] = [open(), newStore(), join(emptyFolder(), 'log')];
      const run = start(batch, store, log);
      const isUnderWay = await reached(run, 1 + random.below(20), random);
      const hit = who !== 'submitter' && (await killJob(batch, store, run));
      const isGone = who !== 'job' && isUnderWay && kill(run.child.pid as number);
      if ((who === 'job' || isGone) && (hit || who === 'submitter')) counts[who]++;
      else late++;
      await run.ended.catch(() => {});
      const before = outputsByKey(store);
      // the same command, once more where a job was killed under the last
      let last = await start(batch, store, log).ended;
      if (hit && last.outcome?.status !== 'done') last = await start(batch, store, log).ended;
      expect([last.outcome?.status, last.outcome?.failures], `${who}: ${last.err}`).toEqual(['done', []]);
      lost += countLost(before, store);
      expect(outputsByKey(store)).toEqual((await clean).outputs);
      await expectWholeIn(store);
      (await openFileStore(store, { mode: 'write' })).close(); // what others left goes with the next command
      expectNothingLeft(store);
      // one that was being written or removed at the kill has no list of tasks, and goes after a day
      const submissions = readdirSync(join(store, 'submissions'));
      expect(submissions.filter((id) => existsSync(join(store, 'submissions', id, 'tasks')))).toEqual([]);
      const extra = begun(log) - (await clean).works;
      if (!hit) expect(extra, 'a killed submitter has nothing done twice').toBe(0);
      repeated += extra;
    }
    const killed = `${counts.submitter} submitters, ${counts.job} jobs, ${counts.both} both (${late} ended before)`;
    const twice = `duplicate work under killed submitters 0, ${repeated} units done again of killed jobs`;
    say(`${name}, kills ${count}: ${killed}; partial hits 0, lost ${lost}, manual steps 0; ${twice}`);
    expect(lost).toBe(0);
  });
});

/** Kills a job that runs, its shell and its program; false where none came to run. */
async function killJob(batch: Batch, store: string, run: RunProcess): Promise<boolean> {
  let isOver = false;
  run.ended
    .catch(() => {})
    .finally(() => {
      isOver = true;
    });
  const isHit = () => batch.running(store).some((processes) => processes.every(kill));
  let hit = isHit();
  for (; !hit && !isOver; hit = isHit()) while (!isOver && batch.running(store).length === 0) await sleep(2);
  return hit;
}
