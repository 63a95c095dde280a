// Small hand-made results for the tests of the report.
import type { PlanAxis, PlanTable } from '../../contract/plan.ts';
import type { CellResult, RunResult } from '../../contract/result.ts';

export const methodAxis: PlanAxis = {
  name: 'method',
  label: 'method',
  values: [
    { name: 'original', label: 'Original' },
    { name: 'direct_sharing', label: 'Direct Sharing' },
    { name: 'sharp_slw', label: 'SHARP w/o f.t.' },
    { name: 'sharp', label: 'SHARP' },
  ],
};

export const dataAxis: PlanAxis = {
  name: 'data',
  label: 'data set',
  values: [
    { name: 'arxiv_math', label: 'Arxiv-math' },
    { name: 'dialogsum', label: 'DialogSum' },
  ],
};

export const seedAxis: PlanAxis = {
  name: 'seed',
  label: 'seed',
  values: ['0', '1', '2'].map((name) => ({ name, label: name })),
};

export const perplexityTable: PlanTable = {
  rows: ['method'],
  columns: ['data'],
  mean_over: [],
  beside: [],
  metric: 'perplexity',
  better: 'lower',
  paper: 'Table 2, Llama-2-7b',
};

export function cell(axes: Record<string, string>, value: number | null, paper: number | null = null): CellResult {
  const name = Object.values(axes).join(',');
  const found = value === null ? null : 'k'.repeat(8);
  const error = value === null ? 'its stage failed' : null;
  return {
    axes,
    name,
    beside: {},
    metric: 'perplexity',
    value,
    paper,
    stderr: null,
    n: 1000,
    key: found,
    digest: found,
    error,
  };
}

/** Values by method, one per data set; with the numbers of the paper's Table 2 (paper-tables.yaml). */
export const table2Cells: readonly CellResult[] = (
  [
    ['original', [1.5242, 2.3], [3, 3.7]],
    ['direct_sharing', [88.104, 123456], [2171.3, 801.7]],
    ['sharp_slw', [2.51, 2.6], [4.8, 5.3]],
    ['sharp', [2.02, 2.71], [3.2, 3.8]],
  ] as const
).flatMap(([method, ours, paper]) =>
  dataAxis.values.map((data, i) => cell({ method, data: data.name }, ours[i] ?? null, paper[i] ?? null)),
);

export function result(cells: readonly CellResult[], changes: Partial<RunResult> = {}): RunResult {
  return {
    experiment: 'table-2',
    title: 'In-distribution recovery',
    run: '2026-11-22T15-02-11Z',
    profile: 'tiny',
    spec: 'experiments/table-2.yaml',
    overrides: [],
    cells,
    claims: [],
    axes: [methodAxis, dataAxis],
    table: perplexityTable,
    notes: [],
    cell_notes: [],
    figures: [],
    warnings: [],
    provenance: null,
    timings: null,
    environments: null,
    summary: { cached: 0, ran: 8, failed: 0, blocked: 0, duration_ms: 1000 },
    ...changes,
  };
}
