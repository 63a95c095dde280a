// `NAME@RUN` and `NAME@results` in the place of a spec: the spec, the profile and the flags of that run or outcome.
import { resolve } from 'node:path';
import type { Plan } from '../../contract/plan.ts';
import type { StageRegistry } from '../../contract/stage.ts';
import { isShippedName } from '../../located/shipped.ts';
import { compareSides } from '../../report/diff/diff.ts';
import type { DiffSide } from '../../report/diff/side.ts';
import { type PlanSnapshot, snapshotOf } from '../../store/runs/plan-snapshot.ts';
import { findRuns } from '../../store/runs/run-labels.ts';
import { loadStart } from '../../store/runs/run-record.ts';
import { UserError } from '../../util/errors.ts';
import { statusAt } from '../../util/file-status.ts';
import type { PlanFlags } from '../common/flags.ts';
import { planOf } from '../common/plan-request.ts';
import { projectFolder } from '../common/project.ts';
import { shortPath } from '../common/spec-name.ts';
import { loadKeptPlan } from './kept-plan.ts';
import { findOutcome, loadResult, noRun, resultsName } from './run-files.ts';

/** What a command is asked about: a plan, with the spec and the flags that make it. */
export interface Wanted<Flags extends PlanFlags> {
  spec: string;
  flags: Flags;
  plan: Plan;
  /** Where a run was named whose spec makes another plan by now: a sentence. */
  changed: string | undefined;
}

/** True for what can only mean a run or an outcome by its experiment's name. */
export function isRunReference(text: string): boolean {
  return /^[^@/:]+@[^/]+$/.test(text) && !/\.ya?ml(?:@|$)/.test(text) && statusAt(text) === undefined;
}

/** The plan of a spec, a run or an outcome. Throws SpecErrors, and UserError for a run that is not there. */
export async function wantedPlan<Flags extends PlanFlags>(
  text: string,
  flags: Flags,
  registry: StageRegistry,
): Promise<Wanted<Flags>> {
  if (!isRunReference(text))
    return { spec: text, flags, plan: await planOf(text, flags, registry), changed: undefined };
  const kept = keptOf(text, flags);
  const plan = await planOf(kept.spec, kept.flags, registry);
  return {
    ...kept,
    plan,
    changed: kept.snapshot === null ? undefined : changeOf(text, kept.spec, kept.snapshot, snapshotOf(plan, registry)),
  };
}

interface Kept<Flags> {
  spec: string;
  flags: Flags;
  snapshot: PlanSnapshot | null;
}

function keptOf<Flags extends PlanFlags>(text: string, flags: Flags): Kept<Flags> {
  const [experiment = '', wanted = ''] = text.split('@', 2);
  const { profile, set, only, seed } = flags;
  const given = [...set.map(() => '--set'), ...only.map(() => '--only'), ...(seed === undefined ? [] : ['--seed'])];
  if (given.length > 0)
    throw new UserError(`${given[0]} has no place beside '${text}', which has flags of its own: name the spec instead`);
  if (wanted === resultsName) {
    const { result } = findOutcome(experiment, flags.store, profile);
    return { spec: specPath(text, result.spec), flags: { ...flags, ...profileOf(result.profile) }, snapshot: null };
  }
  if (profile !== undefined)
    throw new UserError(`--profile has no place beside '${text}', which has one of its own: name the spec instead`);
  const run = findRuns(flags.store, experiment, wanted).at(-1);
  if (run === undefined) throw new UserError(noRun(experiment, wanted, flags.store));
  const made = loadStart(flags.store, experiment, run) ?? loadResult(flags.store, experiment, run);
  if (made === undefined)
    throw new UserError(`'${experiment}@${run}' does not say which spec it was of: name the spec instead`);
  const snapshot = loadKeptPlan(flags.store, experiment, run);
  const words = {
    ...wordsOf([...made.overrides, ...(made.copies ?? [])]),
    ...profileOf(made.profile),
    ...numericsOf(snapshot, flags),
  };
  return { spec: specPath(text, made.spec), flags: { ...flags, ...words }, snapshot };
}

/** The spec as kept, which is named from the project's folder. */
function specPath(text: string, spec: string): string {
  if (isShippedName(spec)) return spec;
  const path = resolve(projectFolder(), spec);
  if (statusAt(path)?.isFile()) return shortPath(path);
  throw new UserError(`'${text}' is of the spec '${spec}', which is not there any more: name it where it lies now`);
}

/** A spec without profiles has one of this name. */
function profileOf(profile: string): Pick<PlanFlags, 'profile'> {
  return profile === 'default' ? {} : { profile };
}

/** `--set a=b`, `--only a=b`, `--seed 3` as the flags that they were. */
export function wordsOf(overrides: readonly string[]): Pick<PlanFlags, 'set' | 'only' | 'seed'> {
  const valuesOf = (flag: string) =>
    overrides.flatMap((each) => (each.startsWith(`--${flag} `) ? [each.slice(flag.length + 3)] : []));
  const [seed] = valuesOf('seed');
  return { set: valuesOf('set'), only: valuesOf('only'), ...(seed === undefined ? {} : { seed: Number(seed) }) };
}

/** What the run computed on, where the flags do not say otherwise. */
function numericsOf(snapshot: PlanSnapshot | null, flags: PlanFlags): Partial<PlanFlags> {
  return { ...snapshot?.nodes[0]?.numerics, ...definedOf(flags) };
}

function definedOf({ backend, provider, precision, threads }: PlanFlags) {
  return {
    ...(backend && { backend }),
    ...(provider && { provider }),
    ...(precision && { precision }),
    ...(threads && { threads }),
  };
}

/** Whether a spec makes another plan than it made for a run: the bytes of files aside, which the store's keys tell. */
function changeOf(text: string, spec: string, before: PlanSnapshot, after: PlanSnapshot): string | undefined {
  const side = (plan: PlanSnapshot): DiffSide => {
    const { experiment, profile } = plan;
    const nodes = plan.nodes.map((node) => ({ ...node, sources: {} }));
    const own = { kind: 'spec', label: text, run: null, revision: null, result: null } as const;
    return { ...own, experiment, profile, plan: { ...plan, nodes } };
  };
  if (compareSides(side(before), side(after)).spec.changes.length === 0) return undefined;
  return `'${spec}' makes another plan now than for '${text}' (see 'lamina diff ${text} ${spec}')`;
}
