// How a run ended, in words.
import { existsSync } from 'node:fs';
import type { RunFailure } from '../../store/runs/run-record.ts';
import { formatDuration } from '../../util/amounts.ts';
import { printable } from '../../util/printable.ts';
import { countOf } from '../common/spec-name.ts';
import type { RunInfo } from './run-info.ts';

/** Failures that are told one by one. */
const mostFailures = 20;

/** `done`, `failed: 2 stages`, `stopped`, `died`, `running`: a column of a list. */
export function statusText({ status, failures, troubles, process }: RunInfo): string {
  if (status === 'unknown') return `on ${process?.host ?? 'another host'}`;
  if (status !== 'failed') return status;
  const stages = new Set(failures.map(({ stage }) => stage)).size;
  return stages > 0 ? `failed: ${countOf(stages, 'stage')}` : troubles.length > 0 ? 'failed' : 'failed early';
}

/** What to say first of a run that is not done: that, then each failure with the place of its log. Empty for one that is. */
export function endSentences(info: RunInfo): string[] {
  return [...headOf(info), ...failureSentences(info.failures), ...info.troubles, ...info.damaged].map(printable);
}

function headOf(info: RunInfo): string[] {
  const { experiment, run, status, started, process, finished, units, duration_ms } = info;
  const name = `${experiment}@${run}`;
  const since = started.slice(0, 16).replace('T', ' ');
  const made = units === 0 ? '' : `, ${finished} of ${countOf(units, 'unit')} made`;
  const again = 'run it again to go on: what is finished is kept';
  if (status === 'failed') return [`${name} failed${made}`];
  if (status === 'stopped') return [`${name} was stopped after ${formatDuration(duration_ms ?? 0)}${made}; ${again}`];
  if (status === 'died') return [`${name} died: its process is gone and left no end; ${again}`];
  if (status === 'running') return [`${name} is running since ${since} (process ${process?.pid})`];
  if (status === 'unknown')
    return [`${name} has not ended: it began ${since} on ${process?.host}, which cannot be seen from here`];
  return status === 'damaged' ? [`${name} does not say how it ended`] : [];
}

function failureSentences(failures: readonly RunFailure[]): string[] {
  const told = failures.slice(0, mostFailures).map(failureSentence);
  return failures.length > mostFailures ? [...told, `and ${failures.length - mostFailures} failures more`] : told;
}

/** A failure's message; a log that was swept away since is said to be gone. */
export function failureSentence({ message, log }: Pick<RunFailure, 'message' | 'log'>): string {
  return log === null || existsSync(log) ? message : `${message} (gone by now)`;
}
