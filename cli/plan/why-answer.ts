// Answers `lamina why`: of stages why they would run, of cells what their numbers were made of; from the records, nothing runs.
import { type Plan, type PlanCell, type PlanNode, workOutput } from '../../contract/plan.ts';
import type { StageRegistry } from '../../contract/stage.ts';
import { readMetric } from '../../report/result/collect.ts';
import { madeUnit, workMetrics } from '../../report/result/work.ts';
import { type Explanation, explain, lineage } from '../../runner/explain/explain.ts';
import { readJsonArtifact } from '../../store/read-artifact.ts';
import type { Store } from '../../store/store.ts';
import { findSubject } from '../common/why-subject.ts';
import { PastFailures } from '../runs/past-failures.ts';
import type { CellStory, Explained, ExplainedStep } from './story.ts';

/** `damaged`: a sentence for each file that could not be used. */
export type WhyAnswer = ({ explanations: readonly Explained[] } | { stories: readonly CellStory[] }) & {
  damaged: readonly string[];
};

/** Explains a stage (all its nodes, or those of `cell`), a node or cells, from the store that `open` opens and the runs kept at `place`. Throws UserError. */
export async function answerWhy(
  plan: Plan,
  [subject, cell]: readonly [string, string?],
  { place, open }: { place: string; open: () => Promise<Store> },
  registry: StageRegistry,
): Promise<WhyAnswer> {
  const found = findSubject(plan, subject, cell);
  const failures = new PastFailures(place, plan.experiment);
  const store = await open();
  try {
    const answer =
      'nodes' in found
        ? { explanations: await explainAll(found.nodes, plan, registry, store, failures) }
        : { stories: await Promise.all(found.cells.map((each) => storyOf(each, plan, registry, store, failures))) };
    return { ...answer, damaged: failures.damaged };
  } finally {
    store.close();
  }
}

async function explainAll(
  nodes: readonly PlanNode[],
  plan: Plan,
  registry: StageRegistry,
  store: Store,
  failures: PastFailures,
): Promise<Explained[]> {
  const explanations: Explanation[] = [];
  for (const { id } of nodes) explanations.push(...(await explain(plan, registry, store, { node: id })));
  return explanations.map((each) => ({ ...each, last_failure: failures.of(each) }));
}

async function storyOf(
  cell: PlanCell,
  plan: Plan,
  registry: StageRegistry,
  store: Store,
  failures: PastFailures,
): Promise<CellStory> {
  const found = await lineage(plan, registry, store, { node: cell.metric.node });
  const steps = found.map((step) => ({ ...step, last_failure: failures.of(step) }));
  if (cell.metric.output === workOutput) return { cell, value: workIn(steps, cell.metric.field), steps };
  const artifact = steps[0]?.record?.outputs[cell.metric.output];
  if (artifact === undefined) return { cell, value: null, steps };
  const metrics = readJsonArtifact(await store.open(artifact), artifact, `the metrics of stage '${cell.metric.node}'`);
  return { cell, value: readMetric(metrics, cell.metric.field)?.value ?? null, steps };
}

/** What all `steps` took; null where one has yet to be made, or its record does not say. */
function workIn(steps: readonly ExplainedStep[], field: string): number | null {
  const records = new Map(steps.flatMap(({ record }) => (record == null ? [] : [[record.key, record] as const])));
  if (steps.some(({ record }) => record == null)) return null;
  return readMetric(workMetrics([...records.values()].map(madeUnit)), field)?.value ?? null;
}
