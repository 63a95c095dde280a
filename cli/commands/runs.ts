// `lamina runs`: the runs that the store knows, the newest last: how each of them ended, its number, and in what they differ.

import type { RunResult } from '../../contract/result.ts';
import { expectedNames } from '../../located/nearest.ts';
import type { PlanSnapshot } from '../../store/runs/plan-snapshot.ts';
import { listExperiments, lookForExperiments, lookForRuns } from '../../store/runs/runs.ts';
import { formatDuration } from '../../util/amounts.ts';
import { UserError } from '../../util/errors.ts';
import { printable } from '../../util/printable.ts';
import { alignColumns } from '../common/columns.ts';
import type { Context } from '../common/context.ts';
import { exitCodes } from '../common/exit-codes.ts';
import type { StoreFlags } from '../common/flags.ts';
import { neededRemote, type RemoteFlags, remoteOf } from '../common/remote.ts';
import { countOf } from '../common/spec-name.ts';
import { loadKeptPlan } from '../runs/kept-plan.ts';
import { latestRuns, type NamedRun } from '../runs/latest-runs.ts';
import { type MainNumber, mainNumbers, mainNumberText } from '../runs/main-number.ts';
import { loadResult } from '../runs/run-files.ts';
import { orSay, type RunInfo, runInfo } from '../runs/run-info.ts';
import { statusText } from '../runs/run-info-text.ts';
import { withRunPlaces } from '../runs/run-places.ts';
import { type Differing, varyingParams, varyingText } from '../runs/varying.ts';

export interface RunsFlags extends StoreFlags, RemoteFlags {
  /** Those in the shared store, and no others. */
  shared?: boolean;
  limit?: number;
  all?: boolean;
  cell?: string;
}

/** What a screen has room for. */
const usualLimit = 20;

/** A run as it is listed. */
interface Listed {
  info: RunInfo;
  number: MainNumber | undefined;
  differing: Differing | undefined;
}

/** Prints one line per run; all experiments without a name. Damaged files are told on standard error, and take nothing else away. */
export async function runs([name]: [string | undefined], flags: RunsFlags, context: Context): Promise<number> {
  if (flags.shared !== true) return list(name, flags, context);
  neededRemote(flags, 'runs --shared');
  return withRunPlaces({ ...flags, remoteRequired: true }, context, async (places) => {
    const limit = flags.limit ?? (flags.all === true || flags.json === true ? Number.POSITIVE_INFINITY : usualLimit);
    const { brought, count } = await places.latest(name, limit);
    const own = { ...flags, store: places.folder, limit: brought };
    return list(name, own, context, { count, told: (text) => places.told(text) });
  });
}

/** A shared store that was named is looked into when it is asked for. */
function hintOf(flags: RunsFlags): string {
  const remote = flags.shared === true ? undefined : remoteOf(flags);
  return remote === undefined ? '' : `; --shared lists those in '${remote}'`;
}

/** What of a list is known otherwise than by the folder that is listed. */
interface Elsewhere {
  count?: number;
  told(text: string): string;
}

async function list(
  name: string | undefined,
  flags: RunsFlags,
  context: Context,
  { told, count: all }: Elsewhere = { told: (text) => text },
): Promise<number> {
  const { out, err } = context.terminal;
  const problems: string[] = [];
  const known = new Map(
    experimentsOf(name, flags.store, problems).map((experiment) => {
      const found = orSay(() => lookForRuns(flags.store, experiment), problems);
      problems.push(...(found?.strays ?? []));
      return [experiment, found?.names ?? []] as const;
    }),
  );
  const count = all ?? [...known.values()].reduce((sum, names) => sum + names.length, 0);
  const limit = flags.limit ?? (flags.all === true || flags.json === true ? count : usualLimit);
  const listed = listedRuns(latestRuns(known, limit), flags, problems);
  err.write(problems.map((problem) => `${err.paint.warn('!')} ${told(problem)}\n`).join(''));
  if (flags.json) out.write(`${JSON.stringify(listed.map(runJson), undefined, 1)}\n`);
  else if (listed.length === 0) err.write(`${told(noRuns(name, flags.store))}${hintOf(flags)}\n`);
  else {
    if (listed.length < count)
      err.write(
        `${err.paint.faint(`the latest ${listed.length} of ${countOf(count, 'run')}: --limit N or --all for more`)}\n`,
      );
    out.write(
      `${alignColumns(withoutEmpty(listed.map(runColumns)))
        .map(printable)
        .join('\n')}\n`,
    );
  }
  return exitCodes.done;
}

