// What is known of a run without its result: how it began and ended, from its small files; damaged files are named, not thrown.
import { loadLabels, noLabels, type RunLabels } from '../../store/runs/run-labels.ts';
import { runNumber, runTime } from '../../store/runs/run-names.ts';
import {
  loadEnd,
  loadStart,
  type RunEnd,
  type RunFailure,
  type RunStart,
  type RunStatus,
  statusWithoutEnd,
} from '../../store/runs/run-record.ts';
import { loadRun } from '../../store/runs/runs.ts';
import { UserError } from '../../util/errors.ts';
import { isObject, type JsonObject } from '../../util/json.ts';
import { nothingDone } from './kept-run.ts';

/** What a list of runs shows. `damaged`: its own files do not say how it ended. */
export interface RunInfo {
  experiment: string;
  run: string;
  status: RunStatus | 'damaged';
  profile: string;
  overrides: readonly string[];
  labels: RunLabels;
  /** UTC, ISO 8601, by the clock of that moment. */
  started: string;
  /** Null for a run that has not ended. */
  ended: string | null;
  duration_ms: number | null;
  finished: number;
  units: number;
  cells: number;
  measured: number;
  claims: RunEnd['claims'];
  failures: readonly RunFailure[];
  troubles: readonly string[];
  /** The host and the process of a run that has not ended. */
  process: Pick<RunStart['process'], 'host' | 'pid'> | null;
  /** A sentence for each file that could not be used. */
  damaged: readonly string[];
}

/** What is known of a run. */
export function runInfo(store: string, experiment: string, run: string): RunInfo {
  const damaged: string[] = [];
  const attempt = <T>(load: () => T): T | undefined => orSay(load, damaged);
  const start = attempt(() => loadStart(store, experiment, run));
  const end = attempt(() => loadEnd(store, experiment, run));
  const unread = damaged.length > 0;
  const labels = attempt(() => loadLabels(store, experiment, run)) ?? noLabels;
  const { profile = '', overrides = [] } = start ?? {};
  const named = { experiment, run, profile, overrides, labels, started: runTime(run), damaged };
  if (end !== undefined) return { ...named, ...end, process: null };
  if (runNumber(run) === null && start === undefined)
    return { ...named, ...unnumbered(store, experiment, run, attempt) };
  const status = unread ? 'damaged' : start === undefined ? 'died' : statusWithoutEnd(start);
  return { ...named, ...nothing, status, process: start?.process ?? null };
}

/** The result of `load`; a file that is damaged becomes a sentence in `damaged`. */
export function orSay<T>(load: () => T, damaged: string[]): T | undefined {
  try {
    return load();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    damaged.push(error.message);
    return undefined;
  }
}

type Ended = Omit<
  RunInfo,
  'experiment' | 'run' | 'labels' | 'started' | 'damaged' | 'status' | 'profile' | 'overrides'
>;

const nothing: Ended = {
  ended: null,
  duration_ms: null,
  ...nothingDone,
  process: null,
};

/** What an outcome calls the ways to end. */
const oldEnds = new Map<unknown, RunEnd['status']>([
  ['done', 'done'],
  ['failed', 'failed'],
  ['cancelled', 'stopped'],
]);

type Load = <T>(load: () => T) => T | undefined;

/** A run of before beginnings and ends were kept: its result and its outcome tell, as far as they are there. */
function unnumbered(store: string, experiment: string, run: string, attempt: Load): Ended & Pick<RunInfo, 'status'> {
  const result = attempt(() => loadRun(store, experiment, run, 'result'));
  const outcome = attempt(() => loadRun(store, experiment, run, 'outcome'));
  const status = oldEnds.get(outcome?.status) ?? (result === undefined ? 'damaged' : 'done');
  const failures = listOf(outcome?.failures).map(failureOf);
  return result === undefined
    ? { ...nothing, status, failures }
    : { ...nothing, ...countsOf(result), status, failures };
}

function countsOf(result: JsonObject) {
  const cells = listOf(result.cells);
  const claims = listOf(result.claims);
  const verdicts = (holds: boolean | null) => claims.filter((claim) => claim.holds === holds).length;
  const { duration_ms } = isObject(result.summary) ? result.summary : {};
  return {
    profile: String(result.profile ?? ''),
    overrides: Array.isArray(result.overrides) ? result.overrides.map(String) : [],
    cells: cells.length,
    measured: cells.filter((cell) => typeof cell.value === 'number').length,
    claims: { hold: verdicts(true), fail: verdicts(false), undecided: verdicts(null) },
    duration_ms: typeof duration_ms === 'number' ? duration_ms : null,
  };
}

function failureOf(value: Record<string, unknown>): RunFailure {
  const word = (name: string) => (typeof value[name] === 'string' ? value[name] : '');
  const units = Array.isArray(value.units) ? value.units.map(String) : [word('unit')];
  const log = word('log') === '' ? null : word('log');
  const keys = units.map(() => null);
  const named = { node: word('node'), stage: word('stage'), cell: word('cell'), reason: word('reason') };
  return { ...named, units, keys, message: word('message'), log };
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
