// The grid of the runner benchmark is a spec that lamina accepts, with the number of stages that was asked for.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { writeGrid } from '../../bench/runner-grid.ts';
import { loadPlan } from '../../spec/plan/resolve.ts';
import { stageRegistry } from '../../stages/registry.ts';

it('a grid of 250 cells is a valid spec with 250 different nodes of one stage', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lamina-grid-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = writeGrid(folder, 250);
  const numerics = { backend: 'onnx', provider: 'cpu', precision: 'float32', threads: 1 } as const;
  const plan = await loadPlan({ file, numerics, cwd: folder }, stageRegistry);
  expect(plan.nodes).toHaveLength(250);
  expect(new Set(plan.nodes.map(({ params }) => params.generate_seed))).toHaveLength(250);
  expect(new Set(plan.nodes.map(({ use }) => use))).toEqual(new Set(['dataset']));
});
