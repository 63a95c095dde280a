// A part of a plan: some of its cells, and the stages that these need.
import type { Plan, PlanCell, PlanNode } from '../../contract/plan.ts';

/** `plan` with the cells of `keep` alone, their nodes in the same order, and no claims. */
export function partOfPlan(plan: Plan, keep: (cell: PlanCell) => boolean): Plan {
  const cells = plan.cells.filter(keep);
  const nodes = nodesFor(
    plan,
    cells.map((cell) => cell.metric.node),
  );
  return { ...plan, cells, nodes, claims: [] };
}

/** The nodes of these ids and all that they are made of, in the plan's order. */
export function nodesFor({ nodes }: Plan, ids: readonly string[]): PlanNode[] {
  const needed = new Set(ids);
  const found: PlanNode[] = [];
  for (const node of [...nodes].reverse()) {
    if (!needed.has(node.id)) continue;
    found.push(node);
    for (const input of Object.values(node.inputs)) needed.add(input.node);
  }
  return found.reverse();
}
