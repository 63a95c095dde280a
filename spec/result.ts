// What a run leaves behind for people: its cells, claims and where every number came from.
import type { PlanAxis, PlanTable } from './plan.ts';

export interface RunResult {
  experiment: string;
  title: string;
  /** The run's name: its start in UTC, `2026-11-22T15-02-11Z`. */
  run: string;
  profile: string;
  /** The spec, relative to the folder where the run was started. */
  spec: string;
  overrides: readonly string[];
  cells: readonly CellResult[];
  claims: readonly ClaimResult[];
  axes: readonly PlanAxis[];
  table: PlanTable;
  notes: readonly string[];
  summary: RunSummary;
}

export interface RunSummary {
  /** Units (a stage without units counts as one): answered from the cache, executed, failed, not reached. */
  cached: number;
  ran: number;
  failed: number;
  blocked: number;
  duration_ms: number;
}

export interface CellResult {
  axes: Readonly<Record<string, string>>;
  name: string;
  metric: string;
  /** Null when the cell failed or was not reached. */
  value: number | null;
  paper: number | null;
  /** Standard error of the value when the evaluation gives one. */
  stderr: number | null;
  /** How many items the number rests on (tokens). */
  n: number | null;
  /** The cache key of the artifact that holds the number, and that artifact's digest. */
  key: string | null;
  digest: string | null;
  /** Why there is no value. */
  error: string | null;
}

export interface ClaimResult {
  claim: string;
  /** Null when a cell that it needs has no value. */
  holds: boolean | null;
  detail: string;
}
