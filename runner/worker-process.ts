// One worker process as the runner sees it: a job in, messages out, an end that may be a crash.
import { type ChildProcess, fork } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { FromWorker, Job, WorkerFailure } from './protocol.ts';

/** How an attempt ended. `died`: the process is gone, and `code` or `signal` say how. */
export type JobEnd =
  | { type: 'finished' }
  | { type: 'failed'; failure: WorkerFailure }
  | { type: 'died'; code: number | null; signal: NodeJS.Signals | null };

interface Current {
  id: string;
  log: string;
  onMessage: (message: FromWorker) => void;
  resolve: (end: JobEnd) => void;
}

/** A persistent process that runs one attempt at a time. */
export class WorkerProcess {
  /** The numerics that it has served; a process is never used with two kinds. */
  kind: string | undefined;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  #current: Current | undefined;
  #end: JobEnd | undefined;

  constructor(worker: URL) {
    this.#child = fork(fileURLToPath(worker), [], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], execArgv: [] });
    this.#child.on('message', (message) => this.#receive(message as FromWorker));
    const output = Promise.all([this.#drain(this.#child.stdout), this.#drain(this.#child.stderr)]);
    this.#exited = new Promise((resolve) => {
      const ended = async (code: number | null, signal: NodeJS.Signals | null) => {
        // The last of the output often says why the process died; a grandchild may keep the pipe open for ever.
        await Promise.race([output, sleep(1000, undefined, { ref: false })]);
        this.#finish({ type: 'died', code, signal });
        resolve();
      };
      this.#child.on('exit', ended);
      this.#child.on('error', (error) => {
        this.#log(Buffer.from(`${error.message}\n`));
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

  /** Runs one job; output of the process goes to the file `log`. Never rejects. */
  run(job: Job, log: string, onMessage: (message: FromWorker) => void): Promise<JobEnd> {
    return new Promise((resolve) => {
      if (this.#end !== undefined) {
        resolve(this.#end);
        return;
      }
      this.#current = { id: job.id, log, onMessage, resolve };
      this.#child.send(job, () => {}); // a failed send is followed by the end of the process
    });
  }

  /** Asks the running job to stop between two steps. */
  abort(): void {
    if (this.#current !== undefined && this.#child.connected) {
      this.#child.send({ type: 'abort', id: this.#current.id }, () => {});
    }
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

  /** Sends a stream of the process to the log; resolves at its end. */
  #drain(stream: Readable | null): Promise<void> {
    stream?.on('data', (chunk: Buffer) => this.#log(chunk));
    return new Promise((resolve) => {
      if (stream === null) resolve();
      else stream.on('close', resolve);
    });
  }

  #receive(message: FromWorker): void {
    const current = this.#current;
    if (current === undefined || message.id !== current.id) return;
    if (message.type !== 'end') {
      current.onMessage(message);
      return;
    }
    this.#current = undefined;
    current.resolve(message.failure === null ? { type: 'finished' } : { type: 'failed', failure: message.failure });
  }

  #finish(end: JobEnd): void {
    this.#end = end;
    this.#current?.resolve(end);
    this.#current = undefined;
  }

  #log(chunk: Buffer): void {
    if (this.#current === undefined) return;
    try {
      appendFileSync(this.#current.log, chunk);
    } catch {
      // The output of a worker is worth less than the run: on a full disk the result itself will say so.
    }
  }
}
