// What stages warn of: whose numbers a sentence concerns, and how it is shown.
import type { Plan } from '../../contract/plan.ts';
import type { ResultWarning } from '../../contract/result.ts';
import { printable } from '../../util/printable.ts';

/** A sentence of a stage about one node of the plan. */
export interface NodeWarning {
  node: string;
  message: string;
}

const longest = 1000;

/** A message as it is kept and shown: on one line, harmless for a terminal, and not without end. */
export function sentence(message: string): string {
  const line = printable(message).replace(/\s+/g, ' ').trim();
  return line.length > longest ? `${line.slice(0, longest)}...` : line;
}

/**
 * Each sentence once, in plan order, with the stages of the pipeline that say it and the number of cells that rest on a node of which it is
 * said. Takes time in the number of nodes for each different sentence.
 */
export function groupWarnings(plan: Plan, warnings: readonly NodeWarning[]): ResultWarning[] {
  const order = new Map(plan.nodes.map((node, index) => [node.id, { index, stage: node.stage }]));
  const placeOf = (node: string) => order.get(node) ?? { index: order.size, stage: node };
  const groups = new Map<string, Set<string>>();
  for (const { node, message } of warnings) groups.set(message, (groups.get(message) ?? new Set()).add(node));
  const found = [...groups].map(([message, nodes]) => {
    const places = [...nodes].map(placeOf).sort((a, b) => a.index - b.index);
    const stages = new Set(places.map(({ stage }) => stage));
    return { first: places[0]?.index ?? 0, warning: saidBy(stages, message, cellsOn(plan, nodes)) };
  });
  return found.sort((a, b) => a.first - b.first).map(({ warning }) => warning);
}

/** The warning of at least one stage. */
export function saidBy(stages: Iterable<string>, message: string, cells: number): ResultWarning {
  const [stage = '', ...also] = stages;
  return { stage, ...(also.length > 0 && { also }), message, cells };
}

/** All stages that say it, the first one first. */
export function stagesOf({ stage, also = [] }: Pick<ResultWarning, 'stage' | 'also'>): readonly string[] {
  return [stage, ...also];
}

/** How many cells have a number, their own or one beside it, that is made of what the nodes made. */
function cellsOn(plan: Plan, nodes: ReadonlySet<string>): number {
  const reached = new Set(nodes);
  for (const { id, inputs } of plan.nodes) {
    if (Object.values(inputs).some(({ node }) => reached.has(node))) reached.add(id);
  }
  const isOn = ({ metric, beside }: Plan['cells'][number]) =>
    reached.has(metric.node) || Object.values(beside).some(({ node }) => reached.has(node));
  return plan.cells.filter(isOn).length;
}

/** Stages that are named; of more the rest is counted. */
const mostNamed = 4;

/** `stage 'warm' (6 of 8 cells): the sentence`, `stages 'acts', 'tuned' and 'ppl' (8 cells): the sentence`; `of` is the number of all cells. */
export function warningText(warning: ResultWarning, of: number): string {
  const { cells, message } = warning;
  const share = cells === of ? `${of}` : `${cells} of ${of}`;
  return `${stagesText(stagesOf(warning))}${of === 0 ? '' : ` (${share} ${of === 1 ? 'cell' : 'cells'})`}: ${message}`;
}

function stagesText(stages: readonly string[]): string {
  const names = stages.map((stage) => `'${stage}'`);
  const shown =
    names.length > mostNamed ? [...names.slice(0, mostNamed - 1), `${names.length - mostNamed + 1} more`] : names;
  if (shown.length === 1) return `stage ${shown[0]}`;
  return `stages ${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}
