// Which model of a plan a stage or a cell means: a checkpoint, and the recovery that belongs on it.
import type { Plan, PlanNode } from '../../contract/plan.ts';
import { definitionOf } from '../../contract/registry.ts';
import type { StageRegistry } from '../../contract/stage.ts';
import { orList } from '../../located/nearest.ts';
import { UserError } from '../../util/errors.ts';
import { shellWord } from '../common/spec-name.ts';
import { findSubject } from '../common/why-subject.ts';

/** A checkpoint of the plan, with the recovery on top of it, by the ids of their nodes. */
export interface PickedModel {
  /** The node that was named, or the one that measured the named cell. */
  readonly node: PlanNode;
  readonly checkpoint: string;
  readonly recovery: string | undefined;
  /** When its tokens stop early. */
  readonly exit: string | undefined;
}

/** `tuned on base`, `base`, `base with the exits of rule`. */
export function modelLabel({ checkpoint, recovery, exit }: PickedModel): string {
  const model = recovery === undefined ? checkpoint : `${recovery} on ${checkpoint}`;
  return exit === undefined ? model : `${model} with the exits of ${exit}`;
}

/** The one model that `part` means. Throws UserError where it means none, or several. */
export function pickModel(plan: Plan, registry: StageRegistry, spec: string, part: string | undefined): PickedModel {
  const withModel = plan.nodes.flatMap((node) => modelOf(node, registry) ?? []);
  const names = [...new Set(withModel.map(({ node }) => node.stage))];
  if (part === undefined) {
    throw new UserError(`'${spec}' is a spec: name one of its stages (${orList(names, 40)}) or cells after it`);
  }
  const picks = nodesNamed(plan, part).flatMap((node) => modelOf(node, registry) ?? []);
  const distinct = [...new Map(picks.map((pick) => [modelLabel(pick), pick])).values()];
  const [pick, another] = distinct;
  if (pick === undefined) throw new UserError(`'${part}' has no model in it, expected ${orList(names, 40)} or a cell`);
  if (another === undefined) return pick;
  const [first] = distinct.map(({ node }) => node.cell).filter((cell) => cell !== '');
  const help = first === undefined ? 'name one cell' : `pick one with --only, such as --only ${shellWord(first)}`;
  throw new UserError(`'${part}' means ${distinct.length} models (${orList(distinct.map(modelLabel), 6)}): ${help}`);
}

function nodesNamed(plan: Plan, part: string): readonly PlanNode[] {
  const found = findSubject(plan, part, undefined);
  if ('nodes' in found) return found.nodes;
  const measured = new Set(found.cells.map(({ metric }) => metric.node));
  return plan.nodes.filter(({ id }) => measured.has(id));
}

/** What a node makes, or else works on; undefined where it has to do with no model. */
function modelOf(node: PlanNode, registry: StageRegistry): PickedModel | undefined {
  const kinds = Object.values(definitionOf(registry, node)?.outputs ?? {}).map(({ kind }) => kind);
  if (kinds.includes('checkpoint')) return { node, checkpoint: node.id, recovery: undefined, exit: undefined };
  const checkpoint = node.inputs.model?.node;
  if (checkpoint === undefined) return undefined;
  const recovery = kinds.includes('recovery') ? node.id : node.inputs.recovery?.node;
  const exit = kinds.includes('exit') ? node.id : node.inputs.exit?.node;
  return { node, checkpoint, recovery, exit };
}
