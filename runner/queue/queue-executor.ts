// The executor of a batch system: attempts go out as arrays, their ends come back by notes in the store and by polling; it may go away and come back.
import { randomUUID } from 'node:crypto';
import type { JsonObject } from '../../contract/stage.ts';
import type { Attempt, Store } from '../../store/store.ts';
import type { AttemptEnd, Executor, ExecutorAbout, ExecutorEvent, Need, Room } from '../executor/executor.ts';
import { Slots } from '../executor/slots.ts';
import { notesIn, readEnd, readExit, readNote } from '../worker/notes.ts';
import { judge, type TaskFacts } from './judge.ts';
import { type Cancellation, type Queue, type Submitted, submissionName } from './queue.ts';
import { type JobProgram, noteJob, openSubmission, removeSubmission, writeSubmission } from './submission.ts';
import { ownTask, type Sent, Task } from './task.ts';

/** When a batch system is spoken to, in ms. */
export interface QueueTimes {
  /** What comes within this goes into one array. */
  gather_ms: number;
  /** Between two submissions. */
  submit_ms: number;
  /** Between two looks at the notes of jobs. */
  look_ms: number;
  /** Between two questions to the queue, when nothing happens. */
  poll_ms: number;
  /** A job that the queue does not list for so long is gone. */
  absent_ms: number;
  /** What a job has noted may be seen so much later. */
  settle_ms: number;
  /** After a refusal that may pass. */
  retry_ms: number;
  /** Between two sentences on how the jobs are. */
  say_ms: number;
}

export const usualTimes: QueueTimes = {
  gather_ms: 500,
  submit_ms: 2_000,
  look_ms: 1_000,
  poll_ms: 15_000,
  absent_ms: 300_000,
  settle_ms: 20_000,
  retry_ms: 60_000,
  say_ms: 30_000,
};

export interface QueueOptions extends JobProgram {
  store: Store;
  queue: Queue;
  /** Attempts that are with the batch system at once, waiting and running. */
  jobs: number;
  times?: Partial<QueueTimes>;
  /** Is told in sentences what becomes of the jobs. */
  say?: ((sentence: string) => void) | undefined;
}

/** A node may be lost so often under one attempt. */
const mostLosses = 5;
const firstPoll_ms = 1_000;

const takenBack: AttemptEnd = {
  type: 'failed',
  failure: { reason: 'cancelled', message: 'the run was stopped', stack: null },
};

export class QueueExecutor implements Executor {
  readonly about: ExecutorAbout;
  readonly #options: QueueOptions;
  readonly #times: QueueTimes;
  readonly #slots: Slots;
  readonly #sent = new Map<string, Sent>();
  #waiting: Task[] = [];
  /** Jobs that ended for us and not for the batch system. */
  readonly #takenOut: Promise<void>[] = [];
  #arrivals = { first_ms: 0, last_ms: 0 };
  #nextSubmit_ms = 0;
  #poll = { next_ms: 0, pause_ms: firstPoll_ms };
  #fewer = Number.POSITIVE_INFINITY;
  #said = { text: '', at_ms: -Infinity };
  #isTakenBack = false;
  #isRunning = false;
  #wake: () => void = () => {};

  constructor(options: QueueOptions) {
    this.#options = options;
    this.#times = { ...usualTimes, ...options.times };
    this.about = { name: options.queue.name, at_once: options.jobs };
    const endless = Number.POSITIVE_INFINITY;
    this.#slots = new Slots(options.jobs, { threads: endless, memory_bytes: endless });
  }

