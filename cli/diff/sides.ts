// Finds what a diff is to compare: runs in the store, outcomes in the results folder, specs now and in git.
import { join, resolve } from 'node:path';
import type { Plan } from '../../contract/plan.ts';
import type { RunResult } from '../../contract/result.ts';
import { NotASpec, readText, type SpecOrigin, specText } from '../../located/source-file.ts';
import type { DiffSide } from '../../report/diff/side.ts';
import { snapshotOf } from '../../store/runs/plan-snapshot.ts';
import { findRuns } from '../../store/runs/run-labels.ts';
import { compareRunNames } from '../../store/runs/run-names.ts';
import { listRuns } from '../../store/runs/runs.ts';
import { UserError } from '../../util/errors.ts';
import type { Context } from '../common/context.ts';
import { planOf } from '../common/plan-request.ts';
import { resultsFolder } from '../common/project.ts';
import { shortPath } from '../common/spec-name.ts';
import { outcomeOf, readOutcome, sumsName } from '../result/outcome-folder.ts';
import { loadKeptPlan } from '../runs/kept-plan.ts';
import { findNumbers, findOutcome, findResult, loadResult, resultsName } from '../runs/run-files.ts';
import { orSay, runInfo } from '../runs/run-info.ts';
import { endSentences } from '../runs/run-info-text.ts';
import type { RunPlace, RunPlaces } from '../runs/run-places.ts';
import { isTrial } from '../runs/trials.ts';
import { NoRepository, openRevision } from './git.ts';
import { parseSideName, type SideName } from './names.ts';

export interface SideFlags {
  store: string;
  /** Where runs are looked for. */
  places: RunPlaces;
  profile?: string;
}

/** A side; of a spec also the plan, for finding numbers that are there already. */
export interface FoundSide {
  side: DiffSide;
  plan: Plan | null;
  /** What to say of it: how its run ended, later runs that were passed over, damaged files. */
  remarks: readonly string[];
}

/** The two sides that one or two names mean, the older first. Throws UserError. */
export async function findSides(
  [first, second]: readonly [string, string?],
  flags: SideFlags,
  context: Context,
): Promise<[FoundSide, FoundSide]> {
  const a = withProfile(parseSideName(first), flags);
  if (second !== undefined) {
    const b = withProfile(parseSideName(second), flags);
    // what is kept in git has a profile in its path: that of the other side, unless one is given
    if (a.kind === 'name' && b.kind === 'name') {
      const after = await findNamed(b, flags, a.profile);
      return [await findNamed(a, flags, after.side.profile), after];
    }
    return [await findSide(a, flags, context), await findSide(b, flags, context)];
  }
  if (a.kind === 'spec') {
    const before = a.at === undefined ? await committedSide(a, flags, context) : await specSide(a, flags, context);
    return [before, await specSide({ ...a, at: undefined }, flags, context)];
  }
  if (a.kind === 'outcome') {
    const before = folderSide(a);
    const { experiment: name, profile } = before.side;
    return [before, await findNamed({ ...a, kind: 'name', name }, flags, profile)];
  }
  return runsOf(a, flags);
}

function withProfile(name: SideName, { profile }: SideFlags): SideName {
  return { ...name, profile: name.profile ?? profile };
}

function findSide(name: SideName, flags: SideFlags, context: Context): Promise<FoundSide> {
  if (name.kind === 'outcome') return Promise.resolve(folderSide(name));
  return name.kind === 'spec' ? specSide(name, flags, context) : findNamed(name, flags, name.profile);
}

/** The named run and the latest one, the older first; the latest two of one profile where none is named. Trials count only where they are named. */
async function runsOf(name: SideName, flags: SideFlags): Promise<[FoundSide, FoundSide]> {
  const { places } = flags;
  const latest = await findNamed({ ...name, at: undefined }, flags, name.profile);
  const { run, profile } = latest.side;
  if (name.at !== undefined) {
    const before = await findNamed(name, flags, profile);
    if (before.side.label !== latest.side.label) return inOrder(before, latest);
    throw new UserError(`'${name.text}' is the latest run itself: name the run to compare it with as well`);
  }
  const passed: string[] = [];
  const { store } = await places.of(name.name, undefined, name.profile);
  const earlier = run === null ? undefined : previousRun(name.name, latest.side, store, passed);
  if (earlier !== undefined) return [runSide(earlier, { store, remark: undefined }, passed, places), latest];
  throw new UserError(
    `${[...latest.remarks, ...passed].map((sentence) => `${sentence}\n`).join('')}experiment '${name.name}' has ${run === null ? 'no run' : 'only one run'} with profile '${profile}' in '${store}': ` +
      `name what to compare it with, such as '${name.name}@${resultsName}' (its outcome in ${resultsFolder()}) or '${name.name}@HEAD' (the outcome in git)`,
  );
}

function inOrder(a: FoundSide, b: FoundSide): [FoundSide, FoundSide] {
  return compareRunNames(a.side.run ?? '', b.side.run ?? '') > 0 ? [b, a] : [a, b];
}

/** The run before that of `latest` that has a result of its profile, and is no trial unless that is one; what is to be said of it, and of damaged ones on the way, goes into `remarks`. */
function previousRun(
  experiment: string,
  { run, profile, result: later }: DiffSide,
  store: string,
  remarks: string[],
): RunResult | undefined {
  const trials = later !== null && isTrial(later);
  const names = listRuns(store, experiment);
  for (const each of names.slice(0, names.indexOf(run ?? '')).reverse()) {
    const result = orSay(() => loadResult(store, experiment, each), remarks);
    if (result?.profile !== profile || (!trials && isTrial(result))) continue;
    const info = runInfo(store, experiment, each);
    if (info.status !== 'done') remarks.push(...endSentences(info));
    return result;
  }
  return undefined;
}

