// From the flags of a command to the plan of a spec.
import type { Plan } from '../spec/plan.ts';
import type { SpecRequest } from '../spec/request.ts';
import { loadPlan } from '../spec/resolve.ts';
import type { Numerics, StageRegistry } from '../spec/stage.ts';
import type { PlanFlags } from './flags.ts';

/** The plan that a spec and the flags make. Throws SpecErrors with every mistake. */
export function planOf(spec: string, flags: PlanFlags, registry: StageRegistry): Promise<Plan> {
  return loadPlan(requestOf(spec, flags), registry);
}

/** What the flags ask of a spec. */
export function requestOf(spec: string, flags: PlanFlags): SpecRequest {
  const { profile, set, only, force, seed } = flags;
  return { file: spec, profile, set, only, force, seed, numerics: numericsOf(flags), cwd: process.cwd() };
}

/** What the numeric stages run on; the defaults run anywhere. */
function numericsOf(flags: PlanFlags): Numerics {
  const backend = (flags.backend ?? 'onnx') as Numerics['backend'];
  const provider = (flags.provider ?? 'cpu') as Numerics['provider'];
  return { backend, provider, precision: 'float32', threads: flags.threads ?? 1 };
}
