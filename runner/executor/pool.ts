// Worker processes, kept between attempts: starting one and loading the tensor library takes longer than many stages.
import { WorkerProcess } from './process.ts';

/** At most one idle process per slot of the scheduler, which limits how many are taken at once. */
export class WorkerPool {
  readonly #url: URL;
  readonly #limit: number;
  readonly #idle: WorkerProcess[] = [];
  readonly #busy = new Set<WorkerProcess>();

  constructor(url: URL, limit: number) {
    this.#url = url;
    this.#limit = limit;
  }

  /** A process for `kind` of numerics; undefined for work that uses none, which any process can do. With a `device` it sees this GPU alone. */
  take(kind: string | undefined, device?: string | undefined): WorkerProcess {
    const worker = this.#takeIdle(kind, device) ?? new WorkerProcess(this.#url, device);
    worker.kind ??= kind;
    this.#busy.add(worker);
    this.#trim();
    return worker;
  }

  /** Takes a process back after its attempt. */
  give(worker: WorkerProcess): void {
    this.#busy.delete(worker);
    if (worker.usable) this.#idle.push(worker);
  }

  abortAll(): void {
    for (const worker of this.#busy) worker.abort();
  }

  killAll(): void {
    for (const worker of [...this.#busy, ...this.#idle]) worker.kill();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#idle.splice(0), ...this.#busy].map((worker) => worker.close()));
  }

  #takeIdle(kind: string | undefined, device: string | undefined): WorkerProcess | undefined {
    const usable = (worker: WorkerProcess) => worker.usable && worker.device === device;
    let at = this.#idle.findIndex((worker) => usable(worker) && worker.kind === kind);
    if (at < 0)
      at = this.#idle.findIndex((worker) => usable(worker) && (kind === undefined || worker.kind === undefined));
    return at < 0 ? undefined : this.#idle.splice(at, 1)[0];
  }

  /** Ends idle processes of other kinds that would exceed the limit: they hold memory. */
  #trim(): void {
    while (this.#idle.length > 0 && this.#idle.length + this.#busy.size > this.#limit) void this.#idle.shift()?.close();
  }
}
