// What stages warn of by what their specs say alone: no file is opened, no store and no hub is asked.
import type { Plan } from '../../contract/plan.ts';
import type { Facts, StageRegistry } from '../../contract/stage.ts';
import { hubName, isCommit, isHubName } from '../../hub/name.ts';
import { type NodeWarning, sentence } from '../../spec/plan/warnings.ts';
import { isUserError } from '../../util/errors.ts';
import { buildGraph, type NodeState } from './graph.ts';
import { valueAt } from './preimage.ts';

/** The warnings of a plan, from parameters and from those facts that follow from parameters. */
export async function foreseenWarnings(plan: Plan, registry: StageRegistry): Promise<NodeWarning[]> {
  const warnings: NodeWarning[] = [];
  for (const state of buildGraph(plan, registry)) {
    const { node, definition, inputs } = state;
    const known = Object.fromEntries(inputs.map(({ name, from }) => [name, from.facts]));
    state.facts = await expected(state, known);
    const said = definition.warn?.(node.params, known) ?? [];
    warnings.push(...said.map((message) => ({ node: node.id, message: sentence(message) })));
  }
  return warnings;
}

async function expected(
  { node, definition }: NodeState,
  inputs: Record<string, Facts | undefined>,
): Promise<Facts | undefined> {
  if (!node.paths.every((pointer) => isNameAlone(valueAt(node.params, pointer)))) return undefined;
  try {
    return await definition.expect?.(node.params, inputs);
  } catch (error) {
    if (isUserError(error)) return undefined; // `plan` and `run` say it
    throw error;
  }
}

/** True where nothing is named, and for what is known by its name: a commit would have to be looked at. */
function isNameAlone(path: unknown): boolean {
  return typeof path !== 'string' || (isHubName(path) && !isCommit(hubName(path).revision));
}
