// Sides of a diff from specs in memory, and numbers made up for their cells.
import type { Plan } from '../../contract/plan.ts';
import { NotASpec } from '../../located/source-file.ts';
import type { DiffSide } from '../../report/diff/side.ts';
import { evaluateClaims } from '../../report/result/claims.ts';
import { loadPlan } from '../../spec/plan/resolve.ts';
import { snapshotOf } from '../../store/runs/plan-snapshot.ts';
import { registry } from '../spec/registry.ts';

export const pipeline = `
pipeline: sharp
params:
  model: { type: string, format: path, default: models/tiny }
  data: { type: string, default: arxiv }
  type: { type: string, default: T_next }
  rank: { type: integer, default: 400 }
  max_length: { type: integer, default: 2048 }
stages:
  base: { use: load, with: { path: "\${model}" } }
  data: { use: dataset, with: { generate: "\${data}" } }
  plain_ppl: { use: perplexity-eval, in: { model: base, data: data.eval }, with: { max_length: "\${max_length}" } }
  acts: { use: capture-activations, in: { model: base, data: data.train }, with: { max_length: "\${max_length}" } }
  warm: { use: slw, in: { model: base, activations: acts }, with: { type: "\${type}", rank: "\${rank}" } }
  warm_ppl: { use: perplexity-eval, in: { model: base, recovery: warm, data: data.eval } }
  tuned: { use: sft, in: { model: base, recovery: warm, data: data.train } }
  tuned_ppl: { use: perplexity-eval, in: { model: base, recovery: tuned, data: data.eval } }
`;

export const experiment = `
experiment: table
pipeline: pipeline.yaml
axes:
  method:
    values:
      original: { label: Original, metric: plain_ppl.perplexity }
      sharp_slw: { label: SHARP w/o f.t., metric: warm_ppl.perplexity }
      sharp: { label: SHARP, metric: tuned_ppl.perplexity }
  data:
    values:
      arxiv: { label: Arxiv-math, params: { data: arxiv } }
      dialog: { label: DialogSum, params: { data: dialog } }
table: { rows: [method], columns: [data], metric: perplexity, better: lower }
claims:
  - claim: SFT repairs more than SLW alone
    order: [{ method: sharp }, { method: sharp_slw }]
`;

export interface Files {
  experiment?: string;
  pipeline?: string;
}

const plans = new Map<string, Promise<Plan>>();

/** The plan of specs that are in no folder; each is made once. */
export function planOf(files: Files, set: readonly string[] = []): Promise<Plan> {
  const key = JSON.stringify([files, set]);
  const plan = plans.get(key) ?? makePlan(files, set);
  plans.set(key, plan);
  return plan;
}

function makePlan(files: Files, set: readonly string[]): Promise<Plan> {
  const texts = new Map([
    ['/lab/table.yaml', files.experiment ?? experiment],
    ['/lab/pipeline.yaml', files.pipeline ?? pipeline],
  ]);
  const read = async (path: string) => {
    const text = texts.get(path);
    if (text === undefined) throw new NotASpec('is not there');
    return text;
  };
  const numerics = { backend: 'onnx', provider: 'cpu', precision: 'float32', threads: 1 } as const;
  return loadPlan({ file: 'table.yaml', set, numerics, cwd: '/lab', origin: { read, suffix: '' } }, registry);
}

/** A side without numbers. */
export async function specSide(label: string, files: Files = {}, set: readonly string[] = []): Promise<DiffSide> {
  return sideOf(label, await planOf(files, set));
}

export function sideOf(label: string, plan: Plan): DiffSide {
  const { experiment: name, profile } = plan;
  const none = { run: null, revision: null, result: null };
  return { kind: 'spec', label, experiment: name, profile, ...none, plan: snapshotOf(plan, registry) };
}

/** A value, or a value and its standard error; null where the cell has none. */
export type Measured = number | readonly [value: number, stderr: number] | null;

/** A run of a plan with these numbers, by the cell's name; beside them stand those of `besideOf`. */
export function runOf(
  label: string,
  plan: Plan,
  numbers: (cell: string) => Measured,
  besideOf: (cell: string, column: string) => number | null = () => null,
): DiffSide {
  const cells = plan.cells.map(({ axes, name, metric, paper, beside: columns }) => {
    const measured = numbers(name);
    const [value, stderr] = typeof measured === 'number' || measured === null ? [measured, null] : measured;
    const beside = Object.fromEntries(Object.keys(columns).map((column) => [column, besideOf(name, column)]));
    const rest = { beside, n: 100, key: null, digest: null, error: value === null ? 'it broke' : null };
    return { axes, name, metric: metric.field, value, stderr, paper, ...rest };
  });
  const { axes, table, overrides } = plan;
  const result = { axes, table, overrides, cells, claims: evaluateClaims(plan, cells), warnings: [] };
  return { ...sideOf(label, plan), kind: 'run', run: label, result };
}
