// The resolved plan: what the specs become, and all that the runner and the report know of them.
import type { JsonObject, Numerics } from './stage.ts';

/** A place in a spec file, or a command-line flag (`file` is then `--set`, line 0). Lines and columns start at 1. */
export interface Origin {
  file: string;
  line: number;
  column: number;
}

/** One stage with all its parameters resolved; cells that need the same work share one node. */
export interface PlanNode {
  /** Unique and stable: the pipeline's stage name and the axis values that set it apart, `warm[type=T_next]`. */
  id: string;
  /** The stage's name in the pipeline. */
  stage: string;
  /** Stages of other names that would do the same work, and so are this node too. */
  also?: readonly string[] | undefined;
  /** The stage definition that it uses. */
  use: string;
  /** The module of the definition, absolute, where it is a stage of the user's own. */
  module?: string | undefined;
  /** The axis values that set it apart from the other nodes of this stage: `type=T_next,data=arxiv_math`, or ''. */
  cell: string;
  /** Validated against the definition's schema, defaults filled in, paths absolute. */
  params: JsonObject;
  /** Where each value was written, by JSON pointer into `params` (`/lr`); a parent's pointer serves its children. */
  origins: Readonly<Record<string, Origin>>;
  /** JSON pointers of the parameters that are paths (`/path`). */
  paths: readonly string[];
  inputs: Readonly<Record<string, PlanInput>>;
  seed: number;
  numerics: Numerics;
  /** Where the stage is declared in the pipeline. */
  origin: Origin;
  /** True when --force names this stage. */
  force: boolean;
  /** What it is given to run with, where somebody said so; part of no key. */
  resources?: Resources | undefined;
}

/** What one attempt at a stage may take, and what it is given: limits for the process, requests to a cluster. */
export interface Resources {
  memory_bytes?: number;
  cpus?: number;
  time_ms?: number;
  /** In the words of the place where it runs: `1`, `a100:2`. */
  gpu?: string;
}

/** Stands among the pointers to a node's sources for the code of a stage of the user's own: its module and all that this imports. */
export const codePointer = '/use';

export interface PlanInput {
  /** The id of the node that makes it. */
  node: string;
  output: string;
  origin: Origin;
}

/** One number of the table. */
export interface PlanCell {
  /** Axis name to value name, in the order of the axes. */
  axes: Readonly<Record<string, string>>;
  /** `SHARP,T_next,dialog`-like name: the values joined by commas, escaped so that two cells never share a name. */
  name: string;
  metric: MetricRef;
  paper: number | null;
  /** Numbers that stand beside those of its row, by the name of their column (`table.beside`). */
  beside: Readonly<Record<string, MetricRef>>;
  /** What the control expects it to be; null when it is no control cell. */
  expected: { value: number; source: 'paper' | 'profile' } | null;
}

/**
 * What stands for an output in a metric reference to any stage, `STAGE.work.hours`: not an artifact, but what the records say of all the units that
 * the stage is made of. `operations`: as stages count them for `plan`; `hours`: as long as they took, on the machines where they were made.
 */
export const workOutput = 'work';
export const workFields = ['operations', 'hours'] as const;

/** Where a cell's number is: the field `field` of the metrics artifact `output` of node `node`, or of its work (`workOutput`). */
export interface MetricRef {
  node: string;
  output: string;
  field: string;
}

export interface Plan {
  experiment: string;
  title: string;
  profile: string;
  /** The spec file, absolute. */
  file: string;
  /** Command-line overrides that shaped it, as given; empty for the plain spec. */
  overrides: readonly string[];
  /** Flags that say where a copy of the spec's own models and data lies (`copies` of its profile). */
  copies: readonly string[];
  /** Inputs before their users. */
  nodes: readonly PlanNode[];
  cells: readonly PlanCell[];
  axes: readonly PlanAxis[];
  table: PlanTable;
  claims: readonly PlanClaim[];
  /** Cells with an `expected` number run first; one that is off by more than this share of it stops the run. */
  control: { within: number } | null;
  /** Remarks printed under the table. */
  notes: readonly string[];
  /** Remarks on some of the cells, marked where their numbers stand. */
  cell_notes: readonly PlanCellNote[];
  figures: readonly PlanFigure[];
}

/** A remark on the cells that have one of the values given for each axis. */
export interface PlanCellNote {
  where: Readonly<Record<string, readonly string[]>>;
  note: string;
}

/** A picture of the cells that `where` allows. Cells that differ in `mean_over` axes alone are averaged. */
export interface PlanFigure {
  /** The name of its file: `replacement` becomes `replacement.svg`. */
  name: string;
  title: string;
  kind: 'line' | 'heatmap' | 'bar';
  /** The axis along the bottom. */
  x: string;
  /** The axis upwards, of a heat map. */
  y?: string | undefined;
  /** Axes whose values are lines or bars of their own; of a heat map, panels side by side. */
  series: readonly string[];
  where: Readonly<Record<string, readonly string[]>>;
  /** Of the numbers: upwards, or in the colours of a heat map. */
  scale: 'linear' | 'log';
  x_label: string;
  y_label: string;
  caption: string;
}

export interface PlanAxis {
  name: string;
  label: string;
  values: readonly { name: string; label: string }[];
}

/** Which way a number is better; `neither` for a description. */
export type Better = 'lower' | 'higher' | 'neither';

export interface PlanTable {
  /** Axes whose values become rows, columns. */
  rows: readonly string[];
  columns: readonly string[];
  /** Axes over which cells are averaged (seeds). */
  mean_over: readonly string[];
  /** Columns before the numbers, one number per row: `s`. */
  beside: readonly { name: string; label: string; format: 'number' | 'percent' }[];
  /** What the numbers are: `perplexity`. */
  metric: string;
  better: Better;
  /** Where the paper's numbers come from: `Table 2, Llama-2-7b`; empty when there are none. */
  paper: string;
}

/** A selection of cells: axis values that must hold. */
export type Selector = Readonly<Record<string, string>>;

/** Checked once for every combination of the axes that its selectors leave open (and `where` allows). */
export interface PlanClaim {
  text: string;
  where: Readonly<Record<string, readonly string[]>>;
  /** `order`: each value at most the next (strictly less when `strict`). `ratio`: a/b within bounds. `tolerance`: |a-b| <= tolerance*|b|. */
  check:
    | { kind: 'order'; cells: readonly Selector[]; strict: boolean; slack: number }
    | { kind: 'ratio'; of: Selector; to: Selector; at_least: number | null; at_most: number | null }
    | { kind: 'tolerance'; of: Selector; to: Selector | number; within: number };
  origin: Origin;
}
