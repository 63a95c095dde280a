// A batch system as the executor sees it: it takes arrays of tasks, says how they are, and takes them back.
import type { Need } from '../executor/executor.ts';

/** Tasks that are given out together; task N carries out line N + 1 of `tasks` in the folder. */
export interface Submission {
  id: string;
  /** By which the batch system lists it. */
  name: string;
  folder: string;
  script: string;
  tasks: number;
  need: Need;
}

/** The name of a submission in lists of jobs. */
export function submissionName(id: string): string {
  return `lamina-${id}`;
}

/**
 * What came of a submission. `later`: not now, and with `fewer` because it were too many. `unclear`: nobody knows whether it was taken, so it is
 * looked for by its name before it is made again.
 */
export type Submitted =
  | { type: 'accepted'; job: string }
  | { type: 'refused'; message: string }
  | { type: 'later'; message: string; fewer: boolean }
  | { type: 'unclear'; message: string };

/** Why a task ended, as its batch system says. */
export type EndKind = 'done' | 'failed' | 'memory' | 'time' | 'cancelled' | 'node' | 'preempted' | 'held';

export interface TaskState {
  phase: 'pending' | 'running' | 'ended';
  /** Of one that ended. */
  kind?: EndKind;
  /** In the batch system's own words: `PENDING (Priority)`. */
  words: string;
  /** What somebody can do about it where it does not pass by itself; `{job}` stands for the task's name. */
  advice?: string;
}

/** A submission that is looked for; the job is unknown while nobody knows whether it was taken. */
export interface Asked {
  id: string;
  job: string | undefined;
  /** The user it belongs to, where that is not this one. */
  user?: string | undefined;
}

/** What is known of a submission's tasks; one that is not there is not listed. */
export interface SubmissionState {
  job: string;
  tasks: ReadonlyMap<number, TaskState>;
}

/** By the ids of submissions. */
export type States = ReadonlyMap<string, SubmissionState>;

/** Tasks of one job to be ended; all of them where none is named. */
export interface Cancellation {
  job: string;
  tasks?: readonly number[];
}

export interface Queue {
  /** In one word: `slurm`. */
  readonly name: string;
  /** The variable in which a job finds the number of its task. */
  readonly taskVariable: string;
  /** How many tasks a submission may have. */
  most(): Promise<number>;
  /** Attempts with the same text can go into one submission. */
  kindOf(need: Need): string;
  submit(submission: Submission): Promise<Submitted>;
  /** Undefined when it does not answer: that says nothing of the tasks. */
  states(asked: readonly Asked[]): Promise<States | undefined>;
  /** Asks tasks to stop, with `hard` at once. What has ended already is no mistake. */
  cancel(jobs: readonly Cancellation[], hard: boolean): Promise<void>;
}
