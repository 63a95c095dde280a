// Which runs a collection keeps: all, or those that its flags name.
import { findRuns } from '../../store/runs/run-labels.ts';
import { runTime } from '../../store/runs/run-names.ts';
import { listRuns } from '../../store/runs/runs.ts';
import { UserError } from '../../util/errors.ts';
import { allRuns } from '../runs/all-runs.ts';
import type { NamedRun } from '../runs/latest-runs.ts';
import { runInfo } from '../runs/run-info.ts';

/** What a run has to be to be kept: any of these. */
export interface KeepFlags {
  /** `NAME` or `NAME@RUN`. */
  keep: string[];
  keepLast?: number;
  /** In ms: younger ones are kept. */
  olderThan?: number;
}

/**
 * The runs that are kept, and those that are not. Without a flag all are; runs that people named or tagged, and runs that have not ended, always
 * are. Throws UserError for a name that there is not.
 */
export function keptRuns(store: string, flags: KeepFlags, now_ms: number): { kept: NamedRun[]; dropped: NamedRun[] } {
  const { keep, keepLast, olderThan } = flags;
  const named = new Set(keep.flatMap((each) => runsNamed(store, each)));
  const all = allRuns(store);
  const last = new Set(keepLast === undefined ? [] : lastOfEach(all, keepLast));
  const isAll = keep.length === 0 && keepLast === undefined && olderThan === undefined;
  const isKept = (each: NamedRun) => {
    const { experiment, run } = each;
    if (isAll || named.has(`${experiment}@${run}`) || last.has(each)) return true;
    const began_ms = Date.parse(runTime(run));
    if (olderThan !== undefined && now_ms - began_ms < olderThan) return true;
    const { labels, status } = runInfo(store, experiment, run);
    return labels.name !== null || labels.tags.length > 0 || status === 'running' || status === 'unknown';
  };
  const kept = new Set(all.filter(isKept));
  return { kept: [...kept], dropped: all.filter((run) => !kept.has(run)) };
}

function lastOfEach(runs: readonly NamedRun[], count: number): NamedRun[] {
  const byExperiment = new Map<string, NamedRun[]>();
  for (const run of runs) byExperiment.set(run.experiment, [...(byExperiment.get(run.experiment) ?? []), run]);
  return [...byExperiment.values()].flatMap((own) => (count === 0 ? [] : own.slice(-count)));
}

function runsNamed(store: string, text: string): string[] {
  const [experiment = '', wanted] = text.split('@', 2);
  const runs = wanted === undefined ? listRuns(store, experiment) : findRuns(store, experiment, wanted);
  if (runs.length === 0) throw new UserError(`there is no run '${text}' in '${store}' to keep (see 'lamina runs')`);
  return runs.map((run) => `${experiment}@${run}`);
}
