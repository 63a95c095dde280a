// The outcome and the result of a plan whose work is done already: everything is answered by the store, and nothing runs.
import type { Plan } from '../../contract/plan.ts';
import type { RunResult } from '../../contract/result.ts';
import { collectResult } from '../../report/result/collect.ts';
import { metricsOf } from '../../report/result/outcome-metrics.ts';
import { environmentsOf, provenanceOf, timingsOf } from '../../report/result/provenance.ts';
import { warningsOf } from '../../report/result/warnings.ts';
import { LocalExecutor } from '../../runner/executor/local.ts';
import type { RunOutcome } from '../../runner/run/outcome.ts';
import { runPlan } from '../../runner/run/run-plan.ts';
import type { Store } from '../../store/store.ts';
import { UserError } from '../../util/errors.ts';
import type { Context } from '../common/context.ts';
import { projectPath, shortPath } from '../common/spec-name.ts';

/** What the store has of a plan. */
export interface CachedRun {
  outcome: RunOutcome;
  result: RunResult;
}

/** Throws UserError where something is left to run (`way` is the command that runs it), or a cell has no number. The store is only read. */
export async function cachedRun(plan: Plan, store: Store, way: string, context: Context): Promise<CachedRun> {
  const refusal = new UserError(
    `'${shortPath(store.folder)}' does not have all that '${plan.experiment}' is made of: '${way}' first`,
  );
  const executor = new LocalExecutor({ workerUrl: context.worker, store, jobs: 1 });
  const outcome = await runPlan(plan, await context.registry(), store, { executor, refusal });
  const result = await resultOf(plan, outcome, '');
  const missing = result.cells.find(({ value }) => value === null);
  if (missing !== undefined) throw new UserError(`cell '${missing.name}' has no number: ${missing.error}`);
  return { outcome, result };
}

/** The result of an outcome, which is kept as `run`. */
export function resultOf(plan: Plan, outcome: RunOutcome, run: string): Promise<RunResult> {
  const facts = {
    ...{ run, spec: projectPath(plan.file), summary: outcome.summary },
    provenance: provenanceOf(plan, outcome, projectPath),
    timings: timingsOf(plan, outcome),
    environments: environmentsOf(outcome),
    warnings: warningsOf(plan, outcome),
  };
  return collectResult(plan, facts, metricsOf(plan, outcome));
}
