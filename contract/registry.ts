// Which definition a node of a plan uses.
import type { PlanNode } from './plan.ts';
import type { StageDefinition, StageRegistry } from './stage.ts';

/** The definition of a node, with the ports that its parameters give it; undefined where the registry does not have it. */
export function definitionOf(
  registry: StageRegistry,
  { use, module, params }: Pick<PlanNode, 'use' | 'module' | 'params'>,
): StageDefinition | undefined {
  const definition = registry.get(module ?? use);
  return definition && withPorts(definition, params);
}

/** A definition whose ports are those that `params` give it. */
export function withPorts(definition: StageDefinition, params: PlanNode['params']): StageDefinition {
  return definition.ports === undefined ? definition : { ...definition, ...definition.ports(params) };
}
