// What is to be made of a task: from the notes of its job and from what the batch system says, of which neither is always there.
import { formatLimit } from '../../util/amounts.ts';
import type { WorkerFailure } from '../attempt/protocol.ts';
import type { AttemptEnd } from '../executor/executor.ts';
import { memoryEnd } from '../executor/memory-watch.ts';
import type { TaskState } from './queue.ts';

/** All that is known of a task at one moment. */
export interface TaskFacts {
  /** How a person calls it: `slurm job 12_3`. */
  name: string;
  /** The job's own last word, once it has said it: its failure, or that there is none. */
  said: { failure: WorkerFailure | null } | undefined;
  /** The exit code of a job that died without a last word. */
  exit: number | undefined;
  /** Why its job stopped by itself, where it was asked to. */
  stopped: string | undefined;
  /** It had begun, and the batch system has it waiting since then. */
  waitsAgain: boolean;
  /** The state that was heard last; undefined where the batch system lists others and not this one, or has not answered. */
  state: TaskState | undefined;
  /** For how long the exit code has been there, it has been missing from answers, or has been ended; 0 where it is none of that. */
  exit_ms: number;
  missing_ms: number;
  ended_ms: number;
  /** That somebody here asked for its end. */
  isAsked: boolean;
  limits: { memory_bytes?: number | undefined; time_ms?: number | undefined };
}

export interface Patience {
  /** How long a task may be missing before it is given up. */
  absent_ms: number;
  /** How long after the end of a job its notes may take to be seen. */
  settle_ms: number;
}

/** `again`: it did not fail, and is to be given out once more. `back`: it waits in the queue once more. */
export type Verdict =
  | { type: 'wait' }
  | { type: 'end'; end: AttemptEnd }
  | { type: 'again'; why: string; counts: boolean }
  | { type: 'back'; why: string };

const wait: Verdict = { type: 'wait' };

/** Decides of one task. */
export function judge(facts: TaskFacts, patience: Patience): Verdict {
  const { said, exit, state, name } = facts;
  if (said !== undefined) return { type: 'end', end: endSaid(said.failure) };
  if (state?.phase === 'ended') return judgeEnded(facts, state, patience);
  if (exit !== undefined) {
    return facts.exit_ms > patience.settle_ms ? lost(`its ${name} ended with exit code ${exit}`) : wait;
  }
  if (state !== undefined && facts.waitsAgain) return { type: 'back', why: state.words };
  if (state === undefined && facts.missing_ms > patience.absent_ms) {
    const limit = formatLimit(patience.absent_ms);
    return lost(`its ${name} is gone: it was not in the queue for ${limit}, and left no word of how it ended`);
  }
  return wait;
}

function judgeEnded(facts: TaskFacts, state: TaskState, { settle_ms }: Patience): Verdict {
  const { name, limits } = facts;
  if (facts.isAsked && state.kind !== 'done') return lost(`its ${name} was ended: ${state.words}`);
  if (state.kind === 'preempted') return { type: 'again', why: state.words, counts: false };
  if (state.kind === 'node') return { type: 'again', why: state.words, counts: true };
  if (state.kind === 'held') {
    return lost(
      `its ${name} could not be started: ${state.words}${state.advice === undefined ? '' : `; ${state.advice}`}`,
    );
  }
  if (facts.ended_ms <= settle_ms) return wait; // its last word may be on the way
  if (state.kind === 'memory') {
    return limits.memory_bytes === undefined
      ? { type: 'end', end: { type: 'lost', limit: 'memory', message: memoryText(name) } }
      : { type: 'end', end: memoryEnd(undefined, limits.memory_bytes) };
  }
  if (state.kind === 'time' || facts.stopped === 'deadline') {
    return { type: 'end', end: { type: 'lost', limit: 'time', message: timeText(name, limits.time_ms) } };
  }
  if (state.kind === 'cancelled') return lost(`its ${name} was cancelled by somebody: ${state.words}`);
  const code = facts.exit === undefined ? '' : `, exit code ${facts.exit}`;
  return lost(`its ${name} ended without a word of how: ${state.words}${code}`);
}

function memoryText(name: string): string {
  return `its ${name} took more memory than the cluster gave it; give its stage more (resources: memory)`;
}

function timeText(name: string, time_ms: number | undefined): string {
  return time_ms === undefined
    ? `its ${name} took longer than the cluster lets jobs run; what it kept is there for another attempt (--retries)`
    : `it took longer than ${formatLimit(time_ms)}, the limit of its stage (resources: time)`;
}

function endSaid(failure: WorkerFailure | null): AttemptEnd {
  return failure === null ? { type: 'finished' } : { type: 'failed', failure };
}

function lost(message: string): Verdict {
  return { type: 'end', end: { type: 'lost', message } };
}
