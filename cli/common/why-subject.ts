// What `lamina why` is asked about: a stage, a node, or cells, by the names that lamina prints.
import type { PlanAxis, PlanCell, PlanNode } from '../../contract/plan.ts';
import { expectedNames } from '../../located/nearest.ts';
import { UserError } from '../../util/errors.ts';

/** What names are looked for in: a plan, or what is kept of one. */
export interface Named<N extends NamedNode = NamedNode, C extends NamedCell = NamedCell> {
  experiment: string;
  axes: readonly PlanAxis[];
  nodes: readonly N[];
  cells: readonly C[];
}

type NamedNode = Pick<PlanNode, 'id' | 'stage' | 'also' | 'cell' | 'inputs'>;
type NamedCell = Pick<PlanCell, 'name' | 'axes'> & { metric: { node: string } };

export type Subject<N = PlanNode, C = PlanCell> = { nodes: readonly N[] } | { cells: readonly C[] };

/** Finds a stage of the pipeline (all its nodes, or those of `cell`), a node by its id, or cells. Throws UserError. */
export function findSubject<N extends NamedNode, C extends NamedCell>(
  plan: Named<N, C>,
  subject: string,
  cell: string | undefined,
): Subject<N, C> {
  const nodes = plan.nodes.filter((node) => isNamed(node, subject));
  if (nodes.length > 0) return { nodes: cell === undefined ? nodes : nodesOf(plan, nodes, cell) };
  const cells = findCells(plan, subject);
  if (cells.length > 0 && cell === undefined) return { cells };
  if (cells.length > 0) {
    throw new UserError(`'${subject}' names cells, not a stage: expected one cell, or a stage and then a cell`);
  }
  const known = [...stageNames(plan), ...plan.cells.map(({ name }) => name)];
  throw new UserError(
    `'${plan.experiment}' has no stage and no cell '${subject}'${expectedNames(subject, known, 'it is empty')}`,
  );
}

/** The ids of the nodes that are meant: those of a stage, or all that cells are made of. Throws UserError. */
export function nodesMeant(plan: Named, subject: string, cell: string | undefined): string[] {
  const found = findSubject(plan, subject, cell);
  if ('nodes' in found) return found.nodes.map(({ id }) => id);
  return [...new Set(found.cells.flatMap(({ metric }) => ancestors(plan, metric.node)))];
}

/** True for a node's id and for the names of all stages that it stands for. */
export function isNamed({ id, stage, also = [] }: NamedNode, name: string): boolean {
  return id === name || stage === name || also.includes(name);
}

/** The names of all stages that a plan's nodes stand for. */
export function stageNames(plan: Named): string[] {
  return [...new Set(plan.nodes.flatMap(({ stage, also = [] }) => [stage, ...also]))];
}

/** The cells of a name, in names or labels of values (`sharp,dialogsum`), or with axes (`data=dialogsum`). */
function findCells<C extends NamedCell>(plan: Named<NamedNode, C>, text: string): C[] {
  const exact = plan.cells.filter((cell) => cell.name === text);
  if (exact.length > 0) return exact;
  const wanted = text.split(',').map((part) => part.trim());
  return plan.cells.filter((cell) => wanted.every((part) => hasValue(cell, part, plan.axes)));
}

function hasValue(cell: NamedCell, part: string, axes: readonly PlanAxis[]): boolean {
  return axes.some(({ name, values }) => {
    const value = cell.axes[name];
    const label = values.find((each) => each.name === value)?.label;
    return value !== undefined && [value, `${name}=${value}`, label, `${name}=${label}`].includes(part);
  });
}

/** The nodes that the given cells are made of, or those whose own axis values are named. */
function nodesOf<N extends NamedNode>(plan: Named<N>, nodes: readonly N[], text: string): N[] {
  const own = nodes.filter((node) => text.split(',').every((part) => node.cell.split(',').includes(part.trim())));
  const below = new Set(findCells(plan, text).flatMap((cell) => ancestors(plan, cell.metric.node)));
  const found = own.length > 0 ? own : nodes.filter((node) => below.has(node.id));
  if (found.length > 0) return found;
  const parts = plan.cells.filter(({ metric }) => {
    const made = new Set(ancestors(plan, metric.node));
    return nodes.some(({ id }) => made.has(id));
  });
  const known = [...nodes.map((node) => node.cell), ...parts.map(({ name }) => name)].filter((name) => name !== '');
  throw new UserError(
    `stage '${nodes[0]?.stage}' has no part in a cell '${text}'${expectedNames(text, known, 'it has no cells')}`,
  );
}

function ancestors(plan: Named, id: string): string[] {
  const byId = new Map(plan.nodes.map((node) => [node.id, node]));
  const seen = new Set([id]);
  for (const each of seen) for (const { node } of Object.values(byId.get(each)?.inputs ?? {})) seen.add(node);
  return [...seen];
}
