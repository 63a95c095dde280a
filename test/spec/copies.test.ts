// Copies of a spec's own models and data: flags that say where these lie make no other run of it.
import { describe, expect, test } from 'vitest';
import { checked, complaints, experiment, planned, specFolder } from './spec-folder.ts';

const parts = '{ copies: [files.test], params: { files: { train: a, test: b }, model: "$MODEL" } }'.replace(
  '$MODEL',
  `\${files.test}/\${files.train}`,
);
const withCopies = `${experiment}profiles: { here: { copies: [model] }, parts: ${parts} }\n`;
const folder = () => specFolder({ 'e.yaml': withCopies });

describe('copies', () => {
  test('a flag of such a parameter is no override, and gives its value as any other', async () => {
    const plan = await planned(folder(), { set: ['model=mine', 'rank=8'] });
    expect(plan.copies).toEqual(['--set model=mine']);
    expect(plan.overrides).toEqual(['--set rank=8']);
    expect(String(plan.nodes.find(({ stage }) => stage === 'base')?.params.path)).toMatch(/mine$/);
  });

  test('several values are an axis, which the spec does not have', async () => {
    const plan = await planned(folder(), { set: ['model=mine,other'] });
    expect(plan.copies).toEqual([]);
    expect(plan.overrides).toEqual(['--set model=mine,other']);
  });

  test('are of their profile alone', async () => {
    const plan = await planned(folder(), { profile: 'parts', set: ['model=mine'] });
    expect(plan).toMatchObject({ copies: [], overrides: ['--set model=mine'] });
  });

  test('a part of a parameter may be one, and the part beside it is none', async () => {
    const plan = await planned(folder(), { profile: 'parts', set: ['files.test=mine', 'files.train=mine'] });
    expect(plan).toMatchObject({ copies: ['--set files.test=mine'], overrides: ['--set files.train=mine'] });
  });

  test('of no parameter are a mistake at their place', async () => {
    const wrong = `${experiment}profiles: { here: { copies: [modle] } }\n`;
    const said = "e.yaml:11:30  profile 'here': 'copies' names 'modle', which is no parameter (did you mean 'model'?)";
    expect(await checked(specFolder({ 'e.yaml': wrong }))).toEqual([said]);
    expect(await complaints(specFolder({ 'e.yaml': wrong }))).toEqual([said]);
    const deep = `${experiment}profiles: { here: { copies: [modle.path] } }\n`;
    expect(await checked(specFolder({ 'e.yaml': deep }))).toEqual([said.replace("'modle'", "'modle.path'")]);
  });
});

describe('a parameter whose name an axis has too', () => {
  const named = (values: string) =>
    specFolder({
      'e.yaml': `experiment: small
pipeline: p.yaml
profiles: { here: { copies: [model], params: { model: models/tiny } } }
axes:
  model:
    values: { ${values} }
  type: [T_next, T_back]
table: { rows: [model], columns: [type] }
`,
    });
  const rows = 'warm: { metric: ppl.perplexity }, tuned: { metric: tuned_ppl.perplexity }';

  test('is set where the axis does not set it: --set is of parameters, --only of axes', async () => {
    const plan = await planned(named(rows), { set: ['model=mine'], only: ['model=warm'] });
    expect(plan.copies).toEqual(['--set model=mine']);
    expect(plan.cells.map(({ name }) => name)).toEqual(['warm,T_next', 'warm,T_back']);
    expect(String(plan.nodes.find(({ stage }) => stage === 'base')?.params.path)).toMatch(/mine$/);
  });

  test('takes one value there: several would be a second axis of the name', async () => {
    const said =
      "--set model=mine,other  several values are an axis, and the experiment has another of the name 'model': give one";
    expect(await complaints(named(rows), { set: ['model=mine,other'] })).toEqual([said]);
  });

  test('is left to the axis that sets it', async () => {
    const said = "--set model=mine  axis 'model' of the experiment sets this: choose its values with --only model=...";
    const own = 'a: { value: a, metric: ppl.perplexity }, b: { value: b, metric: ppl.perplexity }';
    expect(await complaints(named(own), { set: ['model=mine'] })).toEqual([said]);
    expect(
      await complaints(named(own.replaceAll(/value: (\w)/g, 'params: { model: $1 }')), { set: ['model=mine'] }),
    ).toEqual([said]);
  });
});
