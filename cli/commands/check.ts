// `lamina check`: every mistake of every spec, each with its place and the way out.
import { type Diagnostic, SpecErrors } from '../../spec/diagnostic.ts';
import { checkSpec, loadPlan } from '../../spec/resolve.ts';
import type { StageRegistry } from '../../spec/stage.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import type { PlanFlags } from '../flags.ts';
import { requestOf } from '../plan-request.ts';
import { countOf } from '../spec-name.ts';

/** Checks the specs under all their profiles, or as the flags have them when there are any. */
export async function check([specs]: [string[]], flags: PlanFlags, context: Context): Promise<number> {
  const { out, err } = context.terminal;
  const registry = await context.registry();
  const unique = new Map<string, Diagnostic>();
  for (const spec of specs) {
    // specs that share a pipeline share its mistakes
    for (const each of await checkOne(spec, flags, registry)) unique.set(JSON.stringify(mistakeJson(each)), each);
  }
  const found = [...unique.values()];
  if (flags.json) out.write(`${JSON.stringify({ specs, mistakes: found.map(mistakeJson) }, undefined, 1)}\n`);
  else if (found.length > 0) {
    err.write(
      `${new SpecErrors(found).message}\n\n${countOf(found.length, 'mistake')} in ${countOf(specs.length, 'spec')}\n`,
    );
  } else out.write(`${out.paint.good('✓')} ${countOf(specs.length, 'spec')}, no mistakes\n`);
  return found.length > 0 ? exitCodes.invalid : exitCodes.done;
}

async function checkOne(spec: string, flags: PlanFlags, registry: StageRegistry): Promise<readonly Diagnostic[]> {
  const { profile, seed, set, only, force } = flags;
  const changed = profile !== undefined || seed !== undefined || set.length + only.length + force.length > 0;
  if (!changed) return checkSpec(spec, registry);
  try {
    await loadPlan(requestOf(spec, flags), registry);
    return [];
  } catch (error) {
    if (error instanceof SpecErrors) return error.diagnostics;
    throw error;
  }
}

function mistakeJson({ file, line, column, message }: Diagnostic) {
  return { file, line, column, message };
}
