// The names that a page may ask about: runs and kept outcomes, and never a path of the disk.

import { findRun } from '../../store/runs/run-labels.ts';
import { UserError } from '../../util/errors.ts';
import { outcomeProfiles } from '../result/outcome-folder.ts';
import { resultsName } from '../runs/run-files.ts';

/** A run, or the outcome that is kept of an experiment. */
export type Named =
  | { kind: 'run'; experiment: string; run: string; name: string }
  | { kind: 'outcome'; experiment: string; profile: string; name: string };

const form = /^([\p{L}\p{N}_][\p{L}\p{N}_.-]*)@([\p{L}\p{N}_][\p{L}\p{N}_.-]*)(?::([A-Za-z0-9_][A-Za-z0-9_.-]*))?$/u;

/** Reads `NAME@RUN` and `NAME@results:PROFILE`. Throws UserError for anything else, and for what is not there. */
export function readName(store: string, text: string): Named {
  const [, experiment, at, profile] = form.exec(text) ?? [];
  if (experiment === undefined || at === undefined)
    throw new UserError(`'${text}' names no run: expected NAME@RUN or NAME@results:PROFILE`);
  if (at !== resultsName) {
    const run = findRun(store, experiment, at);
    return { kind: 'run', experiment, run, name: `${experiment}@${run}` };
  }
  const known = outcomeProfiles(experiment);
  const wanted = profile ?? (known.includes('tiny') ? 'tiny' : known[0]);
  if (wanted === undefined || !known.includes(wanted))
    throw new UserError(`there is no outcome '${text}' in the results folder`);
  return { kind: 'outcome', experiment, profile: wanted, name: `${experiment}@${resultsName}:${wanted}` };
}
