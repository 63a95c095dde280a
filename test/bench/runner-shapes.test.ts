// The graphs of the runner benchmark: specs that lamina accepts, edits that change what they say, and contents as a shell writes them.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { writeSpec } from '../../bench/runner/lamina-side.ts';
import { contentsOf, leavesOf, type Shape, shapes, shellLine, tasksOf } from '../../bench/runner/shapes.ts';
import { loadPlan } from '../../spec/plan/resolve.ts';
import { stageRegistry } from '../../stages/registry.ts';

const numerics = { backend: 'onnx', provider: 'cpu', precision: 'float32', threads: 1 } as const;

function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lamina-shapes-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

async function nodesOf(shape: Shape, edits: { leaf: number; root: number }) {
  const folder = emptyFolder();
  writeSpec(folder, shape, tasksOf(shape, 66, edits));
  const plan = await loadPlan({ file: join(folder, 'experiment.yaml'), numerics, cwd: folder }, stageRegistry);
  return plan.nodes;
}

describe.each(shapes)('a graph that is %s', (shape) => {
  it('is a spec with a node for each task and an input for each link', async () => {
    const tasks = tasksOf(shape, 66, { leaf: 0, root: 0 });
    const nodes = await nodesOf(shape, { leaf: 0, root: 0 });
    const links = tasks.reduce((sum, { reads }) => sum + reads.length, 0);
    expect(nodes).toHaveLength(tasks.length);
    expect(nodes.reduce((sum, { inputs }) => sum + Object.keys(inputs).length, 0)).toBe(links);
  });

  it('has other parameters where it was edited, and nowhere else', async () => {
    const before = new Set((await nodesOf(shape, { leaf: 0, root: 0 })).map(({ params }) => JSON.stringify(params)));
    const changed = async (edits: { leaf: number; root: number }) =>
      (await nodesOf(shape, edits)).filter(({ params }) => !before.has(JSON.stringify(params))).length;
    expect(await changed({ leaf: 1, root: 0 })).toBe(1);
    if (shape !== 'wide') expect(await changed({ leaf: 0, root: 1 })).toBe(shape === 'grid' ? 22 : 1);
  });

  it('has the contents that a shell writes, the same after a root was edited', () => {
    const folder = emptyFolder();
    const tasks = tasksOf(shape, 12, { leaf: 1, root: 1 }).slice(0, 70);
    const lines = tasks.map(({ name, reads, text, note }) =>
      shellLine({ text, note, inputs: reads.join(' '), output: name }),
    );
    execFileSync('sh', ['-ec', lines.join('\n')], { cwd: folder });
    const written = new Map(tasks.map(({ name }) => [name, readFileSync(join(folder, name), 'utf8')]));
    expect(written).toEqual(contentsOf(tasks));
    expect(contentsOf(tasks)).toEqual(contentsOf(tasksOf(shape, 12, { leaf: 1, root: 0 })));
  });
});

it('leaves are what nobody reads', () => {
  expect(leavesOf(tasksOf('chain', 5, { leaf: 0, root: 0 }))).toEqual(['t4']);
  expect(leavesOf(tasksOf('layers', 64, { leaf: 0, root: 0 }))).toHaveLength(32);
});
