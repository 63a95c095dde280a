// Puts what went wrong with an attempt into one sentence.
import { existsSync } from 'node:fs';
import { lastLines } from '../../store/log-file.ts';
import { RemoteError } from '../../store/remote/bucket.ts';
import { goneCode, noSpaceCodes, StoreWriteError } from '../../store/write-error.ts';
import { formatLimit } from '../../util/amounts.ts';
import { isUserError } from '../../util/errors.ts';
import type { WorkerFailure } from '../attempt/protocol.ts';
import type { AttemptEnd } from '../executor/executor.ts';
import { describeUnit, type Failure, type FailureReason } from '../survey/events.ts';
import { nameOf, type UnitState } from '../survey/graph.ts';

/** What is to be said, before it is known of whom. */
export interface Trouble {
  reason: FailureReason;
  message: string;
  stack?: string | null;
}

/** The failure of `units` (at least one, all of one node). The log is named only if the attempt wrote one. */
export function failureOf(units: readonly UnitState[], trouble: Trouble, log?: string): Failure {
  const names = units.map(({ unit }) => unit.name);
  const first = nameOf(units[0] as UnitState);
  const who = describeUnit({ ...first, unit: names.length === 1 ? first.unit : '' });
  const several = names.length === 1 ? '' : `, ${names.length} units`;
  const file = log !== undefined && existsSync(log) ? log : null;
  const where = file === null ? '' : `; its output is in '${file}'`;
  const [sentence = '', ...lines] = trouble.message.split('\n');
  return {
    ...first,
    unit: names.length === 1 ? first.unit : '',
    units: names,
    reason: trouble.reason,
    message: [`${who}${several}: ${sentence}${where}`, ...lines].join('\n'),
    stack: trouble.stack ?? null,
    log: file,
    last_lines: file === null ? [] : lastLines(file),
  };
}

/** Reasons for which another attempt may go better: what is wrong lies in the attempt, and not in the store or the sources. */
const passing: readonly FailureReason[] = ['worker-died', 'timeout', 'bug', 'output-missing', 'user-error'];

/** True for a trouble that may not come again. */
export function mayPass({ reason }: Trouble): boolean {
  return passing.includes(reason);
}

const reasonOfLoss = { memory: 'memory', time: 'timeout', none: 'worker-died' } as const;

/** How long an attempt may take, and who said so. */
export interface TimeLimit {
  limit_ms: number;
  from: 'flag' | 'stage';
}

/** The shorter one of the limit of all attempts and that of a stage; undefined where neither is given. */
export function timeLimit(flag_ms: number | undefined, stage_ms: number | undefined): TimeLimit | undefined {
  if (stage_ms !== undefined && stage_ms < (flag_ms ?? Number.POSITIVE_INFINITY)) {
    return { limit_ms: stage_ms, from: 'stage' };
  }
  return flag_ms === undefined ? undefined : { limit_ms: flag_ms, from: 'flag' };
}

/** Said of an attempt that was ended since its time was up. */
export function lateTrouble({ limit_ms, from }: TimeLimit): Trouble {
  const whose = from === 'flag' ? 'of an attempt (--timeout)' : 'of its stage (resources: time)';
  return { reason: 'timeout', message: `it took longer than ${formatLimit(limit_ms)}, the limit ${whose}` };
}

/** What the end of an attempt means; undefined when it finished well. */
export function troubleOf(end: AttemptEnd, store: string): Trouble | undefined {
  if (end.type === 'finished') return undefined;
  if (end.type === 'lost') return { reason: reasonOfLoss[end.limit ?? 'none'], message: end.message };
  return describe(end.failure, store);
}

function describe({ reason, message, stack }: WorkerFailure, store: string): Trouble {
  if (reason === 'no-space') {
    const way = 'free space there, or choose another folder with --store';
    return { reason, message: `the disk is full while writing into the store '${store}': ${way}` };
  }
  if (reason === 'output-missing') return { reason, message: `${message}; this is a bug in the stage` };
  if (reason === 'bug') return { reason, message: `it broke, which is a bug: ${message}`, stack };
  const isOurs = reason === 'cancelled' || reason === 'input-damaged';
  return { reason: isOurs ? 'bug' : reason, message };
}

/** Said instead of whatever a stage says whose store has gone away under it; undefined while the store is there. */
export function goneTrouble(store: string): Trouble | undefined {
  return existsSync(store) ? undefined : troubleFrom(new StoreWriteError(store, 'results', goneCode));
}

/** A user's error as trouble; anything else is a bug of the runner and is thrown on. */
export function troubleFrom(error: unknown): Trouble {
  if (error instanceof StoreWriteError) {
    const known = error.code === goneCode ? 'store-gone' : 'store-error';
    return { reason: noSpaceCodes.includes(error.code) ? 'no-space' : known, message: error.message };
  }
  if (error instanceof RemoteError) return { reason: 'remote-failed', message: error.message };
  if (isUserError(error)) return { reason: 'user-error', message: error.message };
  throw error;
}
