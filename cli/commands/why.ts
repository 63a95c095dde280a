// `lamina why`: why a stage would run, or what a number was made of; answered from the records, nothing runs.
import { readFileSync } from 'node:fs';
import { parseJson } from '../../formats/strict-json.ts';
import { readMetric } from '../../report/collect.ts';
import { type Explanation, explain, type LineageStep, lineage } from '../../runner/explain.ts';
import type { Plan, PlanCell, PlanNode } from '../../spec/plan.ts';
import type { StageRegistry } from '../../spec/stage.ts';
import { openFileStore } from '../../store/file-store.ts';
import type { Store } from '../../store/store.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import type { PlanFlags } from '../flags.ts';
import { planOf } from '../plan-request.ts';
import { findSubject } from '../why-subject.ts';
import { explanationsText, lineageText } from '../why-text.ts';

/** Explains a stage (`why SPEC STAGE [CELL]`) or a cell (`why SPEC CELL`). */
export async function why(given: [string, string, string?], flags: PlanFlags, context: Context): Promise<number> {
  const [spec, subject, cell] = given;
  const { out } = context.terminal;
  const registry = await context.registry();
  const plan = await planOf(spec, flags, registry);
  const found = findSubject(plan, subject, cell);
  const store = await openFileStore(flags.store, { mode: 'read' });
  try {
    if ('nodes' in found) {
      const explanations = await explainAll(found.nodes, plan, registry, store);
      out.write(
        flags.json ? json({ explanations: explanations.map(explanationJson) }) : explanationsText(explanations, out),
      );
    } else {
      const stories = await Promise.all(found.cells.map((each) => storyOf(each, plan, registry, store)));
      out.write(
        flags.json ? json({ cells: stories.map(storyJson) }) : stories.map((each) => lineageText(each, out)).join('\n'),
      );
    }
  } finally {
    store.close();
  }
  return exitCodes.done;
}

/** A cell's number, if it is there, and every unit that it was or would be made of. */
export interface CellStory {
  cell: PlanCell;
  value: number | null;
  steps: readonly LineageStep[];
}

async function explainAll(
  nodes: readonly PlanNode[],
  plan: Plan,
  registry: StageRegistry,
  store: Store,
): Promise<Explanation[]> {
  const explanations: Explanation[] = [];
  for (const { id } of nodes) explanations.push(...(await explain(plan, registry, store, { node: id })));
  return explanations;
}

async function storyOf(cell: PlanCell, plan: Plan, registry: StageRegistry, store: Store): Promise<CellStory> {
  const steps = await lineage(plan, registry, store, { node: cell.metric.node });
  const artifact = steps[0]?.record?.outputs[cell.metric.output];
  if (artifact === undefined) return { cell, value: null, steps };
  const text = readFileSync(store.pathOf(artifact), 'utf8');
  const metrics = parseJson(text, `the metrics of stage '${cell.metric.node}'`);
  return { cell, value: readMetric(metrics, cell.metric.field)?.value ?? null, steps };
}

function explanationJson({ record, earlier, ...rest }: Explanation) {
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

function stepJson({ record, ...rest }: LineageStep) {
  return { ...rest, record: record?.about ?? null, outputs: record?.outputs ?? null };
}

function json(value: object): string {
  return `${JSON.stringify(value, undefined, 1)}\n`;
}
