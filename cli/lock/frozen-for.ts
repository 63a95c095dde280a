// What --frozen holds a plan to: its entry in the lock of its spec.
import type { Plan } from '../../contract/plan.ts';
import { Frozen } from '../../runner/lock/frozen.ts';
import { flagsOf, type Lock, type LockedPlan } from '../../runner/lock/lock.ts';
import { observe } from '../../runner/worker/observed.ts';
import { UserError } from '../../util/errors.ts';
import type { Context } from '../common/context.ts';
import type { PlanFlags } from '../common/flags.ts';
import { packageVersion } from '../common/package-version.ts';
import { numericsOf } from '../common/plan-request.ts';
import { planCommand } from '../common/spec-name.ts';
import { warningLines } from '../runs/run-text.ts';
import { lockPath, readLock } from './lock-place.ts';

/** Undefined without `--frozen`. Throws UserError where nothing is locked for the plan, or other cells are; says what this machine has that the lock's had not. */
export async function frozenFor(
  plan: Plan,
  spec: string,
  flags: PlanFlags & { frozen?: boolean },
  { terminal: { err } }: Context,
): Promise<Frozen | undefined> {
  if (!flags.frozen) return undefined;
  const file = lockPath(plan);
  const lock = await readLock(file);
  const way = planCommand('lock', spec, { ...flags, only: [] });
  if (lock === undefined)
    throw new UserError(`there is no lock '${file}': run the spec without --frozen, then '${way}' writes it`);
  const { entry, isPart } = entryFor(plan, lock, file, way);
  const frozen = new Frozen(entry, { file, way });
  frozen.checkCells(plan, isPart);
  const { versions, machine } = observe(numericsOf(flags));
  const other = frozen.otherEnvironment({ ...versions, ...machine, lamina: packageVersion() });
  err.write(warningLines(other, err));
  return frozen;
}

/** The entry for the plan's profile and flags; a run of some cells alone is held to one that has them. */
function entryFor(plan: Plan, lock: Lock, file: string, way: string): { entry: LockedPlan; isPart: boolean } {
  const flags = flagsOf(plan);
  const withoutOnly = (words: readonly string[]) => words.filter((flag) => !flag.startsWith('--only ')).join('\n');
  const alike = lock.plans.filter(
    (each) => each.profile === plan.profile && withoutOnly(each.flags) === withoutOnly(flags),
  );
  const exact = alike.find((each) => each.flags.join('\n') === flags.join('\n'));
  if (exact !== undefined) return { entry: exact, isPart: false };
  const holdsAll = ({ cells }: LockedPlan) => plan.cells.every(({ name }) => cells.some(({ cell }) => cell === name));
  const isPart = withoutOnly(flags) !== flags.join('\n');
  const part = isPart ? alike.find(holdsAll) : undefined;
  if (part !== undefined) return { entry: part, isPart };
  const shown = (profile: string, words: readonly string[]) => [`profile '${profile}'`, ...words].join(' ');
  const known = lock.plans.map((each) => shown(each.profile, each.flags)).join('; ');
  throw new UserError(
    `'${file}' holds nothing for ${shown(plan.profile, flags)} (it holds ${known || 'nothing'}): run it without --frozen, then '${way}' adds it`,
  );
}
