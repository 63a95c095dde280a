// A fake Slurm in a folder of its own: the programs of fixtures/fake-slurm.mjs and fake-squeue.sh by their real names.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { QueueExecutor, type QueueOptions, type QueueTimes } from '../../runner/queue/queue-executor.ts';
import { SlurmQueue, type SlurmSite } from '../../runner/queue/slurm.ts';
import type { Store } from '../../store/store.ts';
import { emptyFolder } from '../store/drafts.ts';

const fake = fileURLToPath(new URL('./fixtures/fake-slurm.mjs', import.meta.url));
const squeue = fileURLToPath(new URL('./fixtures/fake-squeue.sh', import.meta.url));
export const toyTask = fileURLToPath(new URL('./fixtures/toy-task.mjs', import.meta.url));

/** So that nothing is waited for that need not be. */
export const quickTimes: QueueTimes = {
  gather_ms: 20,
  submit_ms: 20,
  look_ms: 20,
  poll_ms: 100,
  absent_ms: 3_600_000,
  settle_ms: 500,
  retry_ms: 100,
  say_ms: 0,
};

export interface FakeSlurm {
  folder: string;
  /** Finds its programs. */
  env: { PATH: string };
  queue(site?: SlurmSite): SlurmQueue;
  executor(store: Store, options?: Partial<Omit<QueueOptions, 'store'>>): QueueExecutor;
  /** Sets what the programs do from now on; undefined takes it back. */
  turn(knob: string, text: string | undefined): void;
  /** Every call so far: the program and its words. */
  calls(program: string): string[][];
}

export function openFakeSlurm(): FakeSlurm {
  const folder = emptyFolder();
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  writeFileSync(join(folder, 'owner'), String(process.pid));
  const put = (program: string, words: string) =>
    writeFileSync(join(bin, program), `#!/bin/sh\n${words}\n`, { mode: 0o755 });
  for (const program of ['sbatch', 'scancel', 'scontrol'])
    put(program, `exec '${process.execPath}' '${fake}' '${folder}' ${program} "$@"`);
  put('squeue', `set -- '${folder}'\n. '${squeue}'`);
  const PATH = `${bin}:${process.env.PATH}`;
  const queue = (site: SlurmSite = {}) => new SlurmQueue(site, () => ({ ...process.env, PATH }));
  return {
    folder,
    env: { PATH },
    queue,
    executor: (store, options = {}) =>
      new QueueExecutor({
        ...{ store, queue: queue(), jobs: 10, program: toyTask, node: process.execPath, times: quickTimes },
        ...options,
      }),
    turn(knob, text) {
      if (text === undefined) rmSync(join(folder, knob));
      else writeFileSync(join(folder, knob), text);
    },
    calls(program) {
      const path = join(folder, 'calls');
      const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
      return lines.map((line) => JSON.parse(line) as string[]).filter(([name]) => name === program);
    },
  };
}
