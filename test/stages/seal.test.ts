// The seal of lamina's own stages is that of the code as it is, and a stage whose code was changed never answers from the cache.
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { stageRegistry } from '../../stages/registry.ts';
import { codeFolder, modulesOf, sealFile, sealNow } from '../../stages/seal.ts';
import { start } from '../cli/program.ts';
import { openWork } from '../e2e/small-spec.ts';
import { installed } from '../package/install.ts';

const spec = `experiment: small
pipeline: ratio.yaml
profiles: { tiny: { default: true, params: { model: model } } }
axes: { method: { values: { shared: { metric: shared_ratios.tau } } } }
table: { rows: [method], metric: ratio, better: lower }
`;
const pipeline = `pipeline: ratio
params: { model: { type: string, format: path } }
stages:
  base: { use: load, with: { path: "$\{model}" } }
  shared: { use: share, in: { model: base } }
  shared_ratios: { use: ratios, in: { model: base, recovery: shared } }
`;

describe('the seal', () => {
  it.each([...stageRegistry.keys()])('knows the modules of %s', (name) => {
    for (const module of modulesOf(name)) expect(existsSync(join(codeFolder, module))).toBe(true);
  });

  it('is that of the code as it is compiled now', () => {
    const sealed: unknown = JSON.parse(readFileSync(sealFile, 'utf8'));
    expect(
      sealed,
      "the code of stages changed: raise the 'version' of those that give other bytes, then 'npm run seal -- --same-bytes'",
    ).toEqual(sealNow(stageRegistry));
  });
});

describe('in a package whose code was edited', () => {
  const home = installed();
  const work = openWork();
  const code = join(home.path, 'node_modules/lamina/dist');
  const edited = join(code, 'stages/ratios/run.js');
  const lamina = (...args: string[]) => start(home.program, work.path, ...args).ended;
  const whatRuns = async () => {
    const { out } = await lamina('plan', 'small.yaml', '--json');
    const { stages } = JSON.parse(out) as { stages: { name: string; status: string }[] };
    return stages.filter(({ status }) => status !== 'hit').map(({ name }) => name);
  };
  // one cheap stage is enough: its number is made of what planning knows of the model
  work.write('small.yaml', spec);
  work.write('ratio.yaml', pipeline);
  afterAll(() => {
    home.remove();
    work.remove();
  });

  it('the stage runs again, says so, and its results are kept apart from those of the code before', async () => {
    const first = await lamina('run', 'small.yaml');
    expect([first.code, first.err]).toEqual([0, expect.not.stringContaining('its version stands for')]);
    expect(await whatRuns()).toEqual([]);
    const before = readFileSync(edited, 'utf8');
    appendFileSync(edited, 'export const edited = 1;\n');
    expect(await whatRuns()).toEqual(['shared_ratios']);
    const why = await lamina('why', 'small.yaml', 'shared_ratios');
    expect(why.out).toContain('code of the stage');
    const second = await lamina('run', 'small.yaml');
    expect(second.err).toContain(
      'its code is not the one that its version stands for: stages/ratios/run.js changed; its results are kept apart',
    );
    expect(await whatRuns()).toEqual([]);
    appendFileSync(edited, 'export const again = 2;\n');
    expect(await whatRuns()).toEqual(['shared_ratios']);
    writeFileSync(edited, before);
    expect(await whatRuns()).toEqual([]);
  });
});
