// `lamina plan`: what is cached, what would run and what it will take, for one spec or several together; nothing runs.
import type { Plan } from '../../contract/plan.ts';
import { historyOf } from '../../runner/estimate/history.ts';
import { inspectTogether, type JointWork } from '../../runner/estimate/work.ts';
import { warningText } from '../../spec/plan/warnings.ts';
import type { Store } from '../../store/store.ts';
import type { Context } from '../common/context.ts';
import { whyNoEngine } from '../common/engine.ts';
import { exitCodes } from '../common/exit-codes.ts';
import type { EstimateFlags, PlanFlags } from '../common/flags.ts';
import { plansOf } from '../common/plan-request.ts';
import { engineRemarks } from '../common/remarks.ts';
import { openToLook } from '../common/remote.ts';
import type { Output } from '../common/terminal.ts';
import { joinWarnings } from '../common/warnings.ts';
import { frozenFor } from '../lock/frozen-for.ts';
import { estimateFor, foreseenHere, tooLargeHere } from '../plan/device.ts';
import { absentLines, basisLines, foreseenLine, workLines } from '../plan/estimate.ts';
import { planJson } from '../plan/json.ts';
import { planLines, shortPlanLines } from '../plan/text.ts';
import { wantedPlan } from '../runs/run-reference.ts';
import { warningLines } from '../runs/run-text.ts';

interface PlanCommandFlags extends PlanFlags, EstimateFlags {
  verbose?: boolean;
  /** Refuse what is not in the spec's lock. */
  frozen?: boolean;
}

/** Prints what runs of the specs would do. */
export async function plan([specs]: [string[]], flags: PlanCommandFlags, context: Context): Promise<number> {
  const { out, err } = context.terminal;
  const registry = await context.registry();
  const names = new Map<Plan, { spec: string; flags: PlanCommandFlags }>();
  const plans = await plansOf(specs, async (text) => {
    const { plan: found, changed, ...named } = await wantedPlan(text, flags, registry);
    names.set(found, named);
    if (changed !== undefined) err.write(warningLines([changed], err));
    return found;
  });
  const holds = await Promise.all(
    plans.map((each) => {
      const named = names.get(each);
      return named && frozenFor(each, named.spec, named.flags, context);
    }),
  );
  const store = await openToLook(flags.store, flags, context);
  try {
    const work = await inspectTogether(plans, registry, store, holds);
    const engine = work.engine && (await whyNoEngine(work.engine, new AbortController().signal));
    err.write(warningLines([...(engine === undefined ? [] : [engine]), ...engineRemarks(flags)], err));
    for (const { warnings } of work.inspections) {
      for (const warning of warnings) if ('message' in warning) err.write(`${warning.message}\n`);
    }
    if (flags.json) {
      out.write(`${JSON.stringify(planJson(plans, work, estimateFor(work, flags)), undefined, 1)}\n`);
    } else {
      const warnings = joinWarnings(plans, work.warned).map(({ warning, of }) => warningText(warning, of));
      err.write(warningLines(warnings, err));
      const lines = [
        ...stateLines(plans, work, flags, out),
        ...absentLines(work),
        ...(await takingLines(work, store, flags, out)),
        ...tooLargeHere(work, flags).map((text) => out.paint.bad(`! ${text}`)),
      ];
      out.write(`${lines.join('\n')}\n`);
    }
  } finally {
    store.close();
  }
  return exitCodes.done;
}

function stateLines(plans: readonly Plan[], work: JointWork, flags: PlanCommandFlags, out: Output): string[] {
  const isWhole = plans.length === 1 || flags.verbose === true;
  return plans.flatMap((plan, i) => {
    const inspection = work.inspections[i];
    if (inspection === undefined) return [];
    return isWhole ? planLines(plan, inspection, flags.verbose === true, out) : shortPlanLines(plan, inspection, out);
  });
}

/** What the rest will take: by earlier attempts on this machine where they tell, by arithmetic alone otherwise. */
async function takingLines(work: JointWork, store: Store, flags: PlanCommandFlags, out: Output): Promise<string[]> {
  const estimate = estimateFor(work, flags);
  const together = work.inspections.length > 1;
  if (estimate === undefined) return together ? ['', ...workLines(work, undefined, out)] : [];
  const foreseen = await foreseenHere(work, estimate, () => historyOf(store), flags);
  if (foreseen === undefined) return ['', ...workLines(work, estimate, out), '', ...basisLines(estimate, out)];
  return [...(together ? ['', ...workLines(work, undefined, out)] : []), foreseenLine(foreseen)];
}
