// What of a plan decides its numbers, and where each value was written: enough to compare two runs without their specs.
import {
  codePointer,
  type Plan,
  type PlanAxis,
  type PlanClaim,
  type PlanNode,
  type PlanTable,
} from '../../contract/plan.ts';
import { definitionOf } from '../../contract/registry.ts';
import type { Json, StageRegistry } from '../../contract/stage.ts';
import type { BlobRef } from '../digest.ts';

/** A plan without what is only for running it or for people. */
export interface PlanSnapshot {
  experiment: string;
  profile: string;
  overrides: readonly string[];
  axes: readonly PlanAxis[];
  table: PlanTable;
  claims: readonly Pick<PlanClaim, 'text' | 'where' | 'check'>[];
  /** The stage definitions that its nodes use. */
  stages: Readonly<Record<string, SnapshotStage>>;
  /** Inputs before their users. */
  nodes: readonly SnapshotNode[];
  cells: readonly SnapshotCell[];
}

/** What of a stage definition enters its keys. */
export interface SnapshotStage {
  version: number;
  numeric: boolean;
  seeded: boolean;
}

export interface SnapshotNode extends Omit<PlanNode, 'force' | 'module' | 'resources'> {
  /** The bytes that its paths named when it ran, by JSON pointer; empty where it did not. */
  sources: Readonly<Record<string, BlobRef>>;
}

export interface SnapshotCell {
  axes: Readonly<Record<string, string>>;
  name: string;
  node: string;
  output: string;
  field: string;
  paper: number | null;
}

/** What the paths of a node hold, by JSON pointer, as far as it is known. */
export type FindSources = (node: string) => Readonly<Record<string, BlobRef>>;

/** The snapshot of a plan. */
export function snapshotOf(plan: Plan, registry: StageRegistry, sources: FindSources = () => ({})): PlanSnapshot {
  const { experiment, profile, overrides, axes, table } = plan;
  const stages: Record<string, SnapshotStage> = {};
  for (const node of plan.nodes) {
    const definition = stages[node.use] === undefined ? definitionOf(registry, node) : undefined;
    if (definition === undefined) continue;
    const { version, numeric, seeded } = definition;
    stages[node.use] = { version, numeric, seeded };
  }
  const claims = plan.claims.map(({ text, where, check }) => ({ text, where, check }));
  const nodes = plan.nodes.map(({ force: _force, resources: _resources, module, ...node }) => {
    const known = sources(node.id);
    const hasCode = module !== undefined || known[codePointer] !== undefined;
    return { ...node, paths: hasCode ? [...node.paths, codePointer] : node.paths, sources: known };
  });
  const cells = plan.cells.map(({ axes: values, name, metric, paper }) => ({ axes: values, name, ...metric, paper }));
  return { experiment, profile, overrides, axes, table, claims, stages, nodes, cells };
}

/** The value at a JSON pointer; undefined when there is none. */
export function valueAt(value: Json, pointer: string): Json | undefined {
  let at: Json | undefined = value;
  for (const part of pointer.split('/').slice(1)) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Readonly<Record<string, Json>>)[part.replaceAll('~1', '/').replaceAll('~0', '~')];
  }
  return at;
}
