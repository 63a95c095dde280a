import { expect, test } from 'vitest';
import type { Plan, PlanCell } from '../../contract/plan.ts';
import { collectResult, readMetric } from '../../report/result/collect.ts';
import { methodAxis, perplexityTable } from './results.ts';

const plan: Plan = {
  experiment: 'small',
  title: 'Small',
  profile: 'tiny',
  file: '/specs/small.yaml',
  overrides: [],
  copies: [],
  nodes: [],
  cells: ['original', 'sharp', 'sharp_slw'].map((method) => ({
    axes: { method },
    name: method,
    metric: { node: `${method}_ppl`, output: 'metrics', field: 'perplexity' },
    paper: null,
    expected: null,
    beside: {},
  })),
  axes: [methodAxis],
  table: perplexityTable,
  claims: [],
  control: null,
  notes: [],
  cell_notes: [],
  figures: [],
};

test('a cell has its number, its provenance, or the reason why there is none', async () => {
  const facts = { run: 'r', spec: 'small.yaml', summary: { cached: 0, ran: 1, failed: 1, blocked: 0, duration_ms: 1 } };
  const result = await collectResult(plan, facts, async (node) => {
    if (node === 'sharp_ppl') return { error: 'sft failed' };
    const metrics = node === 'original_ppl' ? { perplexity: 2, stderr: 0.01, tokens: 500 } : { other: 1 };
    return { key: 'k', digest: 'd', metrics };
  });
  expect(result.cells.map(({ value, stderr, n, key, error }) => ({ value, stderr, n, key, error }))).toEqual([
    { value: 2, stderr: 0.02, n: 500, key: 'k', error: null },
    { value: null, stderr: null, n: null, key: null, error: 'sft failed' },
    {
      value: null,
      stderr: null,
      n: null,
      key: 'k',
      error: "the metrics of 'sharp_slw_ppl' have no number 'perplexity', expected 'other'",
    },
  ]);
});

test('a field that metrics lack is answered with the nearest that they have', async () => {
  const facts = { run: 'r', spec: 's', summary: { cached: 0, ran: 1, failed: 0, blocked: 0, duration_ms: 1 } };
  const cell = {
    ...(plan.cells[0] as PlanCell),
    metric: { node: 'scores', output: 'metrics', field: 'tasks.sky.accc' },
  };
  const found = { key: 'k', digest: 'd', metrics: { tasks: { sky: { acc: 0.5, acc_norm: 0.5 } } } };
  const { cells } = await collectResult({ ...plan, cells: [cell] }, facts, async () => found);
  expect(cells[0]?.error).toBe("the metrics of 'scores' have no number 'tasks.sky.accc' (did you mean 'acc'?)");
});

test('a dotted field is read inside its object', () => {
  expect(readMetric({ tasks: { piqa: { acc: 0.7 } } }, 'tasks.piqa.acc')).toEqual({
    value: 0.7,
    stderr: null,
    n: null,
  });
  expect(readMetric({ tasks: null }, 'tasks.piqa.acc')).toBeUndefined();
  expect(readMetric({ mean_nll: 0.5, stderr: 0.1 }, 'mean_nll')?.stderr).toBe(0.1);
});

test("a task's number has the error and the count that stand beside it", () => {
  const gsm8k = {
    'exact_match,strict-match': 0.25,
    'exact_match_stderr,strict-match': 0.05,
    acc: 0.5,
    acc_stderr: null,
    n: 80,
  };
  expect(readMetric({ tasks: { gsm8k } }, 'tasks.gsm8k.exact_match,strict-match')).toEqual({
    value: 0.25,
    stderr: 0.05,
    n: 80,
  });
  expect(readMetric({ tasks: { gsm8k } }, 'tasks.gsm8k.acc')).toEqual({ value: 0.5, stderr: null, n: 80 });
});
