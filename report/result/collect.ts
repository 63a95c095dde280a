// Turns what a run left behind into the result that people read: each cell's number, and the verdicts on the claims.
import { type MetricRef, type Plan, type PlanCell, workOutput } from '../../contract/plan.ts';
import type {
  CellResult,
  Provenance,
  ResultEnvironment,
  ResultWarning,
  RunResult,
  RunSummary,
  StageTiming,
} from '../../contract/result.ts';
import { expectedNames } from '../../located/nearest.ts';
import { isObject } from '../../util/json.ts';
import { evaluateClaims } from './claims.ts';

/** A metrics artifact: its parsed JSON, its digest, and the cache key of the record that holds it. Of a node's work, which is none: no digest, and a key where the node has one unit. */
export interface MetricArtifact {
  key: string | null;
  digest: string | null;
  metrics: unknown;
}

/** Why there are no metrics, in one sentence; with the key of the record that promises them, where there is one. */
export interface MetricMissing {
  error: string;
  key?: string;
}

/** Finds the metrics artifact of a node's output. */
export type FindMetric = (node: string, output: string) => Promise<MetricArtifact | MetricMissing>;

/** What the run itself knows. */
export interface RunFacts {
  run: string;
  /** The spec, relative to the folder where the run was started. */
  spec: string;
  summary: RunSummary;
  provenance?: Provenance | null;
  timings?: readonly StageTiming[] | null;
  environments?: readonly ResultEnvironment[] | null;
  warnings?: readonly ResultWarning[];
}

/** The result of a run of `plan`; a cell without a number carries the reason. */
export async function collectResult(plan: Plan, facts: RunFacts, find: FindMetric): Promise<RunResult> {
  const cells: CellResult[] = [];
  for (const cell of plan.cells) cells.push(await collectCell(cell, find));
  const { experiment, title, profile, overrides, copies, axes, table, notes, cell_notes, figures } = plan;
  const claims = evaluateClaims(plan, cells);
  const { run, spec, summary, provenance = null, timings = null, environments = null, warnings = [] } = facts;
  const made = { summary, provenance, timings, environments };
  const shape = { axes, table, notes, cell_notes, figures, warnings };
  const flags = { overrides, ...(copies.length > 0 && { copies }) };
  return { experiment, title, run, spec, profile, ...flags, cells, claims, ...shape, ...made };
}

async function collectCell(cell: PlanCell, find: FindMetric): Promise<CellResult> {
  const { axes, name, metric, paper } = cell;
  const empty = {
    axes,
    name,
    beside: await collectBeside(cell, find),
    metric: metric.field,
    value: null,
    paper,
    stderr: null,
    n: null,
    key: null,
    digest: null,
  };
  const found = await find(metric.node, metric.output);
  if ('error' in found) return { ...empty, key: found.key ?? null, error: found.error };
  const { key, digest } = found;
  const number = readMetric(found.metrics, metric.field);
  if (number === undefined) {
    return { ...empty, key, digest, error: noNumber(metric, found.metrics) };
  }
  return { ...empty, ...number, key, digest, error: null };
}

function noNumber({ node, output, field }: MetricRef, metrics: unknown): string {
  if (output === workOutput) {
    return `not all records of what '${node}' is made of say its ${field}: they are of an older lamina, or a stage could not count them (a new store has new records: --store FOLDER)`;
  }
  return `the metrics of '${node}' have no number '${field}'${fieldHint(metrics, field)}`;
}

/** What was meant, or else expected, where the path of a field leaves the metrics; nothing where it ends at no number. */
function fieldHint(metrics: unknown, field: string): string {
  let value = metrics;
  for (const name of field.split('.')) {
    if (!isObject(value) || name in value) value = isObject(value) ? value[name] : undefined;
    else return expectedNames(name, Object.keys(value), 'they are empty');
  }
  return '';
}

async function collectBeside({ beside }: PlanCell, find: FindMetric): Promise<Record<string, number | null>> {
  const numbers: Record<string, number | null> = {};
  for (const [column, { node, output, field }] of Object.entries(beside)) {
    const found = await find(node, output);
    numbers[column] = 'error' in found ? null : (readMetric(found.metrics, field)?.value ?? null);
  }
  return numbers;
}

/**
 * The number at a dotted field of a metrics object, with how many records or tokens it rests on (`n`, `tokens`) and its standard
 * error: the field `NAME_stderr` beside it (`NAME_stderr,FILTER` for `NAME,FILTER`). An object's bare `stderr` is that of
 * `mean_nll`; a perplexity's is perplexity times that (delta method on exp).
 */
export function readMetric(metrics: unknown, field: string): Pick<CellResult, 'value' | 'stderr' | 'n'> | undefined {
  const path = field.split('.');
  const parent = path
    .slice(0, -1)
    .reduce<unknown>((value, name) => (isObject(value) ? value[name] : undefined), metrics);
  const name = path.at(-1) ?? '';
  if (!isObject(parent) || !isNumber(parent[name])) return undefined;
  const value = parent[name];
  const n = [parent.n, parent.tokens].find(isNumber) ?? null;
  return { value, stderr: standardError(parent, name, value), n };
}

function standardError(metrics: Record<string, unknown>, name: string, value: number): number | null {
  const own = metrics[name.replace(/(?=,)|$/, '_stderr')];
  if (isNumber(own)) return own;
  if (!isNumber(metrics.stderr)) return null;
  if (name === 'perplexity') return value * metrics.stderr;
  return name === 'mean_nll' ? metrics.stderr : null;
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
