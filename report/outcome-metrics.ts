// Finds the metrics artifacts of a run in its outcome, and reads them.
import { readFile } from 'node:fs/promises';
import { parseJson } from '../formats/strict-json.ts';
import { type NodeOutcome, type RunOutcome, succeeded, type UnitOutcome } from '../runner/outcome.ts';
import { UserError } from '../util/errors.ts';
import type { FindMetric, MetricArtifact } from './collect.ts';

/** Metrics are small; a larger file is none. */
const largest_bytes = 64 * 1024 * 1024;

/** Looks metrics up in the outcome of a run; what is missing is explained by what happened to its unit. */
export function metricsOf(outcome: RunOutcome): FindMetric {
  return async (node, output) => {
    const found = outcome.nodes.get(node);
    if (found === undefined) return { error: `stage '${node}' is not part of the run` };
    const failed = found.units.find((unit) => !succeeded(unit));
    if (failed !== undefined) return { error: whyMissing(failed) };
    return readArtifact(found, output);
  };
}

async function readArtifact({ node, units }: NodeOutcome, output: string): Promise<MetricArtifact | { error: string }> {
  const [unit, ...others] = units.filter(succeeded);
  const artifact = unit?.outputs[output];
  if (unit === undefined || artifact === undefined) return { error: `stage '${node}' has made no '${output}'` };
  if (others.length > 0) return { error: `stage '${node}' has several units, a cell needs one number` };
  if (artifact.size > largest_bytes)
    throw new UserError(`the metrics of stage '${node}' are ${artifact.size} bytes, too large to be metrics`);
  return {
    key: unit.key,
    digest: artifact.digest,
    metrics: parseJson(await readFile(artifact.path, 'utf8'), `the metrics of stage '${node}'`),
  };
}

function whyMissing(unit: UnitOutcome): string {
  if (unit.status === 'failed') return unit.failure.message;
  return unit.status === 'blocked'
    ? `not reached, because '${unit.by}' failed`
    : 'not reached, because the run was stopped';
}
