// Finds the metrics artifacts of a run in its outcome, and reads them.
import { type Plan, workOutput } from '../../contract/plan.ts';
import { type NodeOutcome, type RunOutcome, succeeded, type UnitOutcome } from '../../runner/run/outcome.ts';
import { readJsonArtifact } from '../../store/read-artifact.ts';
import { UserError } from '../../util/errors.ts';
import type { FindMetric, MetricArtifact, MetricMissing } from './collect.ts';
import { type MadeUnit, madeBy, workMetrics } from './work.ts';

/** Looks metrics up in the outcome of a run; what is missing is explained by what happened to its unit. */
export function metricsOf(plan: Pick<Plan, 'nodes'>, outcome: RunOutcome): FindMetric {
  const made = madeBy(plan, (node) => {
    const finished = outcome.nodes.get(node)?.units.filter(succeeded) ?? [];
    return new Map(finished.map((unit) => [unit.unit, unit]));
  });
  return async (node, output) => {
    const found = outcome.nodes.get(node);
    if (found === undefined) return { error: `stage '${node}' is not part of the run` };
    const failed = found.units.find((unit) => !succeeded(unit));
    if (failed !== undefined) return { error: whyMissing(failed) };
    return output === workOutput ? workOfNode(found, made(node)) : readArtifact(found, output);
  };
}

/** What all took that the units of a node are made of; where it has one alone, that is where its key leads. */
function workOfNode({ units }: NodeOutcome, made: readonly MadeUnit[]): MetricArtifact {
  const [unit, ...others] = units.filter(succeeded);
  const key = others.length === 0 ? (unit?.key ?? null) : null;
  return { key, digest: null, metrics: workMetrics(made) };
}

/** Metrics that were damaged since they were looked at cost their cell its number, and nobody else. */
async function readArtifact({ node, units }: NodeOutcome, output: string): Promise<MetricArtifact | MetricMissing> {
  const [unit, ...others] = units.filter(succeeded);
  const artifact = unit?.outputs[output];
  if (unit === undefined || artifact === undefined) return { error: `stage '${node}' has made no '${output}'` };
  if (others.length > 0) return { error: `stage '${node}' has several units, a cell needs one number` };
  try {
    const metrics = readJsonArtifact(await artifact.open(), artifact, `the metrics of stage '${node}'`);
    return { key: unit.key, digest: artifact.digest, metrics };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { key: unit.key, error: error.message };
  }
}

function whyMissing(unit: UnitOutcome): string {
  if (unit.status === 'failed') return unit.failure.message;
  return unit.status === 'blocked'
    ? `not reached, because '${unit.by}' failed`
    : 'not reached, because the run was stopped';
}
