// Finds the results that people name: of runs in the store, or of the outcome in the results folder.
import { join } from 'node:path';
import type { RunResult } from '../../contract/result.ts';
import { expectedNames } from '../../located/nearest.ts';
import { findRuns } from '../../store/runs/run-labels.ts';
import { listExperiments, loadRun, lookForRuns } from '../../store/runs/runs.ts';
import { UserError } from '../../util/errors.ts';
import { resultsFolder } from '../common/project.ts';
import { checkResult, outcomeProfiles, readOutcome } from '../result/outcome-folder.ts';
import { orSay, type RunInfo, runInfo } from './run-info.ts';
import { endSentences } from './run-info-text.ts';
import { isTrial, trialsSentence } from './trials.ts';

/** What `NAME@results` names: the outcome in the results folder, rather than a run. */
export const resultsName = 'results';

/** What stands under a name. */
export interface FoundResult {
  /** Null for a run that was named and has no result, since it was stopped, died or has not ended. */
  result: RunResult | null;
  /** How the run ended; null for an outcome that is kept without its run. */
  info: RunInfo | null;
  /** What to say first, each in a sentence: how it ended, later runs that were passed over, damaged files. */
  warnings: readonly string[];
  /** Where it came from, when it is no run of the store. */
  remark: string | undefined;
  /** Which later trials were passed over for it, in a sentence. */
  trials: string | undefined;
  /** False when it, or a later run that was passed over for it, is not whole. */
  whole: boolean;
}

/** A result that has numbers. */
export interface NumbersFound extends FoundResult {
  result: RunResult;
}

/** The result of a run; undefined when it has none. Throws UserError for a damaged one. */
export function loadResult(store: string, experiment: string, run: string): RunResult | undefined {
  const kept = loadRun(store, experiment, run, 'result');
  return kept === undefined ? undefined : checkResult(kept, `the result of run '${experiment}@${run}'`);
}

/**
 * What is named `NAME` (its latest run with a result, trials aside; else its outcome in the results folder; else its latest trial),
 * `NAME@results` (that outcome) or `NAME@RUN` (the run of that number, the latest whose name or time begins so, or that people named so).
 * Throws UserError when there is nothing of that name.
 */
export function findResult(name: string, store: string, profile: string | undefined): FoundResult {
  const [experiment = '', wanted] = name.split('@', 2);
  if (wanted === resultsName) return findOutcome(experiment, store, profile);
  const runs = wanted === undefined ? lookForRuns(store, experiment).names : findRuns(store, experiment, wanted);
  const passed = new PassedOver();
  for (const run of [...runs].reverse()) {
    const info = runInfo(store, experiment, run);
    const damaged: string[] = [];
    const result = orSay(() => loadResult(store, experiment, run), damaged);
    if (profile !== undefined && (result?.profile ?? info.profile) !== profile) continue;
    if (wanted === undefined && isTrial(result ?? info)) {
      passed.addTrial(info, result);
      continue;
    }
    if (result !== undefined) return passed.found(result, info);
    passed.add(info, damaged);
  }
  if (wanted !== undefined && runs.length === 0) throw new UserError(noRun(experiment, wanted, store));
  if (wanted !== undefined) return passed.latest(profile, `experiment '${experiment}'`);
  const trial = passed.latestTrial();
  if (trial !== undefined && outcomeOrNone(experiment, profile) === undefined) return trial;
  return passed.insteadOf(findOutcome(experiment, store, profile, passed.warnings));
}

/** The same, where a run without numbers is of no use. */
export function findNumbers(name: string, store: string, profile: string | undefined): NumbersFound {
  const found = findResult(name, store, profile);
  const { result } = found;
  if (result !== null) return { ...found, result };
  throw new UserError(
    `${found.warnings.join('\n')}\n'${name}' has no numbers: name a run that was done (see 'lamina runs')`,
  );
}

/** The runs that were looked at and have no result, the latest first. */
class PassedOver {
  readonly warnings: string[] = [];
  #latest: RunInfo | undefined;
  #whole = true;
  readonly #trials: RunInfo[] = [];
  #trial: NumbersFound | undefined;

