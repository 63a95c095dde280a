// The plan of `lamina export`: one run of the stage `export`, on a model of a spec or on one that is loaded for it.
import { resolve } from 'node:path';
import type { Origin, Plan, PlanInput, PlanNode } from '../../contract/plan.ts';
import { definitionOf } from '../../contract/registry.ts';
import type { ArtifactKind, JsonObject, Numerics, StageDefinition, StageRegistry } from '../../contract/stage.ts';
import { nameComplaint } from '../../located/edit-value.ts';
import { compileSchema } from '../../located/json-schema.ts';
import { nodesFor } from '../../spec/plan/part-of-plan.ts';
import { UserError } from '../../util/errors.ts';
import type { NamedModel } from '../artifacts/model-name.ts';
import { type PickedModel, pickModel } from '../artifacts/pick-model.ts';

/** Names of stages in specs have no spaces, so this is never one of them. */
export const exportId = 'lamina export';

const origin: Origin = { file: exportId, line: 0, column: 0 };

/** What the stage is given beside its inputs. */
export interface ExportOrder {
  params: JsonObject;
  numerics: Numerics;
  registry: StageRegistry;
}

/** A model that the stage `load` reads. */
type LoadedModel = Extract<NamedModel, { kind: 'folder' | 'hub' }>;

/** The stage's definition. Throws UserError where the program has none. */
export function stageNamed(registry: StageRegistry, name: string): StageDefinition {
  const found = registry.get(name);
  if (found === undefined) throw new UserError(`there is no stage '${name}'`);
  return found;
}

/** The export of the model that `part` means in `plan`, with all that made it, and which model that is. */
export function planOfPart(
  plan: Plan,
  part: string | undefined,
  spec: string,
  order: ExportOrder,
): { plan: Plan; pick: PickedModel } {
  const pick = pickModel(plan, order.registry, spec, part);
  const { checkpoint, recovery } = pick;
  const made = nodesFor(plan, [checkpoint, ...(recovery === undefined ? [] : [recovery])]);
  const inputs = {
    model: outputOf(made, checkpoint, 'checkpoint', order.registry),
    ...(recovery !== undefined && { recovery: outputOf(made, recovery, 'recovery', order.registry) }),
  };
  return { plan: { ...plan, ...nothingMeasured, nodes: [...made, exportNode(inputs, order)] }, pick };
}

/** The export of a model by itself, loaded as the stage `load` does. Throws UserError for what no model can be. */
export function planOfModel(label: string, named: LoadedModel, order: ExportOrder): Plan {
  const path = named.kind === 'hub' ? named.name : resolve(named.path);
  const complaint = nameComplaint(path);
  if (complaint !== undefined) throw new UserError(complaint);
  const params: JsonObject = { path };
  compileSchema(stageNamed(order.registry, 'load').params).check(params); // fills in defaults
  const base = { id: 'load', stage: 'load', use: 'load', params, paths: ['/path'], inputs: {} };
  const load = { ...plainNode, ...base, numerics: order.numerics };
  const from = (output: string): PlanInput => ({ node: load.id, output, origin });
  const node = exportNode({ model: from('model'), recovery: from('recovery') }, order);
  const names = {
    experiment: label,
    title: label,
    profile: String(order.params.format),
    file: label,
    overrides: [],
    copies: [],
  };
  return { ...names, ...nothingMeasured, nodes: [load, node] };
}

const plainNode = { cell: '', origins: {}, paths: [], seed: 0, origin, force: false } as const;

const nothingMeasured = {
  cells: [],
  axes: [],
  table: { rows: [], columns: [], mean_over: [], beside: [], metric: '', better: 'neither', paper: '' },
  claims: [],
  control: null,
  notes: [],
  cell_notes: [],
  figures: [],
} as const;

function exportNode(inputs: Readonly<Record<string, PlanInput>>, { params, numerics }: ExportOrder): PlanNode {
  return { ...plainNode, id: exportId, stage: 'export', use: 'export', params, inputs, numerics };
}

function outputOf(nodes: readonly PlanNode[], id: string, kind: ArtifactKind, registry: StageRegistry): PlanInput {
  const node = nodes.find((each) => each.id === id) as PlanNode;
  const outputs = Object.entries(definitionOf(registry, node)?.outputs ?? {});
  const output = outputs.find(([, port]) => port.kind === kind)?.[0] ?? '';
  return { node: id, output, origin };
}
