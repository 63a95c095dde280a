// What stages are given to run with: where it is written, and that no key has it.
import { describe, expect, test } from 'vitest';
import { checked, complaints, experiment, pipeline, planned, specFolder } from './spec-folder.ts';

const inPipeline = pipeline.replace(
  'data: { use: dataset,',
  'data: { resources: { memory: 2GB, cpus: 2 }, use: dataset,',
);
const ofStage = async (folder: string, flags: object = {}) => {
  const { nodes } = await planned(folder, flags);
  return Object.fromEntries(nodes.map(({ stage, resources }) => [stage, resources]));
};

describe('resources', () => {
  test('pipeline < experiment < profile < flag, name by name', async () => {
    const layers = `resources: { data: { cpus: 3, time: 90s } }
profiles: { big: { resources: { data: { time: 2h, gpu: "a100:2" } } } }
`;
    const folder = specFolder({ 'p.yaml': inPipeline, 'e.yaml': experiment + layers });
    const all = { memory_bytes: 2e9, cpus: 3, time_ms: 7_200_000, gpu: 'a100:2' };
    expect((await ofStage(folder)).data).toEqual(all);
    const flagged = await ofStage(folder, { resources: ['data:memory=1GiB', 'time=12h,gpu=0'] });
    expect(flagged.data).toEqual({ ...all, memory_bytes: 2 ** 30, time_ms: 43_200_000 });
    expect(flagged.warm).toEqual({ time_ms: 43_200_000 });
    expect((await ofStage(specFolder())).data).toBeUndefined();
  });

  test('what is wrong is told at its place', async () => {
    const wrong = 'resources:\n  dta: { cpus: 1 }\n  data: { memory: lots, cores: 2 }\n';
    const said = await checked(specFolder({ 'e.yaml': experiment + wrong }));
    expect(said.sort()).toEqual([
      "e.yaml:12:3  resources: unknown stage 'dta' (did you mean 'data'?)",
      "e.yaml:13:19  'resources.data.memory' expects a size such as 500MB, 4.5GB or 10GiB, got 'lots'",
      "e.yaml:13:25  unknown key 'cores' in 'resources.data', expected 'memory', 'cpus', 'time' or 'gpu'",
    ]);
  });

  test.each([
    ['wram:cpus=2', "resources: unknown stage 'wram' (did you mean 'warm'?)"],
    ['memory=much', "'memory' expects a size such as 500MB, 4.5GB or 10GiB, got 'much'"],
    ['cpus=0', "'cpus' expects at least 1, got 0"],
    ['ram=8GB', "unknown resource 'ram', expected 'memory', 'cpus', 'time' or 'gpu'"],
    ['8GB', "expected 'memory=8GB,cpus=4,time=12h,gpu=1', some of them, got '8GB'"],
  ])('--resources %s is a mistake that is named', async (flag, says) => {
    expect(await complaints(specFolder(), { resources: [flag] })).toEqual([`--resources ${flag}  ${says}`]);
  });
});
