import { relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Plan, PlanNode } from '../../contract/plan.ts';
import { environmentsOf, provenanceOf, timingsOf } from '../../report/result/provenance.ts';
import { type RunOutcome, succeeded, type UnitOutcome, type UnitSuccess } from '../../runner/run/outcome.ts';

const numerics = { backend: 'onnx', provider: 'cpu', precision: 'float32', threads: 1 } as const;
const origin = (line: number) => ({ file: 'pipelines/p.yaml', line, column: 3 });

function node(id: string, stage: string, inputs: Record<string, string>, changes: Partial<PlanNode> = {}): PlanNode {
  const links = Object.entries(inputs).map(([name, from]) => [name, { node: from, output: 'out', origin: origin(1) }]);
  const plain = { cell: '', params: {}, origins: {}, paths: [], seed: 0, numerics, origin: origin(9), force: false };
  return { ...plain, id, stage, use: stage, inputs: Object.fromEntries(links), ...changes };
}

function success(
  key: string,
  unit: string,
  inputs: UnitSuccess['preimage']['inputs'],
  changes: Partial<UnitSuccess> = {},
): UnitSuccess {
  const preimage = {
    t: 'action/1',
    stage: 's',
    version: 2,
    params: { rank: 5 },
    inputs,
    sources: {},
    seed: 7,
  } as const;
  const outputs = { out: { digest: `digest of ${key}`, size: 1, open: async () => ({ path: '/nowhere' }) } };
  return {
    status: 'cached',
    unit,
    key,
    outputs,
    facts: {},
    duration_ms: 1000,
    peak_rss_bytes: 5,
    warnings: [],
    observed: { versions: { node: '20.20.2' }, machine: { processor: 'A' } },
    preimage,
    ...changes,
  };
}

const blob = (digest: string) => ({ digest, size: 1 });
const both = { units: { '1→2': blob('x'), '3→4': blob('y') } };
const nodes = [
  node(
    'base',
    'load',
    {},
    { origins: { '/path': origin(4), '/path/deep': origin(5), '/rank': { ...origin(0), file: '--set', line: 0 } } },
  ),
  node('warm[type=a]', 'slw', { model: 'base' }, { cell: 'type=a' }),
  node('warm[type=b]', 'slw', { model: 'base' }, { cell: 'type=b' }),
  node('ppl', 'eval', { model: 'base', recovery: 'warm[type=a]' }),
  node('late', 'sft', { recovery: 'warm[type=b]' }),
];
const units: Record<string, UnitOutcome[]> = {
  base: [success('B', '', {})],
  'warm[type=a]': [
    success('W1', '1→2', { model: blob('b') }),
    success('W2', '3→4', { model: blob('b') }, { status: 'ran', duration_ms: 3000, peak_rss_bytes: 9 }),
  ],
  'warm[type=b]': [success('W2', '3→4', { model: blob('b') }, { status: 'reused', duration_ms: 3000 })],
  ppl: [success('P', '', { model: blob('b'), recovery: both })],
  late: [{ status: 'blocked', unit: '', key: null, by: 'warm[type=b]' }],
};
const outcome: RunOutcome = {
  status: 'failed',
  nodes: new Map(
    nodes.map(({ id, stage, use, cell }) => [id, { node: id, stage, use, cell, warnings: [], units: units[id] ?? [] }]),
  ),
  failures: [],
  summary: { cached: 0, ran: 0, failed: 0, blocked: 0, duration_ms: 0 },
};
const plan = { nodes } as unknown as Plan;

describe('the provenance of a run', () => {
  const { nodes: made, params, units: all } = provenanceOf(plan, outcome, (file) => relative(process.cwd(), file));

  test('has each unit once, and nodes that share units point to the same', () => {
    expect(all.map(({ key }) => key)).toEqual(['B', 'W1', 'W2', 'P']);
    expect(made.map((each) => each.units)).toEqual([[0], [1, 2], [2], [3], []]);
  });

  test('says which units each unit read', () => {
    expect(all.map(({ inputs }) => inputs)).toEqual([
      {},
      { model: [0] },
      { model: [0] },
      { model: [0], recovery: [1, 2] },
    ]);
    expect(made.map(({ inputs }) => inputs)).toEqual([
      {},
      { model: 0 },
      { model: 0 },
      { model: 0, recovery: 1 },
      { recovery: 2 },
    ]);
  });

  test('keeps equal parameters once, and where each was given', () => {
    expect(params).toEqual([{ rank: 5 }]);
    expect(made[0]).toMatchObject({
      origin: 'pipelines/p.yaml:9',
      origins: { path: 'pipelines/p.yaml:4', rank: '--set' },
    });
    expect(all[0]).toMatchObject({ version: 2, params: 0, seed: 7, numerics: null, outputs: { out: 'digest of B' } });
  });

  test('names no time, no memory and no place', () => {
    expect(JSON.stringify(all)).not.toMatch(/1000|3000|nowhere/);
  });
});

test('the timings of a stage count each key once, and what has no result', () => {
  const timings = timingsOf(plan, outcome);
  expect(timings.map(({ stage }) => stage)).toEqual(['load', 'slw', 'eval', 'sft']);
  expect(timings[1]).toEqual({
    stage: 'slw',
    use: 'slw',
    units: 2,
    cached: 1,
    ran: 1,
    missing: 0,
    duration_ms: 4000,
    longest_ms: 3000,
    ran_ms: 3000,
    peak_rss_bytes: 9,
  });
  expect(timings[3]).toMatchObject({ units: 1, missing: 1, duration_ms: 0 });
});

test('the environments count each key once, that of the most units first', () => {
  const found = environmentsOf(outcome);
  const keys = new Set(
    [...outcome.nodes.values()].flatMap((each) => each.units.filter(succeeded).map(({ key }) => key)),
  );
  expect(found).toEqual([{ versions: { node: '20.20.2' }, machine: { processor: 'A' }, units: keys.size }]);
});
