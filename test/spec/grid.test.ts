// What the cells of an experiment are: unions, conditions between axes, lists that a profile gives, fragments,
// metrics with interpolations, columns beside the numbers, and the control.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the dollar signs are the specs' interpolations
import { describe, expect, test } from 'vitest';
import { checked, complaints, planned, specFolder } from './spec-folder.ts';

const head = 'experiment: one\npipeline: p.yaml\nmetric: tuned_ppl.perplexity\n';
const cellsOf = async (text: string, flags = {}) =>
  (await planned(specFolder({ 'e.yaml': head + text }), flags)).cells.map((cell) => cell.name);

const axes = 'params: { model: m }\naxes: { rank: [1, 2, 3], type: [T_next, T_back] }\n';

describe('include', () => {
  test('alone is the union of what it names', async () => {
    const text = `${axes}include: [{ rank: 1 }, { rank: [2, 3], type: T_back }]\n`;
    expect(await cellsOf(text)).toEqual(['1,T_next', '1,T_back', '2,T_back', '3,T_back']);
  });

  test('beside exclude takes back what that leaves out', async () => {
    const text = `${axes}exclude: [{ type: T_back }]\ninclude: [{ rank: 2 }]\n`;
    expect(await cellsOf(text)).toEqual(['1,T_next', '2,T_next', '2,T_back', '3,T_next']);
  });
});

describe('where', () => {
  const pairs = 'params: { model: m }\naxes: { rank: [1, 2, 3], warm.lr: [1, 2, 3] }\n';
  test.each([
    ['rank < warm.lr', ['1,2', '1,3', '2,3']],
    ['warm.lr = rank + 1', ['1,2', '2,3']],
    ['warm.lr = rank - 1', ['2,1', '3,2']],
    ['rank >= 3', ['3,1', '3,2', '3,3']],
    ['[rank > 1, warm.lr != rank, rank <= 2]', ['2,1', '2,3']],
  ])('%s', async (condition, cells) => {
    expect(await cellsOf(`${pairs}where: ${condition}\n`)).toEqual(cells);
  });

  test('that cannot be read, or compares what is no number, is refused', async () => {
    const says = async (text: string) => complaints(specFolder({ 'e.yaml': head + text }));
    expect(await says(`${pairs}where: rank << 2\n`)).toEqual([
      "e.yaml:6:8  where: expected 'axis < axis', 'axis = axis + 1' or 'axis >= number' (also <=, >, !=)",
    ]);
    expect(await says(`${axes}where: rank < typ\n`)).toEqual([
      "e.yaml:6:8  where: unknown axis 'typ' (did you mean 'type'?)",
    ]);
    expect(await says(`${axes}where: rank < type\n`)).toEqual([
      "e.yaml:6:8  where: value 'T_next' of axis 'type' is no number and cannot be compared",
    ]);
    expect(await says(`${axes}where: rank > 3\n`)).toEqual([
      'e.yaml:5:7  no cell is left: every combination is left out',
    ]);
  });
});

describe('an axis that a profile lists', () => {
  const text = `profiles:
  small: { params: { model: m, ranks: [1, 2] } }
  large: { params: { model: m, ranks: [5, 6, 7] } }
axes: { rank: "\${ranks}" }
`;
  test('has the values of that profile', async () => {
    expect(await cellsOf(text)).toEqual(['1', '2']);
    expect(await cellsOf(text, { profile: 'large' })).toEqual(['5', '6', '7']);
  });

  test('is refused without such a list', async () => {
    const says = await complaints(specFolder({ 'e.yaml': head + text.replace('ranks: [1, 2]', 'ranks: 1') }));
    expect(says).toEqual([
      "e.yaml:7:15  axis 'rank': expected 'ranks' to be a list of values, in 'params' of the profile",
    ]);
  });
});

