// What the page shows, as data: whoever starts the server (cli/ui) finds it, the views only write it down.
import type { RunResult } from '../contract/result.ts';
import type { DiffView } from '../report/diff/view.ts';
import type { Usages } from '../store/upkeep/usage.ts';

/** One run in the list. */
export interface RunRow {
  /** `quickstart@17-2026-...`: what commands call it. */
  name: string;
  experiment: string;
  run: string;
  number: number | null;
  status: 'done' | 'failed' | 'stopped' | 'died' | 'running' | 'unknown' | 'damaged';
  /** The status in words: `failed: 2 stages`. */
  status_text: string;
  profile: string;
  /** UTC, ISO 8601. */
  started: string;
  duration_ms: number | null;
  cells: number;
  measured: number;
  hold: number;
  fail: number;
  undecided: number;
  /** What people call it. */
  label: string;
  tags: readonly string[];
  note: string;
  overrides: string;
  /** The one number that a list has room for. */
  metric: number | null;
  metric_cell: string;
  metric_name: string;
  /** The parameters in which the runs of its experiment differ, and its values of them. */
  params: Readonly<Record<string, string>>;
  /** A sentence for each file that could not be used. */
  damaged: readonly string[];
}

/** What is asked of the list. */
export interface RunQuery {
  /** Words that must all occur. */
  text: string;
  experiment: string;
  status: string;
  tag: string;
  /** A column's name, with `-` before it for the largest first. */
  sort: string;
  /** From 0. */
  page: number;
}

export interface RunPage {
  rows: readonly RunRow[];
  /** Runs that the query means, and all. */
  found: number;
  all: number;
  /** Runs that have been read by now: the rest is on its way. */
  read: number;
  pages: number;
  /** Parameters that differ among what was found, those with the most runs first. */
  params: readonly string[];
  experiments: readonly string[];
  tags: readonly string[];
  /** What lies among the runs and is none. */
  strays: readonly string[];
}

/** A result with what is to be said of it first. */
export interface ShownResult {
  name: string;
  result: RunResult | null;
  warnings: readonly string[];
  remarks: readonly string[];
  /** The command that makes it again; null where its spec is not known. */
  again: string | null;
}

/** A result that can be looked at. */
export interface ResultName {
  name: string;
  /** What to call it in a list. */
  text: string;
}

/** The units of one node of a plan, counted by what became of them. */
export interface GraphNode {
  id: string;
  stage: string;
  use: string;
  cell: string;
  /** Indexes of the nodes that it reads. */
  inputs: readonly number[];
  /** Null while it is not known how many. */
  units: number | null;
  cached: number;
  ran: number;
  running: number;
  failed: number;
  blocked: number;
}

/** A unit that is worked on now. */
export interface RunningUnit {
  node: string;
  unit: string;
  done: number;
  total: number;
  of: string;
  note: string;
  /** The key under which its log lies; null where it is not seen from here. */
  key: string | null;
}

export interface GraphFacts {
  name: string;
  status: RunRow['status'];
  status_text: string;
  /** Null for an outcome that is kept without its run. */
  elapsed_ms: number | null;
  left_ms: number | null;
  units: number;
  finished: number;
  nodes: readonly GraphNode[];
  running: readonly RunningUnit[];
  /** Whole sentences, each with the place of its log. */
  failures: readonly { text: string; key: string | null }[];
  remarks: readonly string[];
}

export interface LogFacts {
  key: string;
  /** Of each attempt, the oldest first. */
  attempts: readonly { attempt: string; written_ms: number; size_bytes: number }[];
  /** The last lines of the last attempt. */
  lines: readonly string[];
  /** Bytes before them. */
  left_bytes: number;
}

/** One training: a unit of a stage that tells its losses. */
export interface Curve {
  run: string;
  stage: string;
  use: string;
  cell: string;
  unit: string;
  /** Curves of one group differ in their seeds alone. */
  group: string;
  seed: string;
  running: boolean;
  points: readonly { step: number; total: number; time_ms: number | null; loss: number; tokens: number | null }[];
}

export interface CurveFacts {
  curves: readonly Curve[];
  /** Trainings that told nothing. */
  silent: number;
  remarks: readonly string[];
}

/** What a run says of the layers of its model. */
export interface LayerFacts {
  name: string;
  layers: number;
  /** similarity[n - 1][l - 1]: 1 - the angular distance between the stream before layer l and n layers later. */
  scores: readonly {
    title: string;
    angular: readonly (readonly number[])[];
    block_influence: readonly number[];
  }[];
  maps: readonly LayerMap[];
  remarks: readonly string[];
}

/** Which layers share a reference's MLP in one stage, and how well each target was fitted. */
export interface LayerMap {
  title: string;
  /** `3:4; 5:6`. */
  map: string;
  pairs: readonly LayerPair[];
}

export interface LayerPair {
  reference: number;
  target: number;
  /** The loss at the end of the warm-up, and at its beginning; null where nothing was fitted. */
  loss: number | null;
  first_loss: number | null;
}

export interface StoreFacts {
  folder: string;
  artifacts: number;
  records: number;
  size_bytes: number;
  scratch: number;
  logs: number;
  quarantine: number;
  free_bytes: number | null;
  stages: Usages;
  experiments: Usages;
  runs: Usages;
  /** What `lamina gc` would take away with these flags. */
  collection: CollectionFacts;
}

export interface CollectionFacts {
  command: string;
  kept: number;
  dropped: number;
  freed_bytes: number;
  groups: readonly {
    experiment: string;
    stage: string;
    reason: 'unused' | 'intermediate';
    units: number;
    size_bytes: number;
    duration_ms: number;
  }[];
  loose: number;
}

/** Flags of a collection that is only looked at. */
export interface CollectionQuery {
  intermediate: boolean;
  keep_last: number | null;
}

export interface WhyFacts {
  name: string;
  /** What can be asked about: stages, then cells. */
  stages: readonly string[];
  cells: readonly string[];
  /** As `lamina why` prints it. */
  text: string;
  commands: readonly { what: string; command: string }[];
  warnings: readonly string[];
}

/** A change of what people say of a run. Null leaves it as it is. */
export interface LabelChange {
  tags: readonly string[] | null;
  note: string | null;
}

/** All that a page can be asked for. Every function throws UserError for what is not there or not to be read. */
export interface Facts {
  /** The name of the project's folder and the place of its store, for people. */
  readonly project: string;
  readonly store: string;
  runs(query: RunQuery): Promise<RunPage>;
  results(): Promise<readonly ResultName[]>;
  result(name: string): Promise<ShownResult>;
  diff(before: string, after: string): Promise<DiffView>;
  graph(name: string): Promise<GraphFacts>;
  log(key: string): Promise<LogFacts>;
  curves(names: readonly string[]): Promise<CurveFacts>;
  layers(name: string): Promise<LayerFacts>;
  usage(query: CollectionQuery): Promise<StoreFacts>;
  why(name: string, subject: string): Promise<WhyFacts>;
  label(name: string, change: LabelChange): Promise<void>;
  /** Another text whenever what is shown of these runs (of all where none is named) may have changed. */
  stamp(names: readonly string[]): string;
  close(): void;
}