function experimentsOf(name: string | undefined, store: string, problems: string[]): readonly string[] {
  if (name !== undefined) return [name];
  const { names, strays } = lookForExperiments(store);
  problems.push(...strays);
  return names;
}

/** What is to be said of each run; parameters and numbers are compared within an experiment. */
function listedRuns(runs: readonly NamedRun[], { store, cell }: RunsFlags, problems: string[]): Listed[] {
  const infos = runs.map(({ experiment, run }) => runInfo(store, experiment, run));
  problems.push(...infos.flatMap(({ damaged }) => damaged));
  const numbers = new Map<string, Map<string, MainNumber>>();
  const differing = new Map<string, Map<string, Differing>>();
  for (const experiment of new Set(runs.map((each) => each.experiment))) {
    const own = runs.filter((each) => each.experiment === experiment).map(({ run }) => run);
    const results = loaded<RunResult>(own, (run) => orSay(() => loadResult(store, experiment, run), problems));
    const plans = loaded<PlanSnapshot>(own, (run) => orSay(() => loadKeptPlan(store, experiment, run), problems));
    numbers.set(experiment, mainNumbers(results, cell));
    differing.set(experiment, varyingParams(plans));
    checkCell(cell, results);
  }
  return infos.map((info) => {
    const { experiment, run } = info;
    return { info, number: numbers.get(experiment)?.get(run), differing: differing.get(experiment)?.get(run) };
  });
}

function loaded<T>(runs: readonly string[], load: (run: string) => T | null | undefined): Map<string, T> {
  const found = new Map<string, T>();
  for (const run of runs) {
    const value = load(run);
    if (value !== undefined && value !== null) found.set(run, value);
  }
  return found;
}

/** A cell that no run of the experiment has is a slip of the pen. */
function checkCell(cell: string | undefined, results: ReadonlyMap<string, RunResult>): void {
  const names = [...new Set([...results.values()].flatMap(({ cells }) => cells.map((each) => each.name)))];
  if (cell === undefined || results.size === 0 || names.includes(cell)) return;
  throw new UserError(`--cell: no run that is listed has a cell '${cell}'${expectedNames(cell, names, '')}`);
}

function noRuns(name: string | undefined, store: string): string {
  const known = listExperiments(store);
  if (name === undefined || known.length === 0) return `no runs in '${store}' yet: start one with lamina run SPEC`;
  return `there is no run of '${name}' in '${store}'${expectedNames(name, known, 'which holds no others')}`;
}

function runJson({ info: { process, troubles, ...info }, number, differing }: Listed) {
  const failures = info.failures.map(({ stage, cell, units, message, log }) => ({ stage, cell, units, message, log }));
  const differs = [...(differing ?? [])].map(([name, { texts }]) => [name, [...texts].map((text) => JSON.parse(text))]);
  const main = { number: number ?? null, differs: Object.fromEntries(differs) };
  return { ...info, failures, troubles, host: process?.host ?? null, pid: process?.pid ?? null, ...main };
}

function runColumns({ info, number, differing }: Listed): string[] {
  const { hold, fail, undecided } = info.claims;
  const { name, tags, note } = info.labels;
  const claims = [hold > 0 ? `${hold} ✓` : '', fail > 0 ? `${fail} ✗` : '', undecided > 0 ? `${undecided} ?` : ''];
  return [
    `${info.experiment}@${info.run}`,
    name ?? '',
    statusText(info),
    info.profile,
    cellsText(info),
    claims.filter((part) => part !== '').join(' '),
    info.duration_ms === null ? '' : formatDuration(info.duration_ms),
    mainNumberText(number),
    [...info.overrides, varyingText(differing)].filter((part) => part !== '').join(' '),
    tags.map((tag) => `#${tag}`).join(' '),
    note.replace(/\s+/g, ' '),
  ];
}

/** The rows without the columns that are empty in all of them. */
function withoutEmpty(rows: readonly (readonly string[])[]): string[][] {
  return rows.map((row) => row.filter((_, i) => rows.some((each) => each[i] !== '')));
}

/** Without a result the units say how far it came. */
function cellsText({ cells, measured, units, finished, status }: RunInfo): string {
  if (status === 'stopped') return units === 0 ? '' : `${finished} of ${units} units`;
  if (status !== 'done' && status !== 'failed') return '';
  return measured === cells ? `${cells} cells` : `${measured} of ${cells} cells`;
}
