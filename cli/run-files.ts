// Where results lie: every run in the store, and the small outcome of a plain run in the results folder.
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderMarkdown } from '../report/render-markdown.ts';
import { expectedNames } from '../spec/nearest.ts';
import type { Provenance, ResultWarning, RunResult } from '../spec/result.ts';
import { sentence } from '../spec/warnings.ts';
import { writeDurably } from '../store/durable.ts';
import { listExperiments, listRuns, loadRun } from '../store/runs.ts';
import { hasCode, UserError } from '../util/errors.ts';
import { isObject } from '../util/json.ts';
import { writeCells, writeFigures } from './result-files.ts';

/** The folder of committed outcomes, in the folder where lamina is called. */
export const resultsFolder = 'results';

/** A result to show, with a remark on where it came from when it is no run of the store. */
export interface FoundResult {
  result: RunResult;
  remark: string | undefined;
}

/** The name of a run that starts at `start`: `2026-11-22T15-02-11Z`, with `-2` after it when the second is taken. */
export function newRunName(store: string, experiment: string, start: Date): string {
  const name = `${start.toISOString().slice(0, 19).replaceAll(':', '-')}Z`;
  const taken = new Set(listRuns(store, experiment));
  for (let i = 2; ; i++) {
    if (!taken.has(name)) return name;
    if (!taken.has(`${name}-${i}`)) return `${name}-${i}`;
  }
}

/**
 * Writes `cells.json`, `cells.arrow`, `provenance.json`, `table.md` and the figures: equal numbers give equal bytes, so git
 * shows what moved. Returns the folder. Throws UserError.
 */
export async function writeOutcome(result: RunResult): Promise<string> {
  const folder = join(resultsFolder, result.experiment, result.profile);
  const { run: _run, summary: _summary, overrides: _overrides, timings: _timings, provenance, ...rest } = result;
  const { warnings, ...plain } = rest;
  const stable = warnings.length === 0 ? plain : rest;
  try {
    mkdirSync(folder, { recursive: true });
    writeDurably(join(folder, 'cells.json'), `${JSON.stringify(stable, undefined, 1)}\n`);
    if (provenance !== null) writeDurably(join(folder, 'provenance.json'), provenanceText(provenance));
    writeDurably(join(folder, 'table.md'), renderMarkdown(result));
    await writeCells(join(folder, 'cells.arrow'), result);
    await writeFigures(join(folder, 'figures'), result);
  } catch (error) {
    throw new UserError(`cannot write the outcome into '${folder}': ${(error as Error).message}`, { cause: error });
  }
  return folder;
}

/** One line for each node, set of parameters and unit: small, and git shows which of them changed. */
function provenanceText(provenance: Provenance): string {
  const lists = Object.entries(provenance).map(([name, list]: [string, readonly unknown[]]) => {
    const lines = list.map((each) => `  ${JSON.stringify(each)}`).join(',\n');
    return ` "${name}": [${lines === '' ? '' : `\n${lines}\n `}]`;
  });
  return `{\n${lists.join(',\n')}\n}\n`;
}

/** The result named `NAME` (its latest run) or `NAME@RUN` (a run, or the start of its name; the latest that fits). */
export function findResult(name: string, store: string, profile: string | undefined): FoundResult {
  const [experiment = '', run] = name.split('@', 2);
  const runs = listRuns(store, experiment).filter((each) => run === undefined || each.startsWith(run));
  for (const each of runs.reverse()) {
    const result = loadRun(store, experiment, each, 'result');
    if (result === undefined) continue;
    const checked = checkResult(result, `run '${experiment}@${each}'`);
    if (profile === undefined || checked.profile === profile) return { result: checked, remark: undefined };
  }
  if (run !== undefined) throw new UserError(noRun(experiment, run, store));
  return findOutcome(experiment, store, profile);
}

function noRun(experiment: string, run: string, store: string): string {
  const known = listRuns(store, experiment);
  const hint = known.length === 0 ? 'it has no runs' : `its latest runs are ${known.slice(-3).join(', ')}`;
  return `experiment '${experiment}' has no run '${run}' in '${store}': ${hint} (see 'lamina runs')`;
}

