// The plan that is kept with a run, so that runs can be compared when their specs are gone.
import type { Plan } from '../../contract/plan.ts';
import type { StageRegistry } from '../../contract/stage.ts';
import { type RunOutcome, succeeded } from '../../runner/run/outcome.ts';
import { decodePlan, encodePlan } from '../../store/runs/plan-file.ts';
import { type PlanSnapshot, snapshotOf } from '../../store/runs/plan-snapshot.ts';
import { loadRun } from '../../store/runs/runs.ts';
import type { KeptRun } from './kept-run.ts';

/** Keeps the plan of a run; when it is over (`outcome`) with the digests of the files that it read. Throws UserError. */
export function keepPlan(run: KeptRun, plan: Plan, registry: StageRegistry, outcome?: Pick<RunOutcome, 'nodes'>): void {
  const sources = (node: string) => outcome?.nodes.get(node)?.units.find(succeeded)?.preimage.sources ?? {};
  run.save('plan', encodePlan(snapshotOf(plan, registry, sources)));
}

/** The plan of a run; null when the run is from before plans were kept. */
export function loadKeptPlan(store: string, experiment: string, run: string): PlanSnapshot | null {
  const kept = loadRun(store, experiment, run, 'plan');
  return kept === undefined ? null : decodePlan(kept, `the plan of run '${experiment}@${run}'`);
}
