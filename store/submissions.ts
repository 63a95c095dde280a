// What a batch system was given in one go: a folder with its script, its tasks, and the notes by which jobs and whoever waits for them speak.
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ignoringErrors } from '../util/ignoring-errors.ts';
import type { JsonObject } from '../util/json.ts';
import { namesIn } from '../util/names-in.ts';
import { isDigest } from './digest.ts';
import { type Layout, layoutOf } from './layout.ts';

/** Which task of which submission carries an attempt out. */
export interface TaskRef {
  submission: string;
  task: number;
}

/** A line of a submission's `tasks`. */
export interface TaskLine {
  /** The first key of the attempt, by which it goes. */
  key: string;
  attempt: string;
  log: string;
}

/** One task's attempt, by the notes that its job writes; `exit` ends it for good. */
export type NoteName = 'begun' | 'progress' | 'stopped' | 'end' | 'exit' | 'out';

const tasksName = 'tasks';
/** A submission that was never finished is one of a process that was killed meanwhile. */
const unfinished_ms = 86_400_000;

/** The folder of a submission in the store in `folder`. */
export function submissionFolder(folder: string, id: string): string {
  return layoutOf(folder).submission(id);
}

/** Where task `task` keeps a note. */
export function notePath(folder: string, task: number, name: NoteName): string {
  return join(folder, `${task}.${name}`);
}

/** The text of `tasks`: what is on its n-th line is for task n. */
export function tasksText(tasks: readonly TaskLine[]): string {
  return tasks.map(({ key, attempt, log }) => `${key} ${attempt} ${log}\n`).join('');
}

/** The tasks of the submission in `folder`; none where it has not been written. */
export function readTasks(folder: string): TaskLine[] {
  let text = '';
  ignoringErrors(() => {
    text = readFileSync(join(folder, tasksName), 'utf8');
  });
  return text.split('\n').flatMap((line): TaskLine[] => {
    const [, key, attempt, log] = /^(\S+) ([\w-]+) (.+)$/.exec(line) ?? [];
    return isDigest(key) && attempt !== undefined && log !== undefined ? [{ key, attempt, log }] : [];
  });
}

/** The task that a carrier names; undefined for one that ends with whoever ordered it. */
export function taskOf({ submission, task }: JsonObject): TaskRef | undefined {
  const isName = typeof submission === 'string' && /^[\w-]{1,64}$/.test(submission);
  return isName && Number.isSafeInteger(task) && (task as number) >= 0
    ? { submission, task: task as number }
    : undefined;
}

/** True when the carrier's job has ended for good and said so, or when what it was given is gone. */
export function hasEnded(layout: Layout, carrier: JsonObject): boolean {
  const task = taskOf(carrier);
  if (task === undefined) return false;
  const folder = layout.submission(task.submission);
  return !existsSync(folder) || namesIn(folder).includes(`${task.task}.exit`);
}

/** Takes note that a batch system did not list a task, with `false` that it did; since when it does not, by the clock of the file system. */
export function noteListed(layout: Layout, { submission, task }: TaskRef, isListed: boolean): number | undefined {
  const path = join(layout.submission(submission), `${task}.missing`);
  if (isListed) ignoringErrors(() => rmSync(path, { force: true }));
  else if (!existsSync(path)) ignoringErrors(() => writeFileSync(path, ''));
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}

/** Removes submissions of which no attempt is left. */
export function sweepSubmissions(layout: Layout): void {
  for (const id of namesIn(layout.submission(''))) {
    const folder = layout.submission(id);
    const tasks = readTasks(folder);
    const isLeft = tasks.length === 0 ? isOld(folder) : !tasks.some((task) => isOpen(layout, task));
    if (isLeft) ignoringErrors(() => rmSync(folder, { recursive: true }));
  }
}

function isOpen(layout: Layout, { key, attempt }: TaskLine): boolean {
  return existsSync(join(layout.attempts(key), attempt));
}

function isOld(folder: string): boolean {
  const stats = statSync(folder, { throwIfNoEntry: false });
  return stats !== undefined && Date.now() - stats.mtimeMs > unfinished_ms;
}
