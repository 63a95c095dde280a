// One attempt on its way through a batch system, as the submitter knows it.
import { appendFileSync, rmSync, statSync } from 'node:fs';
import type { JsonObject } from '../../contract/stage.ts';
import type { Attempt } from '../../store/store.ts';
import { taskOf } from '../../store/submissions.ts';
import { ignoringErrors } from '../../util/ignoring-errors.ts';
import type { AttemptEnd, ExecutorEvent, Need } from '../executor/executor.ts';
import { readNote, readOut } from '../worker/notes.ts';
import type { TaskState } from './queue.ts';

/** A submission with the tasks of it that are waited for here. */
export interface Sent {
  id: string;
  folder: string;
  /** Undefined while nobody knows whether it was taken. */
  job: string | undefined;
  user: string | undefined;
  tasks: Map<number, Task>;
  /** True where all tasks are waited for here, so that the folder goes with the last. */
  isWhole: boolean;
  /** When it was given out, on the clock of `performance`. */
  since_ms: number;
  /** How often the queue has answered without it since then. */
  unseen: number;
}

export class Task {
  readonly attempt: Attempt;
  readonly need: Need;
  readonly ended: Promise<AttemptEnd>;
  sent: Sent | undefined;
  index = 0;
  state: TaskState | undefined;
  /** Since when it is missing or ended; on the clock of `performance`. */
  missingSince_ms: number | undefined;
  endedSince_ms: number | undefined;
  exitSince_ms: number | undefined;
  isAsked = false;
  /** The queue has it waiting, although it had begun when that was asked. */
  waitsAgain = false;
  /** How often a node was lost under it. */
  losses = 0;
  readonly #name: string;
  readonly #hear: (event: ExecutorEvent) => void;
  #resolve: (end: AttemptEnd) => void = () => {};
  #reject: (error: unknown) => void = () => {};
  #begun = '';
  #isBegun = false;
  #reported = '';

  constructor(executor: string, attempt: Attempt, need: Need, hear: (event: ExecutorEvent) => void) {
    this.#name = executor;
    this.attempt = attempt;
    this.need = need;
    this.#hear = hear;
    this.ended = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** `slurm job 12_3`. */
  get name(): string {
    return this.sent?.job === undefined ? `${this.#name} job` : `${this.#name} job ${this.sent.job}_${this.index}`;
  }

  /** True from the first note of its job until the queue, asked after that, has it waiting again. */
  get hasBegun(): boolean {
    return this.#isBegun;
  }

  /** What outlives the submitter: by that, another one finds the job. */
  get carrier(): JsonObject {
    return { executor: this.#name, submission: this.sent?.id ?? '', task: this.index };
  }

  /** Takes its place in a submission. */
  put(sent: Sent, index: number): void {
    this.sent = sent;
    this.index = index;
    this.state = undefined;
    this.missingSince_ms = undefined;
    this.endedSince_ms = undefined;
    this.exitSince_ms = undefined;
    sent.tasks.set(index, this);
    this.attempt.carriedBy(this.carrier);
  }

  /** Looks at what its job has noted, and tells of what is new. */
  listen(): void {
    const { sent, index } = this;
    if (sent === undefined) return;
    const begun = readNote(sent.folder, index, 'begun');
    const text = begun === undefined ? '' : JSON.stringify(begun);
    if (text !== '' && text !== this.#begun) {
      this.#begun = text;
      this.#isBegun = true;
      const host = typeof begun?.host === 'string' ? ` on ${begun.host}` : '';
      this.#hear({ type: 'started', where: `${this.name}${host}`, carrier: this.carrier });
    }
    const report = text === '' ? undefined : readNote(sent.folder, index, 'progress');
    const { done, total, of, unit, note } = report ?? {};
    if (typeof done !== 'number' || typeof total !== 'number' || typeof of !== 'string') return;
    const told = JSON.stringify(report);
    if (told === this.#reported) return;
    this.#reported = told;
    const more = { ...(typeof unit === 'string' && { unit }), ...(typeof note === 'string' && { note }) };
    this.#hear({ type: 'progress', id: this.attempt.id, report: { done, total, of, ...more } });
  }

  /** It waits again, through no fault of its own. */
  back(): void {
    this.waitsAgain = false;
    if (!this.#isBegun) return;
    this.#isBegun = false;
    this.#hear({ type: 'put-back' });
  }

  /** Takes note of an answer of the queue; `state` is undefined where the task was not in it. */
  note(state: TaskState | undefined, now_ms: number): void {
    this.missingSince_ms = state === undefined ? (this.missingSince_ms ?? now_ms) : undefined;
    this.endedSince_ms = state?.phase === 'ended' ? (this.endedSince_ms ?? now_ms) : undefined;
    this.waitsAgain = this.#isBegun && state?.phase === 'pending';
    this.state = state ?? (this.state?.phase === 'ended' ? this.state : undefined);
  }

  /** Ends it: what the batch system itself wrote stands at the end of the log then. */
  finish(end: AttemptEnd): void {
    const { log } = this.attempt;
    const own = this.sent === undefined ? '' : readOut(this.sent.folder, this.index);
    ignoringErrors(() => {
      if (own.trim() !== '') appendFileSync(log, own.endsWith('\n') ? own : `${own}\n`);
      if (statSync(log).size === 0) rmSync(log); // a log that is there is named in sentences
    });
    this.#resolve(end);
  }

  fail(error: unknown): void {
    this.#reject(error);
  }
}

/** The task that a carrier names, of this executor. */
export function ownTask(executor: string, carrier: JsonObject): ReturnType<typeof taskOf> {
  return carrier.executor === executor ? taskOf(carrier) : undefined;
}
