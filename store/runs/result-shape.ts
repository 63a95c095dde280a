// What a kept result must look like before anything is made of it; kept files may be damaged, or somebody's own.
import type { PlanAxis, PlanCellNote, PlanFigure, PlanTable } from '../../contract/plan.ts';
import type {
  CellResult,
  ClaimResult,
  Provenance,
  ProvenanceNode,
  ProvenanceUnit,
  ResultEnvironment,
  ResultWarning,
  RunResult,
  RunSummary,
  StageTiming,
} from '../../contract/result.ts';
import type { JsonObject, Numerics } from '../../contract/stage.ts';
import {
  anything,
  fields,
  flag,
  index,
  list,
  mapOf,
  misshape,
  nullable,
  number,
  oneOf,
  optional,
  type Shape,
  text,
} from '../../util/shape.ts';

export const axisShape: Shape<PlanAxis> = fields({
  name: text,
  label: text,
  values: list(fields<PlanAxis['values'][number]>({ name: text, label: text })),
});

export const tableShape: Shape<PlanTable> = fields({
  rows: list(text),
  columns: list(text),
  mean_over: list(text),
  beside: list(fields<PlanTable['beside'][number]>({ name: text, label: text, format: oneOf('number', 'percent') })),
  metric: text,
  better: oneOf('lower', 'higher', 'neither'),
  paper: text,
});

export const numericsShape: Shape<Numerics> = fields({
  backend: oneOf('onnx', 'tensorflow', 'cpu'),
  provider: oneOf('cpu', 'webgpu', 'cuda'),
  precision: oneOf('float32', 'bfloat16', 'float16'),
  threads: index,
});

export const jsonObject: Shape<JsonObject> = mapOf(anything);

const cellShape: Shape<CellResult> = fields({
  axes: mapOf(text),
  name: text,
  metric: text,
  value: nullable(number),
  paper: nullable(number),
  stderr: nullable(number),
  n: nullable(number),
  beside: mapOf(nullable(number)),
  key: nullable(text),
  digest: nullable(text),
  error: nullable(text),
});

const claimShape: Shape<ClaimResult> = fields({
  claim: text,
  holds: nullable(flag),
  detail: text,
  within_noise: optional(flag),
});

const noteShape: Shape<PlanCellNote> = fields({ where: mapOf(list(text)), note: text });

const figureShape: Shape<PlanFigure> = fields({
  name: text,
  title: text,
  kind: oneOf('line', 'heatmap', 'bar'),
  x: text,
  y: optional(text),
  series: list(text),
  where: mapOf(list(text)),
  scale: oneOf('linear', 'log'),
  x_label: text,
  y_label: text,
  caption: text,
});

const summaryShape: Shape<RunSummary> = fields({
  cached: index,
  ran: index,
  failed: index,
  blocked: index,
  duration_ms: number,
});

const timingShape: Shape<StageTiming> = fields({
  stage: text,
  use: text,
  units: index,
  cached: index,
  ran: index,
  missing: index,
  duration_ms: number,
  longest_ms: number,
  ran_ms: number,
  peak_rss_bytes: number,
});

const environmentShape: Shape<ResultEnvironment> = fields({
  versions: mapOf(text),
  machine: mapOf(text),
  units: index,
});

const warningShape: Shape<ResultWarning> = fields({
  stage: text,
  also: optional(list(text)),
  message: text,
  cells: index,
});

const nodeShape: Shape<ProvenanceNode> = fields({
  id: text,
  stage: text,
  use: text,
  cell: text,
  origin: text,
  origins: mapOf(text),
  inputs: mapOf(index),
  units: list(index),
});

const unitShape: Shape<ProvenanceUnit> = fields({
  unit: text,
  key: text,
  version: index,
  params: index,
  seed: nullable(index),
  numerics: nullable(numericsShape),
  sources: mapOf(text),
  inputs: mapOf(list(index)),
  outputs: mapOf(text),
});

const provenanceShape: Shape<Provenance> = fields({
  nodes: list(nodeShape),
  params: list(jsonObject),
  units: list(unitShape),
});

const resultShape: Shape<RunResult> = fields({
  experiment: text,
  title: text,
  run: text,
  profile: text,
  spec: text,
  overrides: list(text),
  copies: optional(list(text)),
  cells: list(cellShape),
  claims: list(claimShape),
  axes: list(axisShape),
  table: tableShape,
  notes: list(text),
  cell_notes: list(noteShape),
  figures: list(figureShape),
  summary: summaryShape,
  provenance: nullable(provenanceShape),
  timings: nullable(list(timingShape)),
  environments: nullable(list(environmentShape)),
  warnings: list(warningShape),
});

/** What is wrong with a value as a result, its parts against each other included; undefined when nothing is. */
export function resultFault(value: unknown): string | undefined {
  const wrong = misshape(resultShape, value);
  if (wrong !== undefined) return wrong;
  const { cells, axes, provenance } = value as RunResult;
  return cellFault(cells, axes) ?? (provenance === null ? undefined : linkFault(provenance));
}

/** What is wrong with a value as provenance. */
export function provenanceFault(value: unknown): string | undefined {
  return misshape(provenanceShape, value) ?? linkFault(value as Provenance);
}

/** A cell must have its place in the table, or its number would stand elsewhere. */
function cellFault(cells: readonly CellResult[], axes: readonly PlanAxis[]): string | undefined {
  for (const [i, cell] of cells.entries()) {
    for (const { name, values } of axes) {
      const own = Object.hasOwn(cell.axes, name) ? cell.axes[name] : undefined;
      if (!values.some((value) => value.name === own)) return `'cells.${i}.axes': expected a value of axis '${name}'`;
    }
  }
  return undefined;
}

function linkFault({ nodes, params, units }: Provenance): string | undefined {
  const outside = (all: readonly unknown[]) => (at: number) => at < 0 || at >= all.length;
  for (const [i, node] of nodes.entries()) {
    if (node.units.some(outside(units))) return `'nodes.${i}.units': there is no such unit`;
    if (Object.values(node.inputs).some(outside(nodes))) return `'nodes.${i}.inputs': there is no such node`;
  }
  for (const [i, unit] of units.entries()) {
    if (outside(params)(unit.params)) return `'units.${i}.params': there are no such parameters`;
    if (Object.values(unit.inputs).flat().some(outside(units))) return `'units.${i}.inputs': there is no such unit`;
  }
  return undefined;
}
