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
 * Each sentence of each stage of the pipeline once, in plan order, with the number of cells that rest on a node of which it is said.
 * Takes time in the number of nodes for each different sentence.
 */
export function groupWarnings(plan: Plan, warnings: readonly NodeWarning[]): ResultWarning[] {
  const order = new Map(plan.nodes.map((node, index) => [node.id, { index, stage: node.stage }]));
  const groups = new Map<string, { stage: string; message: string; nodes: Set<string>; first: number }>();
  for (const { node, message } of warnings) {
    const { index, stage } = order.get(node) ?? { index: order.size, stage: node };
    const key = `${stage}\n${message}`;
    const group = groups.get(key) ?? { stage, message, nodes: new Set(), first: index };
    group.nodes.add(node);
    group.first = Math.min(group.first, index);
    groups.set(key, group);
  }
  const sorted = [...groups.values()].sort((a, b) => a.first - b.first);
  return sorted.map(({ stage, message, nodes }) => ({ stage, message, cells: cellsOn(plan, nodes) }));
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

/** `stage 'warm' (6 of 8 cells): the sentence`; `of` is the number of all cells. */
export function warningText({ stage, message, cells }: ResultWarning, of: number): string {
  const share = cells === of ? `${of}` : `${cells} of ${of}`;
  return `stage '${stage}'${of === 0 ? '' : ` (${share} ${of === 1 ? 'cell' : 'cells'})`}: ${message}`;
}