describe('extends', () => {
  const fragment =
    'fragment: common\nparams: { rank: 7 }\nprofiles:\n  small: { params: { model: ../m, type: T_back } }\n';
  const text = 'extends: common/f.yaml\nprofiles:\n  small: { params: { type: T_next } }\n';
  const files = { 'common/f.yaml': fragment, 'e.yaml': head + text };

  test('lays the experiment over the fragment, whose paths start from its own folder', async () => {
    const folder = specFolder(files);
    const plan = await planned(folder);
    const warm = plan.nodes.find(({ stage }) => stage === 'warm');
    expect(warm?.params).toMatchObject({ rank: 7, type: 'T_next' });
    expect(warm?.origins['/rank']).toMatchObject({ file: 'common/f.yaml', line: 2 });
    expect(plan.nodes.find(({ stage }) => stage === 'base')?.params.path).toBe(`${folder}/m`);
  });

  test('mistakes in a fragment are shown where they are; it can be checked by itself', async () => {
    const wrong = specFolder({ ...files, 'common/f.yaml': fragment.replace('params:', 'parms:') });
    const says = ["common/f.yaml:2:1  unknown key 'parms' (did you mean 'params'?)"];
    expect(await checked(wrong)).toEqual(says);
    expect(await checked(wrong, 'common/f.yaml')).toEqual(says);
    expect(await checked(specFolder(files), 'common/f.yaml')).toEqual([]);
    expect(await complaints(specFolder(files), { file: 'common/f.yaml' })).toEqual([
      "common/f.yaml:1:1  this is a fragment, expected an experiment (a file with the key 'experiment')",
    ]);
  });

  test('a fragment may serve other experiments too, but a mistyped name in it is a mistake', async () => {
    const more = (name: string) =>
      specFolder({ ...files, 'common/f.yaml': fragment.replace('rank: 7', `rank: 7, ${name}: 1`) });
    expect(await checked(more('depths'))).toEqual([]);
    expect(await checked(more('rnak'))).toEqual([
      "common/f.yaml:2:20  unknown parameter 'rnak' (did you mean 'rank'?)",
    ]);
  });

  test('a fragment that is not there is named', async () => {
    const says = await checked(specFolder({ 'e.yaml': head + text }));
    expect(says).toEqual([
      "e.yaml:4:10  the fragment 'common/f.yaml' does not exist: a path is relative to the folder of the file that names it",
    ]);
  });
});

describe('a metric with an interpolation', () => {
  test('is read for each cell', async () => {
    const text =
      'experiment: one\npipeline: p.yaml\nparams: { model: m }\nmetric: "${what}_ppl.perplexity"\naxes: { what: { values: { tuned: { params: { what: tuned } } } } }\n';
    expect((await planned(specFolder({ 'e.yaml': text }))).cells[0]?.metric).toMatchObject({ field: 'perplexity' });
    const wrong = specFolder({ 'e.yaml': text.replaceAll('tuned', 'tned') });
    expect(await complaints(wrong)).toEqual([
      "e.yaml:4:9  metric 'tned_ppl.perplexity': unknown stage 'tned_ppl' (did you mean 'tuned_ppl'?)",
    ]);
  });
});

describe('columns beside the numbers', () => {
  const text = `params: { model: m }
axes: { method: { values: { a: { beside: { tokens: ppl.tokens } }, b: {} } } }
table: { rows: [method], beside: { tokens: { label: tokens } } }
`;
  test('name a number of the row, and its stage runs for it', async () => {
    const plan = await planned(specFolder({ 'e.yaml': head + text }));
    expect(plan.table.beside).toEqual([{ name: 'tokens', label: 'tokens', format: 'number' }]);
    expect(plan.cells.map(({ beside }) => beside)).toEqual([
      { tokens: { node: 'ppl', output: 'metrics', field: 'tokens' } },
      {},
    ]);
    expect(plan.nodes.map(({ id }) => id)).toContain('ppl');
  });

  test('that the table does not have are a mistake', async () => {
    const says = await complaints(
      specFolder({ 'e.yaml': head + text.replace('beside: { tokens: ppl', 'beside: { tokes: ppl') }),
    );
    expect(says).toEqual(["e.yaml:5:44  beside: unknown column 'tokes' (did you mean 'tokens'?)"]);
  });
});

describe('the control', () => {
  const text = `profiles:
  small: { params: { model: m }, expect: [{ rank: 1, value: 2.5 }] }
  paper: { params: { model: m } }
axes: { rank: [1, 2] }
paper: { source: Table, values: [{ rank: { 1: 3, 2: 4 } }] }
control: { cells: { rank: 1 }, within: 0.1 }
`;
  const expected = async (flags = {}) =>
    (await planned(specFolder({ 'e.yaml': head + text }), flags)).cells.map((cell) => cell.expected);

  test("expects the profile's number, or else the paper's", async () => {
    expect(await expected()).toEqual([{ value: 2.5, source: 'profile' }, null]);
    expect(await expected({ profile: 'paper' })).toEqual([{ value: 3, source: 'paper' }, null]);
  });

  test('without any expected number is refused, since it would let everything pass', async () => {
    const says = await complaints(
      specFolder({ 'e.yaml': head + text.replace('{ rank: 1, value: 2.5 }', '{ rank: 2, value: 2.5 }') }),
    );
    expect(says).toEqual([
      "e.yaml:9:1  control: none of its cells has an expected number: give the numbers under 'expect' of profile 'small', or in 'paper'",
    ]);
  });
});
