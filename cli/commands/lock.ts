// `lamina lock`: writes down what the numbers of a spec are made of, in a file for git that `run --frozen` holds to.
import { existsSync, readFileSync } from 'node:fs';
import type { Plan } from '../../contract/plan.ts';
import { type LockedPlan, lockedPlanOf, withPlan } from '../../runner/lock/lock.ts';
import { lockText } from '../../runner/lock/lock-file.ts';
import { writeDurably } from '../../store/durable.ts';
import { openStore } from '../../store/open-store.ts';
import type { Store } from '../../store/store.ts';
import { fileError } from '../../util/system-error.ts';
import type { Context } from '../common/context.ts';
import { exitCodes } from '../common/exit-codes.ts';
import type { PlanFlags } from '../common/flags.ts';
import { plansOf } from '../common/plan-request.ts';
import { saying } from '../common/saying.ts';
import { countOf, planCommand, projectPath } from '../common/spec-name.ts';
import { lockPath, readLock } from '../lock/lock-place.ts';
import { cachedRun } from '../runs/cached-run.ts';
import { wantedPlan } from '../runs/run-reference.ts';

/** What was written for one spec. */
interface Locked {
  file: string;
  plan: LockedPlan;
  isNew: boolean;
}

/** Locks each spec under its profile and flags, beside what is locked for others. Everything has to be in the store. */
export async function lock([specs]: [string[]], flags: PlanFlags, context: Context): Promise<number> {
  const { out } = context.terminal;
  const registry = await context.registry();
  const ways = new Map<Plan, string>();
  const plans = await plansOf(specs, async (text) => {
    const { plan, spec, flags: own } = await wantedPlan(text, flags, registry);
    ways.set(plan, planCommand('run', spec, own));
    return plan;
  });
  const store = await openStore(flags.store, { mode: 'read', say: saying(context) });
  try {
    const locked: Locked[] = [];
    for (const plan of plans) locked.push(await lockOne(plan, store, ways.get(plan) ?? 'lamina run', context));
    out.write(flags.json ? `${JSON.stringify(locked.map(jsonOf), undefined, 1)}\n` : locked.map(lineOf).join(''));
  } finally {
    store.close();
  }
  return exitCodes.done;
}

async function lockOne(plan: Plan, store: Store, way: string, context: Context): Promise<Locked> {
  const { outcome, result } = await cachedRun(plan, store, way, context);
  const file = lockPath(plan);
  const entry = lockedPlanOf(plan, outcome, result.cells, projectPath);
  const text = lockText(withPlan(await readLock(file), plan.experiment, entry));
  const isNew = !existsSync(file) || readFileSync(file, 'utf8') !== text;
  try {
    if (isNew) writeDurably(file, text);
  } catch (error) {
    throw fileError(error, file, 'cannot write the lock');
  }
  return { file, plan: entry, isNew };
}

function lineOf({ file, plan, isNew }: Locked): string {
  const { profile, flags, cells, units, sources } = plan;
  const parts = [countOf(cells.length, 'cell'), countOf(units.length, 'unit'), countOf(sources.length, 'input')];
  return `${file}  ${[`profile ${profile}`, ...flags].join(' ')}: ${parts.join(', ')}${isNew ? '' : ', as it was'}\n`;
}

function jsonOf({ file, plan: { profile, flags, cells, units, sources }, isNew }: Locked) {
  return { file, profile, flags, cells: cells.length, units: units.length, sources: sources.length, changed: isNew };
}
