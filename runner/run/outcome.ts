// What a run came to: every unit's status, artifacts and facts, for the report to read.
import type { RunSummary } from '../../contract/result.ts';
import type { Facts, JsonObject } from '../../contract/stage.ts';
import type { KeyPreimage } from '../../store/key.ts';
import type { Observed, RecordedWork } from '../../store/record.ts';
import type { OpenArtifact } from '../../store/store.ts';
import type { Failure } from '../survey/events.ts';

export interface RunOutcome {
  status: 'done' | 'failed' | 'cancelled';
  /** By node id, in plan order. */
  nodes: ReadonlyMap<string, NodeOutcome>;
  failures: readonly Failure[];
  summary: RunSummary;
}

export interface NodeOutcome {
  node: string;
  stage: string;
  use: string;
  cell: string;
  /** What the stage warns of by its parameters and the facts of its inputs; what its units said is in them. */
  warnings: readonly string[];
  /** Only the units that somebody needed; a stage without units has the one unit ''. */
  units: readonly UnitOutcome[];
}

/** `cached`: answered from the store. `reused`: another runner did it meanwhile. `blocked`: something before it failed. */
export type UnitOutcome =
  | UnitSuccess
  | FailedUnit
  | { status: 'blocked'; unit: string; key: string | null; by: string }
  | { status: 'cancelled'; unit: string; key: string | null };

export interface FailedUnit {
  status: 'failed';
  unit: string;
  key: string | null;
  failure: Failure;
}

export interface UnitSuccess {
  status: 'cached' | 'ran' | 'reused';
  unit: string;
  key: string;
  outputs: Readonly<Record<string, Artifact>>;
  facts: Facts;
  /** What the work took when it was done: time, and the largest memory of its worker. */
  duration_ms: number;
  peak_rss_bytes: number;
  /** Its share of what the attempt was to do; absent where the stage could not say. */
  work?: RecordedWork | undefined;
  /** What the stage warned of while it made this. */
  warnings: readonly string[];
  /** What it was made with. */
  observed: Observed;
  /** What the key was taken over. */
  preimage: KeyPreimage;
}

export interface Artifact {
  digest: string;
  size: number;
  /** Makes it readable; read only. */
  open(): Promise<OpenArtifact>;
}

/** True for a unit whose artifacts are there. */
export function succeeded(unit: UnitOutcome): unit is UnitSuccess {
  return unit.status === 'cached' || unit.status === 'ran' || unit.status === 'reused';
}

/** The outcome as JSON, to be kept with the run; pre-images are in the store's records. */
export function outcomeJson({ status, nodes, failures, summary }: RunOutcome): JsonObject {
  const kept = [...nodes.values()].map((node) => ({ ...node, units: node.units.map(unitJson) }));
  return { status, nodes: kept, failures, summary } as unknown as JsonObject;
}

function unitJson(unit: UnitOutcome): object {
  if (!succeeded(unit)) return unit;
  const { status, key, facts, duration_ms, peak_rss_bytes, warnings } = unit;
  const outputs = Object.entries(unit.outputs).map(([name, { digest, size }]) => [name, { digest, size }] as const);
  const took = { duration_ms, peak_rss_bytes, warnings };
  return { status, unit: unit.unit, key, outputs: Object.fromEntries(outputs), facts, ...took };
}
