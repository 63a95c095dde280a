// What a run leaves behind for people: its cells, claims and where every number came from.
import type { PlanAxis, PlanCellNote, PlanFigure, PlanTable } from './plan.ts';
import type { JsonObject, Numerics } from './stage.ts';

export interface RunResult {
  experiment: string;
  title: string;
  /** The run's name: its number within the experiment and its start in UTC, `17-2026-11-22T15-02-11Z`; '' where no run is kept. */
  run: string;
  profile: string;
  /** The spec, relative to the folder where the run was started. */
  spec: string;
  overrides: readonly string[];
  /** Which copies stood for the spec's own models and data, by the flags that named them; absent where none did. */
  copies?: readonly string[] | undefined;
  cells: readonly CellResult[];
  claims: readonly ClaimResult[];
  axes: readonly PlanAxis[];
  table: PlanTable;
  notes: readonly string[];
  cell_notes: readonly PlanCellNote[];
  figures: readonly PlanFigure[];
  /** What the stages warned of, each sentence once. */
  warnings: readonly ResultWarning[];
  summary: RunSummary;
  /** What the numbers were made of; null for a result that was kept without it. */
  provenance: Provenance | null;
  /** What each stage of the pipeline took, in plan order; null where only the outcome is kept. */
  timings: readonly StageTiming[] | null;
  /** What the units were computed with; null where only the outcome is kept. */
  environments: readonly ResultEnvironment[] | null;
}

/** Versions and parts of the machine by name (`node`, `processor`, `driver`), and how many units were computed with them. */
export interface ResultEnvironment {
  versions: Readonly<Record<string, string>>;
  machine: Readonly<Record<string, string>>;
  units: number;
}

/** A sentence that whoever reads the numbers has to know. */
export interface ResultWarning {
  /** The stage's name in the pipeline; of several that say the same the first. */
  stage: string;
  /** The other stages that say it, in the plan's order; absent where there are none. */
  also?: readonly string[] | undefined;
  message: string;
  /** How many cells rest on what it is said of. */
  cells: number;
}

/** Every stage and every unit that a run's numbers were made of, each once; equal inputs give equal bytes. */
export interface Provenance {
  /** In plan order. */
  nodes: readonly ProvenanceNode[];
  /** Distinct sets of parameters (without paths), which units share. */
  params: readonly JsonObject[];
  /** By cache key, a unit after those that it reads. */
  units: readonly ProvenanceUnit[];
}

export interface ProvenanceNode {
  id: string;
  /** The stage's name in the pipeline, the definition that it uses, and the axis values that set it apart. */
  stage: string;
  use: string;
  cell: string;
  /** `pipelines/sharp.yaml:25`: where the stage is declared, and where each of its parameters was given. */
  origin: string;
  origins: Readonly<Record<string, string>>;
  /** Indexes of the nodes whose outputs it reads, by input. */
  inputs: Readonly<Record<string, number>>;
  /** Indexes of its units, of which other nodes may share some. */
  units: readonly number[];
}

export interface ProvenanceUnit {
  /** `3→4`; '' for a stage without units. */
  unit: string;
  key: string;
  /** The version of the stage's definition. */
  version: number;
  /** Index into `params`. */
  params: number;
  seed: number | null;
  numerics: Numerics | null;
  /** Digests of the files and folders that it read, by parameter. */
  sources: Readonly<Record<string, string>>;
  /** Indexes of the units that it read, by input. */
  inputs: Readonly<Record<string, readonly number[]>>;
  /** Digests of what it made, by output. */
  outputs: Readonly<Record<string, string>>;
}

/** What the units of one stage of the pipeline took; each key counts once. */
export interface StageTiming {
  stage: string;
  use: string;
  units: number;
  cached: number;
  ran: number;
  /** Failed, not reached or stopped. */
  missing: number;
  /** What all its units took when they were made, and the longest of them. */
  duration_ms: number;
  longest_ms: number;
  /** What those took that this run made. */
  ran_ms: number;
  /** The largest memory of a worker process seen. */
  peak_rss_bytes: number;
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
  /** The numbers of the columns beside the table's own (`table.beside`), by column; null where one is missing. */
  beside: Readonly<Record<string, number | null>>;
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
  /** True when the difference that decided it is within the noise of the numbers. */
  within_noise?: boolean | undefined;
}
