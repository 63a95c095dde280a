// The job of a batch system: carries one task of a submission out, and leaves notes for whoever waits for it.
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { StageRegistry } from '../../contract/stage.ts';
import { openStore } from '../../store/open-store.ts';
import { readTasks, submissionFolder } from '../../store/submissions.ts';
import { isUserError, UserError } from '../../util/errors.ts';
import type { JsonObject } from '../../util/json.ts';
import type { WorkerFailure } from '../attempt/protocol.ts';
import { carryOut } from './carry-out.ts';
import { clearNotes, writeNote } from './notes.ts';

/** The exit code of a job that was asked to stop and has kept its state: it has not ended for good. */
export const stoppedCode = 75;
const failedCode = 1;

/** Before its time is up a job stops by itself, so that its state is kept whether it is told or not. */
const beforeDeadline_ms = 30_000;
const progressEvery_ms = 2000;

/** Runs task `task` of a submission in the store in `folder`; returns the exit code. */
export async function carryOutTask(
  [folder = '', submission = '', text = '']: readonly string[],
  registry: StageRegistry,
  env: NodeJS.ProcessEnv = process.env,
): Promise<number> {
  const place = submissionFolder(folder, submission);
  const task = Number(text);
  const note = (...[name, value]: [Parameters<typeof writeNote>[2], JsonObject]) => writeNote(place, task, name, value);
  const stop = new AbortController();
  const ask = (why: string) => {
    if (!stop.signal.aborted) console.error(`asked to stop: ${why}`);
    note('stopped', { why });
    stop.abort(new Error('the run was stopped'));
  };
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => ask('signal'));
  watchDeadline(env, () => ask('deadline'));
  clearNotes(place, task);
  note('begun', { host: hostname(), pid: process.pid, started: new Date().toISOString() });
  const failure = await failureOf(folder, place, submission, task, registry, stop.signal, note);
  if (failure?.reason === 'cancelled') return stoppedCode;
  note('end', { failure: failure as JsonObject | null });
  return failure === null ? 0 : failedCode;
}

async function failureOf(
  folder: string,
  place: string,
  submission: string,
  task: number,
  registry: StageRegistry,
  signal: AbortSignal,
  note: (name: 'progress', value: JsonObject) => void,
): Promise<WorkerFailure | null> {
  try {
    const line = readTasks(place)[task];
    if (line === undefined) throw new UserError(`there is no task ${task} in '${join(place, 'tasks')}'`);
    const store = await openStore(folder, { mode: 'write', sweep: false });
    let noted_ms = -Infinity;
    try {
      return await carryOut(line.key, registry, store, {
        signal,
        as: { attempt: line.attempt, submission },
        hear: (message) => {
          const now_ms = performance.now();
          if (message.type !== 'progress' || now_ms - noted_ms < progressEvery_ms) return;
          noted_ms = now_ms;
          note('progress', { ...message.report });
        },
      });
    } finally {
      store.close();
    }
  } catch (error) {
    if (signal.aborted) return { reason: 'cancelled', message: String(error), stack: null };
    const { message, stack = null } = error instanceof Error ? error : new Error(String(error));
    console.error(isUserError(error) ? message : (stack ?? message));
    return isUserError(error) ? { reason: 'user-error', message, stack: null } : { reason: 'bug', message, stack };
  }
}

/** Slurm tells its jobs when their time is up, as seconds since 1970. */
function watchDeadline({ SLURM_JOB_END_TIME: end }: NodeJS.ProcessEnv, stop: () => void): void {
  const left_ms = 1000 * Number(end) - Date.now();
  if (!(left_ms > 4 * beforeDeadline_ms) || left_ms >= 2 ** 31) return;
  setTimeout(stop, left_ms - beforeDeadline_ms).unref();
}
