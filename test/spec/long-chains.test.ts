// Pipelines of thousands of stages: planning looks at each link a few times, however long the way behind it is.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { StageEvaluator } from '../../spec/experiment/stage-params.ts';
import { loadPlan } from '../../spec/plan/resolve.ts';
import { stageRegistry } from '../../stages/registry.ts';

const numerics = { backend: 'onnx', provider: 'cpu', precision: 'float32', threads: 1 } as const;

/** The plan of a pipeline of commands, and how often planning asked what a stage depends on. */
async function planned(stages: readonly string[], targets: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'lamina-chain-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'pipeline.yaml'), `pipeline: long\nsummary: many\nstages:\n${stages.join('')}`);
  const file = join(folder, 'experiment.yaml');
  writeFileSync(file, `experiment: long\npipeline: pipeline.yaml\ntargets: [${targets.join(', ')}]\n`);
  const asked = vi.spyOn(StageEvaluator.prototype, 'ownAxes');
  const { nodes } = await loadPlan({ file, numerics, cwd: folder }, stageRegistry);
  const count = asked.mock.calls.length;
  asked.mockRestore();
  return { nodes, asked: count };
}

/** A stage that reads what `from` made and copies the first of them. */
function command(name: string, from: readonly string[]): string {
  const joined = from.map((source, i) => `i${i}: ${source}.made`).join(', ');
  const ports = from.map((_, i) => `i${i}: {}`).join(', ');
  const words = ['echo', `'${name}'`, ...from.map((_, i) => `'{in.i${i}}'`)].join(', ');
  const inputs = from.length === 0 ? '' : ` in: { ${joined} },`;
  return `  ${name}: { use: command,${inputs} with: { run: [${words}], inputs: { ${ports} }, outputs: { made: { file: x } } } }\n`;
}

const chain = (length: number) => [...Array(length).keys()].map((i) => command(`s${i}`, i === 0 ? [] : [`s${i - 1}`]));

describe('planning grows with the links, not with the ways through them', () => {
  it('of a chain, asked for its end', async () => {
    const short = await planned(chain(100), ['s99']);
    const long = await planned(chain(400), ['s399']);
    expect(long.nodes.map(({ id }) => id)).toEqual([...Array(400).keys()].map((i) => `s${i}`));
    expect(long.asked).toBeLessThanOrEqual(4.5 * short.asked);
  });

  it('of a chain, asked for each of its stages, the last first', async () => {
    const all = (length: number) => [...Array(length).keys()].map((i) => `s${length - 1 - i}`);
    const short = await planned(chain(100), all(100));
    const long = await planned(chain(400), all(400));
    expect(long.nodes.map(({ id }) => id)).toEqual([...Array(400).keys()].map((i) => `s${i}`));
    expect(long.asked).toBeLessThanOrEqual(4.5 * short.asked);
  });

  it('of layers in which every stage reads every stage of the layer before', async () => {
    const dense = (width: number) => {
      const layer = (name: string) => [...Array(width).keys()].map((i) => `${name}${i}`);
      const [first, second, third] = [layer('a'), layer('b'), layer('c')];
      const stages = [...first.map((name) => command(name, []))];
      stages.push(...second.map((name) => command(name, first)), ...third.map((name) => command(name, second)));
      return planned(stages, third);
    };
    const [narrow, wide] = [await dense(10), await dense(20)];
    expect(wide.nodes).toHaveLength(60);
    expect(wide.nodes.at(-1)?.inputs).toHaveProperty('i19');
    expect(wide.asked).toBeLessThanOrEqual(2.2 * narrow.asked); // stages doubled, links fourfold
  });
});
