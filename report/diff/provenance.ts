// The plan of a result, as far as its provenance tells it: for outcomes, which are kept without their plan.
import type { Origin, PlanInput } from '../../contract/plan.ts';
import type { Provenance, ProvenanceNode, ProvenanceUnit } from '../../contract/result.ts';
import type { Json, JsonObject, Numerics } from '../../contract/stage.ts';
import type { PlanSnapshot, SnapshotCell, SnapshotNode, SnapshotStage } from '../../store/runs/plan-snapshot.ts';
import { canonicalJson } from '../../util/json.ts';
import type { DiffSide } from './side.ts';

const anyNumerics: Numerics = { backend: 'onnx', provider: 'cpu', precision: 'float32', threads: 1 };

/**
 * Null when the result has no provenance. Of a stage with units only the parameters that all its units share are known,
 * so that it can be compared with another provenance, not with a plan.
 */
export function planFromProvenance({ experiment, profile, result }: DiffSide): PlanSnapshot | null {
  const provenance = result?.provenance;
  if (result === null || provenance === undefined || provenance === null) return null;
  const nodes = provenance.nodes.map((node) => nodeOf(node, provenance));
  const stages: Record<string, SnapshotStage> = {};
  for (const node of provenance.nodes) {
    const unit = unitsOf(node, provenance)[0];
    if (unit === undefined) continue;
    stages[node.use] = { version: unit.version, numeric: unit.numerics !== null, seeded: unit.seed !== null };
  }
  const { axes, table, overrides } = result;
  return { experiment, profile, overrides, axes, table, claims: [], stages, nodes, cells: cellsOf(result, provenance) };
}

function unitsOf({ units }: ProvenanceNode, provenance: Provenance): ProvenanceUnit[] {
  return units.flatMap((index) => provenance.units[index] ?? []);
}

function nodeOf(node: ProvenanceNode, provenance: Provenance): SnapshotNode {
  const { id, stage, use, cell } = node;
  const units = unitsOf(node, provenance);
  const [first] = units;
  const origin = placeOf(node.origin);
  const origins = Object.entries(node.origins).map(([name, text]) => [`/${name}`, placeOf(text)] as const);
  const sources = Object.entries(first?.sources ?? {}).map(
    ([name, digest]) => [`/${name}`, { digest, size: 0 }] as const,
  );
  const inputs = Object.entries(node.inputs).flatMap(([name, index]): [string, PlanInput][] => {
    const from = provenance.nodes[index];
    return from === undefined ? [] : [[name, { node: from.id, output: '', origin }]];
  });
  return {
    ...{ id, stage, use, cell, origin },
    params: sharedParams(units, provenance),
    origins: Object.fromEntries(origins),
    paths: sources.map(([pointer]) => pointer),
    sources: Object.fromEntries(sources),
    inputs: Object.fromEntries(inputs),
    seed: first?.seed ?? 0,
    numerics: first?.numerics ?? anyNumerics,
  };
}

/** The parameters with which all units were made. */
function sharedParams(units: readonly ProvenanceUnit[], { params }: Provenance): JsonObject {
  const given = [...new Set(units.map((unit) => unit.params))].map((index) => params[index] ?? {});
  const [first = {}, ...others] = given;
  const shared = Object.entries(first).filter(([name, value]) => {
    const text = canonicalJson(value);
    return others.every((other) => other[name] !== undefined && canonicalJson(other[name] as Json) === text);
  });
  return Object.fromEntries(shared);
}

function cellsOf({ cells }: NonNullable<DiffSide['result']>, provenance: Provenance): SnapshotCell[] {
  const nodes = new Map<string, string>();
  for (const node of provenance.nodes) {
    for (const { key } of unitsOf(node, provenance)) if (!nodes.has(key)) nodes.set(key, node.id);
  }
  return cells.map(({ axes, name, metric, paper, key }) => {
    return { axes, name, node: nodes.get(key ?? '') ?? '', output: '', field: metric, paper };
  });
}

/** `pipelines/sharp.yaml:25`; a flag has no line. The column is not kept. */
function placeOf(text: string): Origin {
  const [, file = text, line = '0'] = /^(.*):(\d+)$/s.exec(text) ?? [];
  return { file, line: Number(line), column: 0 };
}
