// How a run began and how it ended: two small files that are written at once, so that a run is never lost and a failure never forgotten.
import { UserError } from '../../util/errors.ts';
import type { JsonObject } from '../../util/json.ts';
import {
  fields,
  index,
  list,
  misshape,
  nullable,
  number,
  oneOf,
  optional,
  type Shape,
  text,
} from '../../util/shape.ts';
import { shown } from '../../util/shown.ts';
import { identityOf, type ProcessIdentity, stateOf } from '../process-identity.ts';
import { loadRun, saveRun } from './runs.ts';

/** Kept when a run begins, before anything else is done. */
export interface RunStart {
  profile: string;
  /** The spec, as `lamina show` prints it. */
  spec: string;
  overrides: readonly string[];
  /** As of a result. */
  copies?: readonly string[] | undefined;
  /** UTC, ISO 8601, by the clock of that moment: for people, never for the order of runs. */
  started: string;
  /** Who runs it. */
  process: ProcessIdentity;
  lamina: string;
}

/** Kept when a run ends, after everything else. */
export interface RunEnd {
  status: 'done' | 'failed' | 'stopped';
  /** As `started`. */
  ended: string;
  duration_ms: number;
  /** Units that are made, and all that were wanted. */
  finished: number;
  units: number;
  cells: number;
  /** Cells with a number. */
  measured: number;
  claims: { hold: number; fail: number; undecided: number };
  failures: readonly RunFailure[];
  /** What else went wrong, in sentences: numbers that metrics do not have, a control that is off. */
  troubles: readonly string[];
}

/** What stopped some units of one stage. */
export interface RunFailure {
  node: string;
  stage: string;
  cell: string;
  /** The units that it stopped, `''` for a stage without units, and their cache keys where they were known. */
  units: readonly string[];
  keys: readonly (string | null)[];
  reason: string;
  /** A whole sentence, with the place of the log. */
  message: string;
  log: string | null;
}

/** `died`: its process is gone and left no end. `unknown`: its process cannot be seen from here. */
export type RunStatus = RunEnd['status'] | 'running' | 'died' | 'unknown';

const processShape: Shape<ProcessIdentity> = fields({ host: text, boot: text, space: text, pid: index, started: text });

const startShape: Shape<RunStart> = fields({
  profile: text,
  spec: text,
  overrides: list(text),
  copies: optional(list(text)),
  started: text,
  process: processShape,
  lamina: text,
});

const failureShape: Shape<RunFailure> = fields({
  node: text,
  stage: text,
  cell: text,
  units: list(text),
  keys: list(nullable(text)),
  reason: text,
  message: text,
  log: nullable(text),
});

const endShape: Shape<RunEnd> = fields({
  status: oneOf('done', 'failed', 'stopped'),
  ended: text,
  duration_ms: number,
  finished: index,
  units: index,
  cells: index,
  measured: index,
  claims: fields({ hold: index, fail: index, undecided: index }),
  failures: list(failureShape),
  troubles: list(text),
});

/** Keeps that a run begins now, in this process. Throws UserError when it cannot be written. */
export function keepStart(store: string, experiment: string, run: string, start: Omit<RunStart, 'process'>): void {
  save(store, experiment, run, 'start', { ...start, process: identityOf() });
}

/** Keeps how a run ended. Throws UserError when it cannot be written. */
export function keepEnd(store: string, experiment: string, run: string, end: RunEnd): void {
  save(store, experiment, run, 'end', end);
}

/** How a run began; undefined for one of before this was kept. Throws UserError for a damaged file. */
export function loadStart(store: string, experiment: string, run: string): RunStart | undefined {
  return load(store, experiment, run, 'start', startShape);
}

/** How a run ended; undefined when it has not. Throws UserError for a damaged file. */
export function loadEnd(store: string, experiment: string, run: string): RunEnd | undefined {
  return load(store, experiment, run, 'end', endShape);
}

/** What became of a run that began and has not ended. */
export function statusWithoutEnd(start: RunStart): Extract<RunStatus, 'running' | 'died' | 'unknown'> {
  return ({ alive: 'running', dead: 'died', elsewhere: 'unknown' } as const)[stateOf(start.process)];
}

function save(store: string, experiment: string, run: string, name: 'start' | 'end', value: RunStart | RunEnd): void {
  saveRun(store, experiment, run, name, {
    format: `lamina-run-${name}`,
    version: 1,
    ...value,
  } as unknown as JsonObject);
}

function load<T>(
  store: string,
  experiment: string,
  run: string,
  name: 'start' | 'end',
  shape: Shape<T>,
): T | undefined {
  const value = loadRun(store, experiment, run, name);
  if (value === undefined) return undefined;
  const { format, version, ...kept } = value;
  const what = `'${name}.json' of run '${experiment}@${run}'`;
  if (format !== `lamina-run-${name}` || version !== 1) {
    throw new UserError(
      `${what} has the format ${shown(format)}, version ${shown(version)}, which this lamina does not know`,
    );
  }
  const wrong = misshape(shape, kept);
  if (wrong !== undefined) throw new UserError(`${what} is damaged: ${wrong}`);
  return kept as T;
}
