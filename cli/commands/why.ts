// `lamina why`: why a stage would run, or what a number was made of; answered from the records, nothing runs.
import type { Plan, PlanCell, PlanNode } from '../../contract/plan.ts';
import type { StageRegistry } from '../../contract/stage.ts';
import { readMetric } from '../../report/result/collect.ts';
import { type Explanation, explain, lineage } from '../../runner/explain/explain.ts';
import { readJsonArtifact } from '../../store/read-artifact.ts';
import type { Store } from '../../store/store.ts';
import type { Context } from '../common/context.ts';
import { exitCodes } from '../common/exit-codes.ts';
import type { PlanFlags } from '../common/flags.ts';
import { openToFetch } from '../common/remote.ts';
import { findSubject } from '../common/why-subject.ts';
import type { CellStory, Explained, ExplainedStep } from '../plan/story.ts';
import { explanationsText, lineageText } from '../plan/why-text.ts';
import { PastFailures } from '../runs/past-failures.ts';
import { wantedPlan } from '../runs/run-reference.ts';
import { warningLines } from '../runs/run-text.ts';

/** Explains a stage (`why SPEC STAGE [CELL]`) or a cell (`why SPEC CELL`). */
export async function why(given: [string, string, string?], flags: PlanFlags, context: Context): Promise<number> {
  const [text, subject, cell] = given;
  const { out, err } = context.terminal;
  const registry = await context.registry();
  const { plan, changed } = await wantedPlan(text, flags, registry);
  if (changed !== undefined) err.write(warningLines([changed], err));
  const found = findSubject(plan, subject, cell);
  const failures = new PastFailures(flags.store, plan.experiment);
  const store = await openToFetch(flags.store, flags, context);
  try {
    if ('nodes' in found) {
      const explanations = await explainAll(found.nodes, plan, registry, store, failures);
      out.write(
        flags.json ? json({ explanations: explanations.map(explanationJson) }) : explanationsText(explanations, out),
      );
    } else {
      const stories = await Promise.all(found.cells.map((each) => storyOf(each, plan, registry, store, failures)));
      out.write(
        flags.json ? json({ cells: stories.map(storyJson) }) : stories.map((each) => lineageText(each, out)).join('\n'),
      );
    }
  } finally {
    store.close();
  }
  err.write(failures.damaged.map((sentence) => `${err.paint.warn('!')} ${sentence}\n`).join(''));
  return exitCodes.done;
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
  const artifact = steps[0]?.record?.outputs[cell.metric.output];
  if (artifact === undefined) return { cell, value: null, steps };
  const metrics = readJsonArtifact(await store.open(artifact), artifact, `the metrics of stage '${cell.metric.node}'`);
  return { cell, value: readMetric(metrics, cell.metric.field)?.value ?? null, steps };
}

function explanationJson({ record, earlier, ...rest }: Explained) {
  return {
    ...rest,
    record: record?.about ?? null,
    earlier: earlier === null ? null : { key: earlier.key, ...earlier.about },
  };
}

function storyJson({ cell, value, steps }: CellStory) {
  return {
    cell: cell.name,
    ...cell.axes,
    metric: cell.metric.field,
    value,
    paper: cell.paper,
    steps: steps.map(stepJson),
  };
}

function stepJson({ record, ...rest }: ExplainedStep) {
  return { ...rest, record: record?.about ?? null, outputs: record?.outputs ?? null };
}

function json(value: object): string {
  return `${JSON.stringify(value, undefined, 1)}\n`;
}
