// Where the runs lie that are named: in the local store, or brought from the shared one for the time of a command.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunsThere } from '../../store/remote/runs-there.ts';
import { findRuns } from '../../store/runs/run-labels.ts';
import { runsMeant } from '../../store/runs/run-names.ts';
import { lookForRuns } from '../../store/runs/runs.ts';
import { UserError } from '../../util/errors.ts';
import type { Context } from '../common/context.ts';
import { type RemoteFlags, remoteOf } from '../common/remote.ts';
import { saying } from '../common/saying.ts';
import { latestRuns, type NamedRun } from './latest-runs.ts';
import { resultsName } from './run-files.ts';
import { runInfo } from './run-info.ts';
import { isTrial } from './trials.ts';

/** A folder with the layout of a store, in which the runs that are meant lie as far as they are anywhere. */
export interface RunPlace {
  store: string;
  /** That they came from the shared store, in a sentence. */
  remark: string | undefined;
}

/** Runs are looked for first here, then there. */
export class RunPlaces {
  readonly there: RunsThere | undefined;
  readonly #local: string;
  #folder: string | undefined;
  /** Something was looked for there in vain. */
  #isMissed = false;

  constructor(local: string, there: RunsThere | undefined) {
    this.#local = local;
    this.there = there;
  }

  /** Throws UserError for an address or settings that cannot be right. */
  static async open(flags: { store: string } & RemoteFlags, context: Context): Promise<RunPlaces> {
    const address = remoteOf(flags);
    if (address === undefined) return new RunPlaces(flags.store, undefined);
    const { openRunsThere } = await import('../../store/remote/open-shared.ts');
    const options = { say: saying(context), signal: new AbortController().signal, required: flags.remoteRequired };
    return new RunPlaces(flags.store, openRunsThere(address, options));
  }

  /** Where `NAME` or `NAME@wanted` lies: the local store where it is in neither, whose sentences tell that. */
  async of(experiment: string, wanted: string | undefined, profile?: string): Promise<RunPlace> {
    const here = { store: this.#local, remark: undefined };
    if (this.there === undefined || wanted === resultsName || wanted === 'HEAD' || this.#isHere(experiment, wanted))
      return here;
    const brought =
      wanted === undefined
        ? await this.#bringLatest(experiment, profile, this.there)
        : await this.#bringNamed(experiment, wanted, this.there);
    if (!brought) {
      this.#isMissed ||= this.there.isAsked;
      return here;
    }
    const what = wanted === undefined ? `no run of '${experiment}'` : `no run '${experiment}@${wanted}'`;
    return { store: this.folder, remark: `${what} in '${this.#local}'; this is from '${this.there.name}'` };
  }

  /** Brings the latest runs of the shared store, of one experiment or of all; how many there are. */
  async latest(experiment: string | undefined, limit: number): Promise<{ brought: number; count: number }> {
    const known = new Map<string, readonly string[]>();
    const { there } = this;
    if (there === undefined) return { brought: 0, count: 0 };
    for (const name of experiment === undefined ? await there.experiments() : [experiment])
      known.set(name, await there.runs(name));
    const count = [...known.values()].reduce((sum, names) => sum + names.length, 0);
    const brought = await this.#bring(latestRuns(known, limit), there);
    return { brought, count };
  }

  /** Where what is brought lies until {@link close}. */
  get folder(): string {
    this.#folder ??= mkdtempSync(join(tmpdir(), 'lamina-runs-'));
    return this.#folder;
  }

  /** Does work that may name files in {@link folder} in its errors: these are told as what they are copies of. What is in neither store is told of both. */
  async naming<T>(work: () => T | Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      const both = this.#isMissed ? `; '${this.there?.name}' does not have it either` : '';
      throw new UserError(`${this.told(error.message)}${both}`, { cause: error });
    }
  }

  told(sentence: string): string {
    return this.#folder === undefined ? sentence : sentence.replaceAll(this.#folder, this.there?.name ?? '');
  }

  close(): void {
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
    this.#folder = undefined;
  }

  #isHere(experiment: string, wanted: string | undefined): boolean {
    const found =
      wanted === undefined ? lookForRuns(this.#local, experiment).names : findRuns(this.#local, experiment, wanted);
    return found.length > 0;
  }

  async #bringNamed(experiment: string, wanted: string, there: RunsThere): Promise<boolean> {
    const names = await there.runs(experiment);
    const meant = runsMeant(names, wanted);
    const found = meant.length > 0 ? meant : await this.#called(experiment, names, wanted, there);
    return (
      (await this.#bring(
        found.map((run) => ({ experiment, run })),
        there,
      )) > 0
    );
  }

  /** The runs that people named so. */
  async #called(experiment: string, names: readonly string[], wanted: string, there: RunsThere): Promise<string[]> {
    const labels = join(this.folder, 'labels');
    const isLabels = (name: string) => name === 'labels.json';
    await Promise.all(names.map((run) => there.bringRun(experiment, run, labels, isLabels)));
    return findRuns(labels, experiment, wanted);
  }

  /** From the latest back to the second that is done and no trial, of one profile: enough for `show NAME` and `diff NAME`. */
  async #bringLatest(experiment: string, profile: string | undefined, there: RunsThere): Promise<boolean> {
    let [brought, whole, wanted] = [0, 0, profile];
    for (const run of (await there.runs(experiment)).reverse()) {
      if (!(await there.bringRun(experiment, run, this.folder))) continue;
      brought++;
      const info = runInfo(this.folder, experiment, run);
      if (info.status !== 'done' || isTrial(info) || (wanted !== undefined && info.profile !== wanted)) continue;
      wanted = info.profile;
      if (++whole === 2) break;
    }
    return brought > 0;
  }

  async #bring(runs: readonly NamedRun[], there: RunsThere): Promise<number> {
    const all = await Promise.all(runs.map(({ experiment, run }) => there.bringRun(experiment, run, this.folder)));
    return all.filter((each) => each).length;
  }
}

/** Does work that looks for runs, and lets go of what was brought for it. */
export async function withRunPlaces<T>(
  flags: { store: string } & RemoteFlags,
  context: Context,
  work: (places: RunPlaces) => Promise<T>,
): Promise<T> {
  const places = await RunPlaces.open(flags, context);
  try {
    return await places.naming(() => work(places));
  } finally {
    places.close();
  }
}
