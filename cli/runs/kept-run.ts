// A run while it is under way: its name is reserved before anything else is done, and how it ended is kept whatever happens.
import { resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Plan } from '../../contract/plan.ts';
import type { RunResult } from '../../contract/result.ts';
import { type RunOutcome, succeeded } from '../../runner/run/outcome.ts';
import { keepLabels, noLabels, type RunLabels } from '../../store/runs/run-labels.ts';
import { dropLive, keepLive, type RunLive } from '../../store/runs/run-live.ts';
import { keepEnd, keepStart, type RunEnd, type RunFailure } from '../../store/runs/run-record.ts';
import { dropRun, reserveRun, saveRun } from '../../store/runs/runs.ts';
import { StoreWriteError } from '../../store/write-error.ts';
import type { UserError } from '../../util/errors.ts';
import type { JsonObject } from '../../util/json.ts';
import { packageVersion } from '../common/package-version.ts';
import { projectPath } from '../common/spec-name.ts';

/** What refuses to be written to and can still be read. */
const readOnly = ['EROFS', 'EACCES', 'EPERM'];

/** One run of an experiment. */
export class KeptRun {
  /** The run's name; '' where it cannot be kept. */
  name: string;
  /** Why it cannot be kept, although it can be run. */
  readonly problem: string | undefined;
  readonly #store: string;
  readonly #experiment: string;
  readonly #start_ms = performance.now();
  #began = false;
  #ended = false;

  /**
   * Reserves a name in the store, which is open, and keeps what people call it; `refusal` is why nothing can be written into it. Throws UserError when the store should
   * take it and does not.
   */
  constructor(
    store: string,
    { experiment, profile, file, overrides, copies }: Plan,
    labels: RunLabels,
    refusal?: UserError,
  ) {
    this.#store = resolve(store); // the current folder may go away while it runs
    this.#experiment = experiment;
    this.name = '';
    this.problem = refusal && `this run is not kept: ${refusal.message}`;
    if (refusal !== undefined) return;
    try {
      const start = new Date();
      this.name = reserveRun(store, experiment, start);
      const lamina = packageVersion();
      const started = start.toISOString();
      const flags = { overrides, ...(copies.length > 0 && { copies }) };
      keepStart(store, experiment, this.name, { profile, spec: projectPath(file), ...flags, started, lamina });
      if (!isDeepStrictEqual(labels, noLabels)) keepLabels(store, experiment, this.name, labels);
    } catch (error) {
      if (!(error instanceof StoreWriteError && readOnly.includes(error.code))) throw error;
      this.name = '';
      this.problem = `this run is not kept: ${error.message}`;
    }
  }

  /** Nothing more can be kept of it: the store is gone. */
  forget(): void {
    this.name = '';
  }

  /** Keeps how far it is, without waiting for the disk. */
  async live(live: RunLive): Promise<void> {
    if (this.name === '') return;
    await keepLive(this.#store, this.#experiment, this.name, live);
    if (this.#ended) dropLive(this.#store, this.#experiment, this.name); // it was on its way
  }

  /** From now on it has an end, and is not taken back. */
  began(): void {
    this.#began = true;
  }

  /** Keeps `value` as `<name>.json`; returns the file, undefined where the run is not kept. Throws UserError. */
  save(name: string, value: JsonObject): string | undefined {
    return this.name === '' ? undefined : saveRun(this.#store, this.#experiment, this.name, name, value);
  }

  /** Keeps how it ended. Throws UserError. */
  end(end: Omit<RunEnd, 'ended' | 'duration_ms'>): void {
    if (this.name === '') return;
    this.#ended = true;
    dropLive(this.#store, this.#experiment, this.name);
    const duration_ms = Math.round(performance.now() - this.#start_ms);
    keepEnd(this.#store, this.#experiment, this.name, { ...end, ended: new Date().toISOString(), duration_ms });
  }

  /** Keeps that it was stopped at once, as far as that can still be written. */
  killed(): void {
    try {
      this.end({ ...nothingDone, status: 'stopped' });
    } catch {
      // it then counts as died
    }
  }

  /** Keeps that an error ended it; one that was refused before anything began is no run. */
  broke(error: unknown): void {
    try {
      const troubles = [error instanceof Error ? error.message : String(error)];
      if (this.#began) this.end({ ...nothingDone, status: 'failed', troubles });
      else if (this.name !== '') dropRun(this.#store, this.#experiment, this.name);
    } catch {
      // the error itself is what is to be told
    }
  }
}

/** What a run has come to that has not got anywhere. */
export const nothingDone = {
  finished: 0,
  units: 0,
  cells: 0,
  measured: 0,
  claims: { hold: 0, fail: 0, undecided: 0 },
  failures: [],
  troubles: [],
} as const;

/** How a run ended, by its outcome and, where there is one, its result. `troubles` are sentences on what the outcome does not know. */
export function endOf(
  outcome: RunOutcome,
  result: RunResult | undefined,
  troubles: readonly string[],
): Omit<RunEnd, 'ended' | 'duration_ms'> {
  const units = [...outcome.nodes.values()].flatMap((node) => node.units);
  const { cells = [], claims = [] } = result ?? {};
  const verdicts = (holds: boolean | null) => claims.filter((claim) => claim.holds === holds).length;
  const failed = outcome.status === 'failed' || troubles.length > 0;
  return {
    status: outcome.status === 'cancelled' ? 'stopped' : failed ? 'failed' : 'done',
    finished: units.filter(succeeded).length,
    units: units.length,
    cells: cells.length,
    measured: cells.filter((cell) => cell.value !== null).length,
    claims: { hold: verdicts(true), fail: verdicts(false), undecided: verdicts(null) },
    failures: failuresOf(outcome),
    troubles,
  };
}

function failuresOf({ nodes, failures }: RunOutcome): RunFailure[] {
  const keys = new Map<string, string | null>();
  for (const node of nodes.values()) for (const { unit, key } of node.units) keys.set(`${node.node}\n${unit}`, key);
  return failures.map(({ node, stage, cell, units, reason, message, log }) => {
    return {
      node,
      stage,
      cell,
      units,
      keys: units.map((unit) => keys.get(`${node}\n${unit}`) ?? null),
      reason,
      message,
      log,
    };
  });
}
