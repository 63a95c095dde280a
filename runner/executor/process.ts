// One worker process as the runner sees it: a job in, messages out, an end that may be a crash.
import { type ChildProcess, fork } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { boundLog } from '../../store/log-file.ts';
import type { FromWorker, Job, WorkerFailure } from '../attempt/protocol.ts';
import { markWait_ms, OutputTap } from '../worker/log.ts';
import type { AttemptEnd, ExecutorEvent } from './executor.ts';
import { MemoryWatch } from './memory-watch.ts';

/** After the end of a process its output is waited for as long as it comes, with pauses of at most this. */
const quiet_ms = 1000;
/** A grandchild may print for ever. */
const longest_ms = 5000;

interface Current {
  id: string;
  log: string;
  /** Resolves when all that the job printed is in the log. */
  logged: Promise<unknown>;
  hear: (event: ExecutorEvent) => void;
  resolve: (end: AttemptEnd) => void;
  watch: MemoryWatch | undefined;
}

/** A persistent process that runs one attempt at a time. */
export class WorkerProcess {
  /** The numerics that it has served; a process is never used with two kinds. */
  kind: string | undefined;
  readonly device: string | undefined;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #taps: readonly OutputTap[];
  #current: Current | undefined;
  #end: AttemptEnd | undefined;

  /** `device`: the one GPU that it sees. */
  constructor(worker: URL, device?: string | undefined) {
    this.device = device;
    const env = device === undefined ? process.env : { ...process.env, CUDA_VISIBLE_DEVICES: device };
    this.#child = fork(fileURLToPath(worker), [], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], execArgv: [], env });
    this.#child.on('message', (message) => this.#receive(message as FromWorker));
    this.#taps = [this.#child.stdout, this.#child.stderr].flatMap((stream) => (stream ? [new OutputTap(stream)] : []));
    this.#exited = new Promise((resolve) => {
      const ended = async (code: number | null, signal: NodeJS.Signals | null) => {
        await this.#drain(); // the last of the output often says why the process died
        this.#finish({ type: 'lost', message: deathOf(code, signal) });
        resolve();
      };
      this.#child.on('exit', ended);
      this.#child.on('error', (error) => {
        if (this.#current !== undefined) appendTo(this.#current.log, Buffer.from(`${error.message}\n`));
        if (this.#child.pid === undefined) void ended(null, null);
      });
    });
  }

  /** Its process number; -1 when it could not be started. */
  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** False once it has ended or was told to. */
  get usable(): boolean {
    return this.#end === undefined && this.#child.connected;
  }

  /** Runs one job; output of the process goes to the file `log`. Ended when it takes more than `memory_bytes`. Never rejects. */
  run(
    job: Job,
    log: string,
    hear: (event: ExecutorEvent) => void,
    memory_bytes?: number | undefined,
  ): Promise<AttemptEnd> {
    return new Promise((resolve) => {
      const append = (bytes: Buffer) => appendTo(log, bytes);
      const logged = Promise.all(this.#taps.map((tap) => tap.begin(job.id, append)));
      if (this.#end !== undefined) {
        resolve(this.#end);
        return;
      }
      const watch = memory_bytes === undefined ? undefined : new MemoryWatch(this.pid, memory_bytes, () => this.kill());
      this.#current = { id: job.id, log, logged, hear, resolve, watch };
      this.#child.send(job, () => {}); // a failed send is followed by the end of the process
    });
  }

  /** Asks the running job to stop between two steps. */
  abort(): void {
    if (this.#current !== undefined && this.#child.connected) {
      this.#child.send({ type: 'abort', id: this.#current.id }, () => {});
    }
  }

  /** Asks the running job to stop, and ends the process where it is still at it after `grace_ms`. */
  end(grace_ms: number): void {
    const current = this.#current;
    this.abort();
    const kill = () => {
      if (current !== undefined && this.#current === current) this.kill();
    };
    setTimeout(kill, grace_ms).unref();
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Lets an idle process go; it ends by itself when the channel closes, or is killed. */
  async close(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    const timer = setTimeout(() => this.kill(), 2000);
    await this.#exited;
    clearTimeout(timer);
  }

  /** Waits for the output of an ended process; a grandchild that keeps the pipes open is not waited for. */
  async #drain(): Promise<void> {
    const closed = Promise.all(this.#taps.map((tap) => tap.closed)).then(() => true);
    const start_ms = performance.now();
    const isQuiet = (now_ms: number) => this.#taps.every((tap) => now_ms - tap.last_ms > quiet_ms);
    while (!(await Promise.race([closed, sleep(quiet_ms / 4, false, { ref: false })]))) {
      const now_ms = performance.now();
      if (now_ms - start_ms > longest_ms || (now_ms - start_ms > quiet_ms && isQuiet(now_ms))) break;
    }
    for (const tap of this.#taps) tap.destroy();
  }

  #receive(message: FromWorker): void {
    const current = this.#current;
    if (current === undefined || message.id !== current.id) return;
    if (message.type === 'end') void this.#endJob(current, message.failure);
    else current.hear(message);
  }

  /** The end of a job overtakes what it printed last, which is in another pipe. */
  async #endJob(current: Current, failure: WorkerFailure | null): Promise<void> {
    await Promise.race([current.logged, sleep(markWait_ms, undefined, { ref: false })]);
    if (this.#current !== current) return;
    this.#current = undefined;
    current.watch?.stop();
    current.resolve(failure === null ? { type: 'finished' } : { type: 'failed', failure });
  }

  #finish(end: AttemptEnd): void {
    this.#end = end;
    this.#current?.watch?.stop();
    this.#current?.resolve(this.#current.watch?.end ?? end);
    this.#current = undefined;
  }
}

function appendTo(log: string, bytes: Buffer): void {
  try {
    appendFileSync(log, bytes);
    boundLog(log);
  } catch {
    // The output of a worker is worth less than the run: on a full disk the result itself will say so.
  }
}

function deathOf(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal === 'SIGKILL') {
    return 'its worker process was killed (SIGKILL), most likely because memory ran out; run fewer jobs at once (-j 1) or smaller batches';
  }
  if (signal !== null) return `its worker process crashed (${signal})`;
  return code === null ? 'its worker process could not be started' : `its worker process ended with exit code ${code}`;
}
