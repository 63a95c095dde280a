// Plans of toy stages, written shortly.
import type { Plan, PlanNode } from '../../contract/plan.ts';
import type { JsonObject } from '../../contract/stage.ts';

const origin = { file: 'toy.yaml', line: 1, column: 1 };

/** A node; inputs are ids of nodes whose output is `out`. */
export function node(
  id: string,
  use: string,
  params: JsonObject = {},
  inputs: Record<string, string> = {},
  more: Partial<PlanNode> = {},
): PlanNode {
  const [, stage = id, cell = ''] = /^([^[]+)\[(.*)\]$/.exec(id) ?? [];
  return {
    id,
    stage,
    use,
    cell,
    params,
    origins: {},
    paths: [],
    inputs: Object.fromEntries(
      Object.entries(inputs).map(([name, from]) => [name, { node: from, output: 'out', origin }]),
    ),
    seed: 0,
    numerics: { backend: 'cpu', provider: 'cpu', precision: 'float32', threads: 1 },
    origin,
    force: false,
    ...more,
  };
}

export function plan(...nodes: PlanNode[]): Plan {
  return {
    experiment: 'toy',
    title: 'toy',
    profile: 'tiny',
    file: '/toy.yaml',
    overrides: [],
    copies: [],
    nodes,
    cells: [],
    axes: [],
    table: { rows: [], columns: [], mean_over: [], beside: [], metric: 'number', better: 'lower', paper: '' },
    claims: [],
    control: null,
    notes: [],
    cell_notes: [],
    figures: [],
  };
}
