// From the flags of a command to the plan of a spec.
import type { Plan } from '../../contract/plan.ts';
import type { Numerics, StageRegistry } from '../../contract/stage.ts';
import { type Diagnostic, SpecErrors } from '../../located/diagnostic.ts';
import type { SpecOrigin } from '../../located/source-file.ts';
import type { SpecRequest } from '../../spec/experiment/request.ts';
import { loadPlan } from '../../spec/plan/resolve.ts';
import { whyNoPrecision } from '../../tensor/graph/precision.ts';
import { UserError } from '../../util/errors.ts';
import type { EngineFlags, PlanFlags } from './flags.ts';

/** The plan that a spec (from `origin`, else from the disk) and the flags make. Throws SpecErrors with every mistake. */
export function planOf(
  spec: string,
  flags: PlanFlags,
  registry: StageRegistry,
  origin?: SpecOrigin | undefined,
): Promise<Plan> {
  return loadPlan({ ...requestOf(spec, flags), origin }, registry);
}

/** The plans that `make` makes of several specs, each once, in their order. Throws SpecErrors with every mistake of every spec. */
export async function plansOf(specs: readonly string[], make: (spec: string) => Promise<Plan>): Promise<Plan[]> {
  const plans: Plan[] = [];
  const mistakes = new Map<string, Diagnostic>();
  for (const spec of new Set(specs)) {
    try {
      plans.push(await make(spec));
    } catch (error) {
      if (!(error instanceof SpecErrors)) throw error;
      // specs that share a pipeline share its mistakes
      for (const each of error.diagnostics) {
        mistakes.set(JSON.stringify([each.file, each.line, each.column, each.text, each.message]), each);
      }
    }
  }
  if (mistakes.size > 0) throw new SpecErrors([...mistakes.values()]);
  return plans;
}

/** What the flags ask of a spec. */
export function requestOf(spec: string, flags: PlanFlags): SpecRequest {
  const { profile, set, only, force, seed, resources } = flags;
  return { file: spec, profile, set, only, force, seed, resources, numerics: numericsOf(flags), cwd: process.cwd() };
}

/** True where the numeric stages compute with the processor, and so with the machine's memory. */
export function isOnProcessor(flags: Pick<PlanFlags, 'backend' | 'provider'>): boolean {
  return flags.backend !== 'tensorflow' && (flags.provider ?? 'cpu') === 'cpu';
}

/** What the numeric stages run on; the defaults run anywhere. Throws UserError for a precision that it does not have. */
export function numericsOf({
  backend = 'onnx',
  provider = 'cpu',
  precision = 'float32',
  threads = 1,
}: EngineFlags): Numerics {
  const why = whyNoPrecision({ backend, provider, precision });
  if (why !== undefined) throw new UserError(why);
  return { backend, provider, precision, threads };
}
