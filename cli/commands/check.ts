// `lamina check`: every mistake of every spec, each with its place and the way out, and what its stages warn of.
import type { Plan } from '../../contract/plan.ts';
import type { ResultWarning } from '../../contract/result.ts';
import type { StageRegistry } from '../../contract/stage.ts';
import { type Diagnostic, SpecErrors } from '../../located/diagnostic.ts';
import { foreseenWarnings } from '../../runner/survey/foreseen.ts';
import { checkSpec, loadPlan } from '../../spec/plan/resolve.ts';
import { groupWarnings, warningText } from '../../spec/plan/warnings.ts';
import type { Context } from '../common/context.ts';
import { exitCodes } from '../common/exit-codes.ts';
import type { PlanFlags } from '../common/flags.ts';
import { requestOf } from '../common/plan-request.ts';
import { countOf } from '../common/spec-name.ts';
import { warningLines } from '../runs/run-text.ts';

/** Checks the specs under all their profiles, or as the flags have them when there are any. */
export async function check([specs]: [string[]], flags: PlanFlags, context: Context): Promise<number> {
  const { out, err } = context.terminal;
  const registry = await context.registry();
  const unique = new Map<string, Diagnostic>();
  const warnings: SpecWarning[] = [];
  for (const spec of specs) {
    const plans: Plan[] = [];
    // specs that share a pipeline share its mistakes
    for (const each of await checkOne(spec, flags, registry, (plan) => plans.push(plan)))
      unique.set(JSON.stringify(mistakeJson(each)), each);
    warnings.push(...(await specWarnings(spec, plans, registry)));
  }
  const found = [...unique.values()];
  if (!flags.json) err.write(warningLines(warnings.map(specWarningText), err));
  if (flags.json) {
    const said = warnings.map(({ of: _, ...warning }) => warning);
    out.write(`${JSON.stringify({ specs, mistakes: found.map(mistakeJson), warnings: said }, undefined, 1)}\n`);
  } else if (found.length > 0) {
    err.write(
      `${new SpecErrors(found).message}\n\n${countOf(found.length, 'mistake')} in ${countOf(specs.length, 'spec')}\n`,
    );
  } else out.write(`${out.paint.good('✓')} ${countOf(specs.length, 'spec')}, no mistakes\n`);
  return found.length > 0 ? exitCodes.invalid : exitCodes.done;
}

interface SpecWarning extends ResultWarning {
  spec: string;
  profile: string;
  /** All cells of the plan. */
  of: number;
}

/** What the stages of a spec's plans warn of, each sentence once: with the first profile under which it is said. */
async function specWarnings(spec: string, plans: readonly Plan[], registry: StageRegistry): Promise<SpecWarning[]> {
  const unique = new Map<string, SpecWarning>();
  for (const plan of plans) {
    for (const warning of groupWarnings(plan, await foreseenWarnings(plan, registry))) {
      const { message } = warning;
      if (!unique.has(message)) unique.set(message, { spec, profile: plan.profile, ...warning, of: plan.cells.length });
    }
  }
  return [...unique.values()];
}

function specWarningText({ spec, profile, of, ...warning }: SpecWarning): string {
  return `${spec}, profile ${profile}: ${warningText(warning, of)}`;
}

async function checkOne(
  spec: string,
  flags: PlanFlags,
  registry: StageRegistry,
  onPlan: (plan: Plan) => void,
): Promise<readonly Diagnostic[]> {
  const { profile, seed, set, only, force } = flags;
  const changed = profile !== undefined || seed !== undefined || set.length + only.length + force.length > 0;
  if (!changed) return checkSpec(spec, registry, process.cwd(), onPlan);
  try {
    onPlan(await loadPlan(requestOf(spec, flags), registry));
    return [];
  } catch (error) {
    if (error instanceof SpecErrors) return error.diagnostics;
    throw error;
  }
}

function mistakeJson({ file, line, column, message }: Diagnostic) {
  return { file, line, column, message };
}