/** The outcome in the results folder: of `profile`, else of `tiny` or the first that is there. Throws UserError. */
export function findOutcome(experiment: string, store: string, profile: string | undefined): FoundResult {
  const profiles = outcomeProfiles(experiment);
  const chosen = profile ?? (profiles.includes('tiny') ? 'tiny' : profiles[0]);
  if (chosen === undefined || !profiles.includes(chosen))
    throw new UserError(noResult(experiment, store, profile, profiles));
  const folder = join(resultsFolder, experiment, chosen);
  return { result: readOutcome(folder), remark: `no run in '${store}'; this is the outcome kept in ${folder}` };
}

/** True for the path (with a slash, so that no experiment is meant) of a folder that holds an outcome, wherever it is. */
export function isOutcomeFolder(path: string): boolean {
  return path.includes('/') && !path.includes('\u0000') && existsSync(join(path, 'cells.json'));
}

/** The outcome in a folder. Throws UserError. */
export function readOutcome(folder: string): RunResult {
  const file = join(folder, 'cells.json');
  const outcome = checkResult(readJson(file), `'${file}'`);
  return { ...outcome, provenance: readProvenance(join(folder, 'provenance.json')) };
}

function readProvenance(file: string): Provenance | null {
  if (!existsSync(file)) return null;
  const value = readJson(file);
  const lists = ['nodes', 'params', 'units'] as const;
  if (!isObject(value) || !lists.every((name) => Array.isArray(value[name])))
    throw new UserError(`'${file}' does not say how a run was made`);
  return value as unknown as Provenance;
}

function outcomeProfiles(experiment: string): string[] {
  if (experiment === '' || /[/\\]|^\./.test(experiment)) return [];
  try {
    return readdirSync(join(resultsFolder, experiment)).sort();
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return [];
    throw error;
  }
}

function noResult(experiment: string, store: string, profile: string | undefined, profiles: readonly string[]): string {
  if (profile !== undefined && profiles.length > 0)
    return `experiment '${experiment}' has no result with profile '${profile}'${expectedNames(profile, profiles, '')}`;
  const known = listExperiments(store);
  return `there is no run of '${experiment}' in '${store}'${expectedNames(experiment, known, 'which holds no runs yet: start one with lamina run')}`;
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) throw new UserError(`'${file}' is not JSON: ${error.message}`);
    if (hasCode(error, 'ENOENT')) throw new UserError(`'${file}' does not exist`);
    throw error;
  }
}

/** Fills what the committed form leaves out, and refuses what is no result. */
export function checkResult(value: unknown, what: string): RunResult {
  const lists = ['cells', 'claims', 'axes', 'notes'] as const;
  if (!isObject(value) || !isObject(value.table) || !lists.every((name) => Array.isArray(value[name])))
    throw new UserError(`${what} is not the result of a run`);
  const warnings = checkWarnings(value.warnings ?? [], what);
  const summary = { cached: 0, ran: 0, failed: 0, blocked: 0, duration_ms: 0 };
  const lacking = { run: '', overrides: [], summary, cell_notes: [], figures: [], provenance: null, timings: null };
  return { ...lacking, ...value, warnings, table: { beside: [], ...value.table } } as unknown as RunResult;
}

function checkWarnings(value: unknown, what: string): ResultWarning[] {
  const isWarning = (each: unknown): each is Record<string, unknown> =>
    isObject(each) &&
    typeof each.stage === 'string' &&
    typeof each.message === 'string' &&
    Number.isInteger(each.cells);
  if (!Array.isArray(value) || !value.every(isWarning))
    throw new UserError(`${what}: 'warnings' must be a list of objects with 'stage', 'message' and 'cells'`);
  return value.map(({ stage, message, cells }) => {
    return { stage: sentence(String(stage)), message: sentence(String(message)), cells: Number(cells) };
  });
}