  /** A trial is passed over without harm; the latest that has a result is kept in case there is nothing else. */
  addTrial(info: RunInfo, result: RunResult | undefined): void {
    if (result !== undefined) this.#trial ??= this.found(result, info);
    this.#trials.push(info);
  }

  latestTrial(): NumbersFound | undefined {
    return this.#trial;
  }

  add(info: RunInfo, damaged: readonly string[]): void {
    this.#latest ??= info;
    this.#whole &&= goesOn(info) && damaged.length === 0;
    const gone =
      info.status === 'done' && damaged.length === 0 ? [`${info.experiment}@${info.run} has lost its result`] : [];
    this.warnings.push(...(info.status === 'done' ? info.damaged : endSentences(info)), ...damaged, ...gone);
  }

  found(result: RunResult, info: RunInfo): NumbersFound {
    const warnings = this.warnings.length === 0 ? [] : [...this.warnings, `this is ${info.experiment}@${info.run}`];
    const own = info.status === 'done' ? info.damaged : endSentences(info);
    const whole = this.#whole && (info.status === 'done' || goesOn(info));
    return {
      result,
      info,
      warnings: [...warnings, ...own],
      remark: undefined,
      whole,
      trials: trialsSentence(this.#trials),
    };
  }

  /** For a run that was named: that it has no result is the answer. */
  latest(profile: string | undefined, what: string): FoundResult {
    const info = this.#latest;
    if (info === undefined)
      throw new UserError(`${what} has no such run with profile '${profile}' (see 'lamina runs')`);
    return { result: null, info, warnings: this.warnings, remark: undefined, whole: this.#whole, trials: undefined };
  }

  insteadOf(found: FoundResult): FoundResult {
    const trials = trialsSentence(this.#trials);
    return { ...found, warnings: [...this.warnings, ...found.warnings], whole: this.#whole && found.whole, trials };
  }
}

/** It has not ended, as far as can be seen. */
function goesOn({ status }: RunInfo): boolean {
  return status === 'running' || status === 'unknown';
}

/** That an experiment has no such run. */
export function noRun(experiment: string, run: string, store: string): string {
  const known = lookForRuns(store, experiment).names;
  const hint = known.length === 0 ? 'it has no runs' : `its latest runs are ${known.slice(-3).join(', ')}`;
  return `experiment '${experiment}' has no run '${run}' in '${store}': ${hint} (see 'lamina runs')`;
}

/** The outcome in the results folder: of `profile`, else of `tiny` or the first that is there. Throws UserError. */
export function findOutcome(
  experiment: string,
  store: string,
  profile: string | undefined,
  passed: readonly string[] = [],
): NumbersFound {
  const chosen = outcomeOrNone(experiment, profile);
  if (chosen === undefined)
    throw new UserError([...passed, noResult(experiment, store, profile, outcomeProfiles(experiment))].join('\n'));
  const folder = join(resultsFolder(), experiment, chosen);
  const none = lookForRuns(store, experiment).names.length === 0 ? 'no run' : 'no result of a run';
  const remark = `${none} in '${store}'; this is the outcome kept in ${folder}`;
  return { result: readOutcome(folder), info: null, warnings: [], remark, whole: true, trials: undefined };
}

/** The profile of the outcome that is meant; undefined when it is not there. */
function outcomeOrNone(experiment: string, profile: string | undefined): string | undefined {
  const profiles = outcomeProfiles(experiment);
  const chosen = profile ?? (profiles.includes('tiny') ? 'tiny' : profiles[0]);
  return profiles.find((each) => each === chosen);
}

function noResult(experiment: string, store: string, profile: string | undefined, profiles: readonly string[]): string {
  if (profile !== undefined && profiles.length > 0)
    return `experiment '${experiment}' has no result with profile '${profile}'${expectedNames(profile, profiles, '')}`;
  const known = listExperiments(store);
  if (known.includes(experiment)) {
    const which = profile === undefined ? '' : ` with profile '${profile}'`;
    return `no run of '${experiment}' in '${store}'${which} has a result (see 'lamina runs ${experiment}')`;
  }
  return `there is no run of '${experiment}' in '${store}'${expectedNames(experiment, known, 'which holds no runs yet: start one with lamina run')}`;
}
