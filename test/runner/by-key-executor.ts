// An executor whose attempts are processes that are given a store and a key, and publish by themselves: as the jobs of a cluster would.
import { type ChildProcess, fork } from 'node:child_process';
import { closeSync, openSync, rmSync, statSync } from 'node:fs';
import type { WorkerFailure } from '../../runner/attempt/protocol.ts';
import type { AttemptEnd, Executor, Need, Room } from '../../runner/executor/executor.ts';
import { Slots } from '../../runner/executor/slots.ts';
import type { Store } from '../../store/store.ts';

const program = new URL('./fixtures/toy-carry-out.mjs', import.meta.url);

/** One process for each attempt; it says how it failed, and nothing else. */
export class ByKeyExecutor implements Executor {
  readonly about;
  readonly #store: Store;
  readonly #slots: Slots;
  readonly #running = new Set<ChildProcess>();
  #isTakenBack = false;

  constructor(store: Store, jobs: number) {
    this.about = { name: 'by key', at_once: jobs };
    this.#store = store;
    this.#slots = new Slots(jobs, { threads: Number.POSITIVE_INFINITY, memory_bytes: Number.POSITIVE_INFINITY });
  }

  async room({ memory_bytes }: Need, order: readonly [number, number]): Promise<Room> {
    const leave = await this.#slots.take(order, { threads: 1, memory_bytes });
    const running: { child?: ChildProcess } = {};
    const end = (grace_ms: number) => {
      running.child?.kill('SIGTERM');
      AbortSignal.timeout(grace_ms).addEventListener('abort', () => running.child?.kill('SIGKILL'));
    };
    return { give: (attempt, _order, hear) => this.#carryOut(running, attempt, hear), end, leave };
  }

  takeBack(): void {
    this.#isTakenBack = true;
    for (const child of this.#running) child.kill('SIGTERM');
  }

  stop(): void {
    this.#isTakenBack = true;
    for (const child of this.#running) child.kill('SIGKILL');
  }

  async close(): Promise<void> {
    if (this.#running.size > 0) throw new Error('attempts are left');
  }

  #carryOut(
    running: { child?: ChildProcess },
    ...[attempt, hear]: [Parameters<Room['give']>[0], Parameters<Room['give']>[2]]
  ): Promise<AttemptEnd> {
    if (this.#isTakenBack) return Promise.resolve({ type: 'lost', message: 'it was taken back' });
    const log = openSync(attempt.log, 'a');
    const child = fork(program, [this.#store.folder, attempt.keys[0] as string], {
      stdio: ['ignore', log, log, 'ipc'],
      execArgv: [],
    });
    closeSync(log);
    running.child = child;
    this.#running.add(child);
    hear({ type: 'started', where: `job ${child.pid}`, carrier: { job: child.pid ?? -1 } });
    return new Promise((resolve) => {
      let end: AttemptEnd | undefined;
      child.on('message', (failure: WorkerFailure | null) => {
        end = failure === null ? { type: 'finished' } : { type: 'failed', failure };
      });
      child.on('exit', (code, signal) => {
        this.#running.delete(child);
        if (statSync(attempt.log).size === 0) rmSync(attempt.log); // a log that is there is named in sentences
        resolve(end ?? { type: 'lost', message: `its process ended with ${signal ?? `exit code ${code}`}` });
      });
    });
  }
}
