// `lamina copy`: takes the artifacts of a stage out of the store, under readable names.
import type { Plan } from '../../contract/plan.ts';
import { expectedNames } from '../../located/nearest.ts';
import { inspect } from '../../runner/survey/inspect.ts';
import { UserError } from '../../util/errors.ts';
import { copyItems } from '../artifacts/copy-items.ts';
import type { Context } from '../common/context.ts';
import { exitCodes } from '../common/exit-codes.ts';
import type { PlanFlags } from '../common/flags.ts';
import { openToFetch } from '../common/remote.ts';
import { planCommand, shortPath } from '../common/spec-name.ts';
import { isNamed, stageNames } from '../common/why-subject.ts';
import { wantedPlan } from '../runs/run-reference.ts';

interface CopyFlags extends PlanFlags {
  to: string;
}

/** Prints where the files lie, with `--json` as a list. Copies every output of the stage to `<to>/<output>.<extension>` (or the name that the stage gives it), in a folder of its own for each unit and cell. */
export async function copy([text, stage]: [string, string], given: CopyFlags, context: Context): Promise<number> {
  const registry = await context.registry();
  const { spec, flags, plan, changed } = await wantedPlan(text, given, registry);
  if (changed !== undefined) throw new UserError(`${changed}: its files cannot be found by it`);
  const store = await openToFetch(flags.store, flags, context);
  try {
    const { items } = await inspect(plan, registry, store);
    const wanted = items.filter(({ node }) => isNamed(node, stage));
    if (wanted.length === 0) throw unknownStage(plan, stage);
    const first = planCommand('run', spec, flags);
    const again = (name: string) => planCommand('run', spec, flags, '--force', name);
    const copied = (await copyItems(wanted, store, { to: flags.to, first, again, registry })).map(shortPath);
    const { out } = context.terminal;
    out.write(flags.json ? `${JSON.stringify(copied, undefined, 1)}\n` : copied.map((path) => `${path}\n`).join(''));
  } finally {
    store.close();
  }
  return exitCodes.done;
}

function unknownStage(plan: Plan, stage: string): UserError {
  const names = stageNames(plan);
  return new UserError(`unknown stage '${stage}'${expectedNames(stage, names, 'the spec has none')}`);
}
