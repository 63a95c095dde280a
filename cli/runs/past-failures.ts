// What failed in earlier runs of an experiment, so that `why` can say it of a unit that has no result.
import type { UnitName } from '../../runner/survey/events.ts';
import { listRuns } from '../../store/runs/runs.ts';
import { runInfo } from './run-info.ts';
import { failureSentence } from './run-info-text.ts';

/** The last attempt at a unit, which failed. */
export interface PastFailure {
  run: string;
  /** UTC, ISO 8601; null where it is not known. */
  ended: string | null;
  message: string;
  /** The file with the attempt's output, if it is still there. */
  log: string | null;
  /** False when the attempt had other parameters or inputs than the unit has now. */
  same_key: boolean;
}

interface AskedUnit extends Pick<UnitName, 'node' | 'unit'> {
  key: string | null;
  status: 'hit' | 'run' | 'depends';
  /** True for one that may have a result and is to run nevertheless. */
  forced?: boolean;
}

/** Looks through the small files of an experiment's runs, the latest first, and only as far as it is asked. */
export class PastFailures {
  /** Files that could not be used, a sentence each. */
  readonly damaged: string[] = [];
  readonly #store: string;
  readonly #experiment: string;
  #known: PastRun[] | undefined;

  constructor(store: string, experiment: string) {
    this.#store = store;
    this.#experiment = experiment;
  }

  /**
   * How the last attempt at a unit without a result failed: one at the same work (by its key) in any run, or at the stage as it was then in
   * the latest run. Null when there is none.
   */
  of({ node, unit, key, status, forced = false }: AskedUnit): PastFailure | null {
    if (status === 'hit' || forced) return null;
    const runs = this.#runs();
    const same = key === null ? undefined : runs.find(({ byKey }) => byKey.has(key));
    if (key !== null && same !== undefined) return { ...(same.byKey.get(key) as Told), same_key: true };
    const latest = runs[0]?.byUnit.get(`${node}\n${unit}`);
    return latest === undefined ? null : { ...latest, same_key: false };
  }

  #runs(): PastRun[] {
    this.#known ??= listRuns(this.#store, this.#experiment)
      .reverse()
      .map((run) => this.#read(run));
    return this.#known;
  }

  #read(run: string): PastRun {
    const { failures, ended, damaged } = runInfo(this.#store, this.#experiment, run);
    this.damaged.push(...damaged);
    const past: PastRun = { byKey: new Map(), byUnit: new Map() };
    for (const failure of failures) {
      const told = { run, ended, message: failureSentence(failure), log: failure.log };
      for (const [i, unit] of failure.units.entries()) {
        const key = failure.keys[i] ?? null;
        if (key !== null) past.byKey.set(key, told);
        past.byUnit.set(`${failure.node}\n${unit}`, told);
      }
    }
    return past;
  }
}

type Told = Omit<PastFailure, 'same_key'>;

interface PastRun {
  byKey: Map<string, Told>;
  byUnit: Map<string, Told>;
}
