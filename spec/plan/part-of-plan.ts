// A part of a plan: some of its cells, and the stages that these need.
import type { Plan, PlanCell, PlanNode } from '../../contract/plan.ts';

/** `plan` with the cells of `keep` alone, their nodes in the same order, and no claims. */
export function partOfPlan(plan: Plan, keep: (cell: PlanCell) => boolean): Plan {
  const cells = plan.cells.filter(keep);
  const needed = new Set(cells.map((cell) => cell.metric.node));
  const nodes: PlanNode[] = [];
  for (const node of [...plan.nodes].reverse()) {
    if (!needed.has(node.id)) continue;
    nodes.push(node);
    for (const input of Object.values(node.inputs)) needed.add(input.node);
  }
  return { ...plan, cells, nodes: nodes.reverse(), claims: [] };
}