  async room(need: Need, order: readonly [number, number]): Promise<Room> {
    const leave = await this.#slots.take(order, { threads: 1, memory_bytes: 0 });
    const given: { task?: Task } = {};
    const begin = (task: Task | undefined) => {
      if (task !== undefined) given.task = task;
      return task?.ended;
    };
    return {
      give: (attempt, _order, hear) => begin(this.#give(attempt, need, hear)) as Promise<AttemptEnd>,
      attach: (attempt, carrier, hear) => begin(this.#attach(attempt, carrier, need, hear)),
      end: (grace_ms) => void (given.task && this.#end(given.task, grace_ms)),
      leave,
    };
  }

  takeBack(): void {
    this.#isTakenBack = true;
    void this.#cancelAll(false);
  }

  stop(): void {
    this.#isTakenBack = true;
    void this.#cancelAll(true);
  }

  async close(): Promise<void> {
    this.#wake();
    await Promise.all(this.#takenOut);
  }

  #give(attempt: Attempt, need: Need, hear: (event: ExecutorEvent) => void): Task {
    const task = new Task(this.about.name, attempt, need, hear);
    if (this.#isTakenBack) task.finish(takenBack);
    else this.#queue(task);
    return task;
  }

  /** Waits for a job that another process submitted. */
  #attach(attempt: Attempt, carrier: JsonObject, need: Need, hear: (event: ExecutorEvent) => void): Task | undefined {
    const ref = ownTask(this.about.name, carrier);
    if (ref === undefined) return undefined;
    const task = new Task(this.about.name, attempt, need, hear);
    let sent = this.#sent.get(ref.submission);
    if (sent === undefined) {
      const { folder, job, user } = openSubmission(this.#options.store.folder, ref.submission);
      const at = { since_ms: performance.now(), unseen: 0 };
      sent = { id: ref.submission, folder, job, user, tasks: new Map(), isWhole: false, ...at };
      this.#sent.set(sent.id, sent);
      this.#pollSoon();
    }
    task.put(sent, ref.task);
    task.isAsked = this.#isTakenBack;
    if (this.#isTakenBack) void this.#cancelAll(false);
    this.#start();
    return task;
  }

  #queue(task: Task): void {
    const now_ms = performance.now();
    if (this.#waiting.length === 0) this.#arrivals.first_ms = now_ms;
    this.#arrivals.last_ms = now_ms;
    this.#waiting.push(task);
    this.#start();
  }

  #start(): void {
    if (this.#isRunning) {
      this.#wake();
      return;
    }
    this.#isRunning = true;
    void this.#run();
  }

  /** The one loop: submits what is due, looks at notes, asks the queue. Ends when nothing is left to wait for. */
  async #run(): Promise<void> {
    try {
      while (this.#waiting.length + this.#sent.size > 0) {
        await this.#submitDue();
        await this.#ask();
        this.#look();
        await this.#pause();
      }
    } catch (error) {
      for (const task of [...this.#waiting, ...this.#tasks()]) task.fail(error);
      this.#waiting = [];
      this.#sent.clear();
    } finally {
      this.#isRunning = false;
    }
  }

  #pause(): Promise<void> {
    const { gather_ms, look_ms } = this.#times;
    const pause_ms = this.#waiting.length > 0 ? Math.min(gather_ms, look_ms) : look_ms;
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, pause_ms);
      this.#wake = () => {
        if (this.#waiting.length > 0) return; // arrivals gather
        clearTimeout(timer);
        resolve();
      };
    });
  }

  *#tasks(): Iterable<Task> {
    for (const { tasks } of this.#sent.values()) yield* tasks.values();
  }

  async #submitDue(): Promise<void> {
    const now_ms = performance.now();
    const [first] = this.#waiting;
    if (first === undefined || now_ms < this.#nextSubmit_ms) return;
    const most = Math.min(this.#fewer, await this.#options.queue.most());
    const { gather_ms } = this.#times;
    const { first_ms, last_ms } = this.#arrivals;
    const isGathering = now_ms - last_ms < gather_ms && now_ms - first_ms < 10 * gather_ms;
    if (isGathering && this.#waiting.length < most) return;
    const kind = this.#options.queue.kindOf(first.need);
    const batch: Task[] = [];
    const rest: Task[] = [];
    for (const task of this.#waiting) {
      if (batch.length < most && this.#options.queue.kindOf(task.need) === kind) batch.push(task);
      else rest.push(task);
    }
    this.#waiting = rest;
    await this.#submit(batch);
    this.#nextSubmit_ms = Math.max(this.#nextSubmit_ms, performance.now() + this.#times.submit_ms);
  }

  /** The attempts say first with which submission they go, so that nobody gives them out again who comes after a kill. */
  async #submit(batch: readonly Task[]): Promise<void> {
    const { store, queue } = this.#options;
    const id = randomUUID();
    const lines = batch.map(({ attempt }) => ({
      key: attempt.keys[0] as string,
      attempt: attempt.id,
      log: attempt.log,
    }));
    let sent: Sent;
    try {
      const { folder, script } = writeSubmission(store.folder, id, lines, this.#options, queue.taskVariable);
      sent = { id, folder, job: undefined, user: undefined, tasks: new Map(), isWhole: true, since_ms: 0, unseen: 0 };
      for (const [index, task] of batch.entries()) task.put(sent, index);
      const need = (batch[0] as Task).need;
      const submission = { id, name: submissionName(id), folder, script, tasks: batch.length, need };
      this.#settle(sent, await queue.submit(submission), batch);
    } catch (error) {
      for (const task of batch) task.fail(error);
    }
  }

  #settle(sent: Sent, answer: Submitted, batch: readonly Task[]): void {
    sent.since_ms = performance.now();
    if (answer.type === 'accepted' || answer.type === 'unclear') {
      this.#sent.set(sent.id, sent);
      if (answer.type === 'accepted') this.#named(sent, answer.job);
      else
        this.#say(`it is not clear whether ${this.about.name} took ${batch.length} jobs (${answer.message}); looking`);
      this.#fewer *= 2;
      this.#pollSoon();
      if (this.#isTakenBack) void this.#cancelAll(false);
      return;
    }
    removeSubmission(sent.folder);
    if (answer.type === 'refused') {
      const failure = { reason: 'user-error', message: answer.message, stack: null } as const;
      for (const task of batch) task.finish({ type: 'failed', failure });
      return;
    }
    if (answer.fewer) this.#fewer = Math.max(1, Math.floor(batch.length / 2));
    this.#nextSubmit_ms = performance.now() + this.#times.retry_ms;
    this.#say(`${this.about.name} takes no more jobs now (${answer.message}); trying again`);
    this.#giveOutAgain(batch);
  }

  #named(sent: Sent, job: string): void {
    sent.job = job;
    noteJob(sent.folder, job);
    const asked = [...sent.tasks.values()].filter(({ isAsked }) => isAsked).map(({ index }) => index);
    if (asked.length > 0) void this.#options.queue.cancel([{ job, tasks: asked }], false);
  }

  #giveOutAgain(tasks: readonly Task[]): void {
    for (const task of tasks) {
      task.sent?.tasks.delete(task.index);
      if (task.sent?.tasks.size === 0) this.#sent.delete(task.sent.id);
      task.sent = undefined;
      if (this.#isTakenBack || task.isAsked) task.finish(takenBack);
      else this.#queue(task);
    }
  }

  #pollSoon(): void {
    this.#poll = { next_ms: performance.now(), pause_ms: firstPoll_ms };
  }

  /** Asks the queue, when it is time to; the pauses grow while nothing happens. */
  async #ask(): Promise<void> {
    if (performance.now() < this.#poll.next_ms || this.#sent.size === 0) return;
    const asked = [...this.#sent.values()];
    const states = await this.#options.queue.states(asked);
    const now_ms = performance.now();
    const pause_ms = Math.min(1.5 * this.#poll.pause_ms, this.#times.poll_ms);
    this.#poll = { next_ms: now_ms + pause_ms, pause_ms };
    if (states === undefined) {
      this.#say(`${this.about.name} does not answer; its jobs go on, and it is asked again`);
      return;
    }
    for (const sent of asked) {
      const found = states.get(sent.id);
      if (sent.job === undefined) {
        if (found !== undefined) this.#named(sent, found.job);
        else this.#missed(sent, now_ms);
      }
      for (const [index, task] of sent.tasks) task.note(found?.tasks.get(index), now_ms);
    }
    this.#sayStates();
  }

  /** A submission that nobody knows to have been taken, that several answers do not list, and of which no job has said a word, was not. */
  #missed(sent: Sent, now_ms: number): void {
    if ([...sent.tasks.values()].some(({ hasBegun }) => hasBegun)) return;
    sent.unseen++;
    const { absent_ms, settle_ms } = this.#times;
    if (sent.unseen < 3 || now_ms - sent.since_ms < Math.min(absent_ms, 3 * settle_ms)) return;
    this.#giveOutAgain([...sent.tasks.values()]);
  }

  #look(): void {
    const now_ms = performance.now();
    for (const sent of [...this.#sent.values()]) {
      const notes = notesIn(sent.folder);
      for (const [index, task] of [...sent.tasks]) {
        const names = notes.get(index) ?? new Set();
        if (names.has('begun')) task.listen();
        this.#decide(sent, task, names, now_ms);
      }
    }
  }

  #decide(sent: Sent, task: Task, names: ReadonlySet<string>, now_ms: number): void {
    const { index, need } = task;
    const exit = names.has('exit') ? readExit(sent.folder, index) : undefined;
    task.exitSince_ms = exit === undefined ? undefined : (task.exitSince_ms ?? now_ms);
    const since = (start_ms: number | undefined) => (start_ms === undefined ? 0 : now_ms - start_ms);
    const stopped = names.has('stopped') ? readNote(sent.folder, index, 'stopped')?.why : undefined;
    const facts: TaskFacts = {
      name: task.name,
      said: names.has('end') ? readEnd(sent.folder, index) : undefined,
      exit,
      stopped: typeof stopped === 'string' ? stopped : undefined,
      waitsAgain: task.waitsAgain,
      state: task.state,
      exit_ms: since(task.exitSince_ms),
      missing_ms: since(task.missingSince_ms),
      ended_ms: since(task.endedSince_ms),
      isAsked: task.isAsked,
      limits: need.resources,
    };
    const verdict = judge(facts, this.#times);
    if (verdict.type === 'wait') return;
    if (verdict.type === 'back') {
      task.back();
      return;
    }
    if (verdict.type === 'again' && (!verdict.counts || ++task.losses <= mostLosses)) {
      this.#say(`${task.name} goes to the queue again: ${verdict.why}`);
      task.back();
      this.#giveOutAgain([task]);
      return;
    }
    if (task.state?.kind === 'held' && sent.job !== undefined) {
      this.#takenOut.push(this.#options.queue.cancel([{ job: sent.job, tasks: [index] }], false)); // nobody waits for its release
    }
    const lost = { type: 'lost', message: `its ${task.name} was lost ${task.losses} times` } as const;
    this.#finish(sent, task, verdict.type === 'end' ? verdict.end : lost);
  }

  #finish(sent: Sent, task: Task, end: AttemptEnd): void {
    sent.tasks.delete(task.index);
    task.finish(end);
    if (sent.tasks.size > 0) return;
    this.#sent.delete(sent.id);
    if (sent.isWhole) removeSubmission(sent.folder);
  }

  /** Asks one attempt to stop; ends it where it has not done so after `grace_ms`. */
  #end(task: Task, grace_ms: number): void {
    const { sent, index } = task;
    task.isAsked = true;
    if (sent === undefined) {
      this.#waiting = this.#waiting.filter((each) => each !== task);
      task.finish(takenBack);
      return;
    }
    const cancel = (hard: boolean) => {
      this.#pollSoon();
      return sent.job === undefined || !sent.tasks.has(index)
        ? Promise.resolve()
        : this.#options.queue.cancel([{ job: sent.job, tasks: [index] }], hard);
    };
    void cancel(false);
    setTimeout(() => void cancel(true), grace_ms).unref();
  }

  async #cancelAll(hard: boolean): Promise<void> {
    for (const task of this.#waiting.splice(0)) task.finish(takenBack);
    const jobs: Cancellation[] = [];
    for (const { job, tasks, isWhole } of this.#sent.values()) {
      for (const task of tasks.values()) task.isAsked = true;
      if (job !== undefined) jobs.push(isWhole ? { job } : { job, tasks: [...tasks.keys()] });
    }
    if (jobs.length > 0) await this.#options.queue.cancel(jobs, hard);
    this.#pollSoon();
    this.#wake();
  }

  #sayStates(): void {
    const counts = new Map<string, number>();
    const advices = new Map<string, string>();
    for (const { state, sent, index } of this.#tasks()) {
      const { phase, words = '', advice } = state ?? {};
      if (words === '' || phase === 'ended') continue;
      counts.set(words, (counts.get(words) ?? 0) + 1);
      // of many that wait for the same the first stands for all
      if (advice !== undefined && !advices.has(words))
        advices.set(words, `; ${words}: ${advice.replaceAll('{job}', `${sent?.job}_${index}`)}`);
    }
    if (counts.size === 0) return;
    const parts = [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([words, count]) => `${count} ${words}`);
    const text = `${this.about.name}: ${parts.join(', ')}${[...advices.values()].join('')}`;
    if (text === this.#said.text || performance.now() - this.#said.at_ms < this.#times.say_ms) return;
    this.#say(text);
  }

  #say(text: string): void {
    this.#said = { text, at_ms: performance.now() };
    this.#options.say?.(text);
  }
}