/** A run, the outcome in the results folder, or that in git. */
async function findNamed(name: SideName, { places }: SideFlags, profile: string | undefined): Promise<FoundSide> {
  const { name: experiment, at } = name;
  const wanted = name.profile ?? (at === undefined ? undefined : profile);
  const place = await places.of(experiment, at, wanted);
  const { store } = place;
  if (at === resultsName) return outcomeSide(findOutcome(experiment, store, wanted).result, null);
  const isRun = at === undefined || findRuns(store, experiment, at).length > 0;
  if (!isRun) return outcomeSide(await outcomeInGit(name, at, wanted ?? usualProfile(experiment, store)), at);
  const found = findNumbers(at === undefined ? experiment : `${experiment}@${at}`, store, name.profile);
  const { result, warnings, trials } = found;
  const remarks = [...warnings, ...(trials === undefined ? [] : [trials])];
  if (found.info === null) return { ...outcomeSide(result, null), remarks };
  return runSide(result, place, remarks, places);
}

function runSide(
  result: RunResult,
  { store, remark }: RunPlace,
  warnings: readonly string[],
  places: RunPlaces,
): FoundSide {
  const { experiment, profile, run } = result;
  const remarks = [...(remark === undefined ? [] : [remark]), ...warnings];
  const plan = orSay(() => loadKeptPlan(store, experiment, run), remarks) ?? null;
  const side = {
    kind: 'run',
    label: `${experiment}@${run}`,
    experiment,
    profile,
    run,
    revision: null,
    plan,
    result,
  } as const;
  return { side, plan: null, remarks: remarks.map((each) => places.told(each)) };
}

function outcomeSide(result: RunResult, revision: string | null): FoundSide {
  const { experiment, profile } = result;
  const label = `${resultsFolder()}/${experiment}/${profile}${revision === null ? '' : `@${revision}`}`;
  const side = { kind: 'outcome', label, experiment, profile, run: null, revision, plan: null, result } as const;
  return { side, plan: null, remarks: [] };
}

/** The outcome in a folder of any place: another checkout, a colleague's copy. */
function folderSide({ name }: SideName): FoundSide {
  const found = outcomeSide(readOutcome(name), null);
  return { ...found, side: { ...found.side, label: name.replace(/\/+$/, '') } };
}

/** The profile of what `lamina show` shows. */
function usualProfile(experiment: string, store: string): string {
  try {
    return findResult(experiment, store, undefined).result?.profile ?? 'tiny';
  } catch (error) {
    if (error instanceof UserError) return 'tiny';
    throw error;
  }
}

async function outcomeInGit({ name, text }: SideName, revision: string, profile: string): Promise<RunResult> {
  const file = join(resultsFolder(), name, profile, 'cells.json');
  const opened = await openRevision(resolve(file), revision).catch((error: unknown) => {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`'${text}' is no run in the store, and no outcome in git: ${error.message}`, { cause: error });
  });
  const cells = await opened.read(resolve(file));
  if (typeof cells === 'string') throw new UserError(`'${file}' ${cells}`);
  const beside = async (other: string) => {
    const bytes = await opened.read(resolve(file, '..', other));
    return typeof bytes === 'string' ? undefined : bytes;
  };
  const provenance = await beside('provenance.json');
  const sums = await beside(sumsName);
  return outcomeOf({ cells, provenance, sums }, (other) => `${join(file, '..', other)}@${revision}`);
}

/** The spec in git's latest commit; today's where there is no git around it. */
async function committedSide(name: SideName, flags: SideFlags, context: Context): Promise<FoundSide> {
  try {
    return await specSide({ ...name, at: 'HEAD' }, flags, context);
  } catch (error) {
    if (!(error instanceof NoRepository)) throw error;
    const today = await specSide({ ...name, at: undefined }, flags, context);
    const way = 'name another spec, or a run, to compare it with';
    return { ...today, remarks: [`'${name.name}' is not in a git repository, so both sides are today's file: ${way}`] };
  }
}

/** A spec, now or at a revision, as it is resolved under a profile. */
async function specSide({ name, at, profile }: SideName, flags: SideFlags, context: Context): Promise<FoundSide> {
  const remarks: string[] = [];
  const origin = at === undefined ? undefined : await originAt(name, at, remarks);
  const registry = await context.registry();
  const asked = profile === undefined ? {} : { profile };
  const plan = await planOf(name, { ...asked, set: [], only: [], force: [], store: flags.store }, registry, origin);
  const label = `${name}${at === undefined ? '' : `@${at}`}${profile === undefined ? '' : `:${profile}`}`;
  const { experiment, profile: chosen } = plan;
  const named = { kind: 'spec', label, experiment, profile: chosen, run: null, revision: at ?? null } as const;
  return { side: { ...named, plan: snapshotOf(plan, registry), result: null }, plan, remarks };
}

/** Spec files as they were at a revision; of those that lie outside of its repository today's are read, and `remarks` names them. */
async function originAt(file: string, name: string, remarks: string[]): Promise<SpecOrigin> {
  const revision = await openRevision(resolve(file), name);
  const read = async (path: string) => {
    if (path !== resolve(file) && !revision.holds(path)) {
      remarks.push(`'${shortPath(path)}' lies outside of the git repository, so today's file stands for '${name}' too`);
      return readText(path);
    }
    const bytes = await revision.read(path);
    if (typeof bytes === 'string') throw new NotASpec(bytes);
    return specText(bytes);
  };
  return { read, suffix: `@${name}` };
}
