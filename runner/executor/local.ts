// The executor of this machine: worker processes, as many at once as jobs, threads and memory allow.
import { identityOf } from '../../store/process-identity.ts';
import type { Store } from '../../store/store.ts';
import { jobOf } from '../attempt/job.ts';
import type { AttemptEnd, Executor, ExecutorAbout, Need, Room } from './executor.ts';
import { type FindDevices, Gpus } from './gpus.ts';
import { WorkerPool } from './pool.ts';
import type { WorkerProcess } from './process.ts';
import { Slots } from './slots.ts';
import { machineMemory, machineThreads } from './this-machine.ts';

export interface LocalOptions {
  /** The file that a worker process runs; it calls `serveWorker` with the same registry. */
  workerUrl: URL;
  store: Store;
  /** Attempts side by side; by default as many as threads. */
  jobs?: number | undefined;
  /** Threads of all attempts together; by default those of the machine. */
  threads?: number | undefined;
  /** Memory of all attempts together, by their own estimates; by default that of the machine. */
  memory_bytes?: number | undefined;
  /** Devices, as CUDA_VISIBLE_DEVICES names them; with them each attempt that uses one has one for itself. */
  gpus?: FindDevices | undefined;
}

const takenBack: AttemptEnd = {
  type: 'failed',
  failure: { reason: 'cancelled', message: 'the run was stopped', stack: null },
};

/** Local worker processes. They report what they wrote, and leave its publication to whoever listens. */
export class LocalExecutor implements Executor {
  readonly about: ExecutorAbout;
  readonly #store: Store;
  readonly #pool: WorkerPool;
  readonly #slots: Slots;
  readonly #gpus: Gpus;
  #isTakenBack = false;

  constructor({ workerUrl, store, ...limits }: LocalOptions) {
    const threads = Math.max(1, limits.threads ?? machineThreads());
    const jobs = Math.max(1, limits.jobs ?? threads);
    this.about = { name: 'local', at_once: jobs };
    this.#store = store;
    this.#gpus = new Gpus(limits.gpus ?? (async () => []));
    this.#pool = new WorkerPool(workerUrl, jobs);
    this.#slots = new Slots(jobs, { threads, memory_bytes: limits.memory_bytes ?? machineMemory() });
  }

  async room(need: Need, order: readonly [number, number]): Promise<Room> {
    const gpu = await this.#gpus.take(need, order);
    const release = await this.#slots.take(order, need);
    const leave = () => {
      release();
      gpu.leave();
    };
    const running: { worker?: WorkerProcess } = {};
    const end = (grace_ms: number) => running.worker?.end(grace_ms);
    return { give: (...given) => this.#carryOut(need, gpu.device, running, ...given), end, leave };
  }

  takeBack(): void {
    this.#isTakenBack = true;
    this.#pool.abortAll();
  }

  stop(): void {
    this.#isTakenBack = true;
    this.#pool.killAll();
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }

  async #carryOut(
    { kind, resources }: Need,
    device: string | undefined,
    running: { worker?: WorkerProcess },
    ...[attempt, order, hear]: Parameters<Room['give']>
  ): Promise<AttemptEnd> {
    const job = await jobOf(order, attempt, this.#store);
    // The last look before the job is sent: from then on, a stop reaches the worker.
    if (this.#isTakenBack) return takenBack;
    const worker = this.#pool.take(kind, device);
    running.worker = worker;
    try {
      hear({ type: 'started', where: `process ${worker.pid}`, carrier: { ...identityOf(worker.pid) } });
      return await worker.run(job, attempt.log, hear, resources.memory_bytes);
    } finally {
      this.#pool.give(worker);
    }
  }
}
