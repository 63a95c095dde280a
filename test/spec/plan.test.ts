// From specs to plans: sharing, precedence, flags, names, seeds, paths, claims.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the dollar signs are the specs' interpolations
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findSubject } from '../../cli/common/why-subject.ts';
import type { Plan, PlanNode } from '../../contract/plan.ts';
import { complaints, experiment as e, numerics, pipeline as p, planned, specFolder } from './spec-folder.ts';

const ids = (plan: Plan) => plan.nodes.map((node) => node.id);
const node = (plan: Plan, id: string) => plan.nodes.find((candidate) => candidate.id === id) as PlanNode;

/** An experiment over the pipeline of these tests: one cell, unless `more` has axes. */
const one = (more = '') => `experiment: one\npipeline: p.yaml\nmetric: tuned_ppl.perplexity\n${more}`;

describe('sharing', () => {
  test('cells share the nodes that do the same work, named by what sets them apart', async () => {
    const plan = await planned(specFolder());
    expect(ids(plan)).toEqual([
      'base',
      'data',
      'acts',
      'warm[type=T_next]',
      'ppl[type=T_next]',
      'tuned[type=T_next]',
      'tuned_ppl[type=T_next]',
      'warm[type=T_back]',
      'ppl[type=T_back]',
      'tuned[type=T_back]',
      'tuned_ppl[type=T_back]',
    ]);
    expect(plan.cells.map((cell) => [cell.name, cell.metric.node])).toEqual([
      ['T_next,slw', 'ppl[type=T_next]'],
      ['T_next,sft', 'tuned_ppl[type=T_next]'],
      ['T_back,slw', 'ppl[type=T_back]'],
      ['T_back,sft', 'tuned_ppl[type=T_back]'],
    ]);
  });

  test('stages that no cell needs are left out', async () => {
    const files = { 'e.yaml': one('params: { model: m }\n').replace('tuned_ppl', 'ppl') };
    expect(ids(await planned(specFolder(files)))).toEqual(['base', 'data', 'acts', 'warm', 'ppl']);
  });

  test('values of an axis that come to the same make one node, named after the first', async () => {
    const axes =
      'params: { model: m }\naxes: { v: { values: { a: {}, b: { params: { rank: 400 } }, c: { params: { rank: 5 } } } } }\n';
    const plan = await planned(specFolder({ 'e.yaml': one(axes) }));
    expect(ids(plan).filter((id) => id.startsWith('warm'))).toEqual(['warm[v=a]', 'warm[v=c]']);
    expect(plan.cells.map((cell) => cell.metric.node)).toEqual(['tuned_ppl[v=a]', 'tuned_ppl[v=a]', 'tuned_ppl[v=c]']);
  });

  test('accuracies are better when higher, all else when lower, unless the table says', async () => {
    const scored = p.replace('  acts:', '  scores: { use: work }\n  acts:');
    const betterOf = async (metric: string, table = '') => {
      const text = one(`params: { model: m }\n${table}`).replace('tuned_ppl.perplexity', metric);
      return (await planned(specFolder({ 'e.yaml': text, 'p.yaml': scored }))).table.better;
    };
    expect(await betterOf('tuned_ppl.perplexity')).toBe('lower');
    expect(await betterOf('scores.tasks.sciq.acc_norm')).toBe('higher');
    expect(await betterOf('scores.tasks.sciq.acc', 'table: { better: neither }\n')).toBe('neither');
  });

  test('stages that do the same work are one node, which goes by all their names', async () => {
    const again = p.replace('  acts:', '  more: { use: dataset, with: { generate: arith } }\n  acts:');
    const e2 = one('params: { model: m }\n').replace('pipeline: p.yaml', 'pipeline: p2.yaml');
    const files = {
      'e.yaml': e2,
      'p2.yaml': again.replace('recovery: tuned, data: data.eval', 'recovery: tuned, data: more.eval'),
    };
    const plan = await planned(specFolder(files));
    expect(plan.nodes.filter(({ use }) => use === 'dataset').map(({ id, also }) => [id, also])).toEqual([
      ['data', ['more']],
    ]);
    expect(findSubject(plan, 'more', undefined)).toEqual({ nodes: [node(plan, 'data')] });
    expect(node(plan, 'base').also).toBeUndefined();
  });

  test('a cell that a stage has no part in is not offered as what was meant', async () => {
    const plan = await planned(specFolder());
    const [cell = '', other = ''] = plan.cells.map(({ name }) => name);
    expect(findSubject(plan, cell, undefined)).toEqual({ cells: [plan.cells[0]] });
    expect(() => findSubject(plan, cell, other)).toThrow(
      `'${cell}' names cells, not a stage: expected one cell, or a stage and then a cell`,
    );
    const away = { ...plan, nodes: [...plan.nodes, { ...node(plan, 'base'), id: 'away', stage: 'away' }] };
    expect(() => findSubject(away, 'away', cell)).toThrow(
      `stage 'away' has no part in a cell '${cell}', it has no cells`,
    );
  });

  test('ids do not change when --only picks some of the cells', async () => {
    const folder = specFolder();
    const all = await planned(folder);
    const some = await planned(folder, { only: ['type=T_back'] });
    expect(ids(some)).toEqual(ids(all).filter((id) => !id.includes('T_next')));
  });

  test('the seed reaches the seeded stages alone', async () => {
    const plan = await planned(specFolder({ 'e.yaml': one('params: { model: m }\naxes: { seed: [1, 2] }\n') }));
    expect(plan.nodes.map(({ id, seed }) => [id, seed])).toEqual([
      ['base', 0],
      ['data', 0],
      ['acts', 0],
      ['warm[seed=1]', 1],
      ['tuned[seed=1]', 1],
      ['tuned_ppl[seed=1]', 0],
      ['warm[seed=2]', 2],
      ['tuned[seed=2]', 2],
      ['tuned_ppl[seed=2]', 0],
    ]);
    expect(plan.table.mean_over).toEqual(['seed']);
  });

  test('a stage with a seed of its own is shared by all seeds', async () => {
    const files = {
      'p.yaml': p.replace('use: slw,', 'use: slw, seed: 7,'),
      'e.yaml': one('params: { model: m }\naxes: { seed: [1, 2] }\n'),
    };
    const plan = await planned(specFolder(files));
    expect(node(plan, 'warm').seed).toBe(7);
    expect(node(plan, 'tuned[seed=2]').seed).toBe(2);
  });

  test('swapped values of two parameters make other nodes (P4)', async () => {
    const work = (a: number, b: number) => ({
      'p.yaml': `pipeline: p\nstages:\n  w: { use: work, with: { a: ${a}, b: ${b} } }\n`,
      'e.yaml': 'experiment: e\npipeline: p.yaml\nmetric: w.score.x\n',
    });
    const [first, second] = [await planned(specFolder(work(1, 2))), await planned(specFolder(work(2, 1)))];
    expect(node(first, 'w').params).toEqual({ a: 1, b: 2 });
    expect(node(second, 'w').params).toEqual({ a: 2, b: 1 });
  });
});

describe('precedence', () => {
  const rank = async (more: string, flags = {}) =>
    node(await planned(specFolder({ 'e.yaml': one(more) }), flags), 'warm').params.rank;

  test('pipeline default < experiment < profile < axis value < command line', async () => {
    const file = 'params: { model: m }\n';
    const own = 'params: { model: m, rank: 2 }\n';
    const profile = `${own}profiles: { x: { params: { rank: 3 } } }\n`;
    const axis = `${profile}axes: { v: { values: { a: { params: { rank: 4 } } } } }\n`;
    expect(await rank(file)).toBe(400);
    expect(await rank(own)).toBe(2);
    expect(await rank(profile)).toBe(3);
    expect(await rank(axis)).toBe(4);
    expect(await rank(axis, { set: ['rank=5'] })).toBe(5);
  });

  test("a stage's parameters: pipeline < experiment < profile < axis value < command line", async () => {
    const lr = async (more: string, flags = {}) =>
      node(await planned(specFolder({ 'e.yaml': one(`params: { model: m }\n${more}`) }), flags), 'warm').params.lr;
    const own = 'with: { warm: { lr: 2 } }\n';
    const profile = `${own}profiles: { x: { with: { warm: { lr: 3 } } } }\n`;
    const axis = `${profile}axes: { v: { values: { a: { with: { warm: { lr: 4 } } } } } }\n`;
    expect(await lr('')).toBe(1e-3);
    expect(await lr(own)).toBe(2);
    expect(await lr(profile)).toBe(3);
    expect(await lr(axis)).toBe(4);
    expect(await lr(axis, { set: ['warm.lr=5'] })).toBe(5);
  });

  test('the default profile is the one marked so, else the first', async () => {
    const profiles = (mark: string) => `params: { model: m }\nprofiles: { x: {}, y: { ${mark} } }\n`;
    expect((await planned(specFolder({ 'e.yaml': one(profiles('')) }))).profile).toBe('x');
    expect((await planned(specFolder({ 'e.yaml': one(profiles('default: true')) }))).profile).toBe('y');
    expect((await planned(specFolder({ 'e.yaml': one('params: { model: m }\n') }))).profile).toBe('default');
  });
});

describe('--set', () => {
  const set = (...flags: string[]) => planned(specFolder({ 'e.yaml': one('params: { model: m }\n') }), { set: flags });

  test('several values add an axis, which becomes rows', async () => {
    const plan = await set('tuned.lr=1e-5,3e-5', 'rank=5,20');
    expect(plan.axes.map((axis) => [axis.name, axis.values.map((value) => value.name)])).toEqual([
      ['tuned.lr', ['0.00001', '0.00003']],
      ['rank', ['5', '20']],
    ]);
    expect(plan.table.rows).toEqual(['tuned.lr', 'rank']);
    expect(plan.cells.map((cell) => cell.name)).toEqual(['0.00001,5', '0.00001,20', '0.00003,5', '0.00003,20']);
    expect(node(plan, 'tuned[tuned.lr=0.00003,rank=20]').params.lr).toBe(3e-5);
    expect(ids(plan)).toContain('warm[rank=20]');
    expect(plan.overrides).toEqual(['--set tuned.lr=1e-5,3e-5', '--set rank=5,20']);
  });

  test('commas within brackets and quotes do not separate values', async () => {
    const plan = await set('warm.layers=[1, 2],[3]', 'warm.candidate="a,b"');
    expect(plan.nodes.filter((n) => n.stage === 'warm').map((n) => n.params)).toMatchObject([
      { layers: [1, 2], candidate: 'a,b' },
      { layers: [3], candidate: 'a,b' },
    ]);
    expect(plan.cells.map((cell) => cell.name)).toEqual(
      ['[1%2C%202]', '[3]'].map((name) => name.replace('[', '%5B').replace(']', '%5D')),
    );
  });

  test('a path reaches into mappings, and a name before a dot is a stage first', async () => {
    const plan = await set('tuned.schedule.name=linear', 'data.records=7');
    expect(node(plan, 'tuned').params.schedule).toEqual({ name: 'linear', warmup_ratio: 0 });
    expect(node(plan, 'data').params).toEqual({ generate: 'arith', records: 7 });
  });

  test('a path or a whole mapping replaces what a parameter of the experiment holds', async () => {
    const pipeline = p
      .replace('with: { generate: arith }', 'with: "${datasets.a}"')
      .replace('stages:', '  datasets: { type: object }\nstages:');
    const folder = specFolder({
      'p.yaml': pipeline,
      'e.yaml': one('params: { model: m, datasets: { a: { generate: x } } }\n'),
    });
    const deep = await planned(folder, { set: ['datasets.a.records=3'] });
    expect(node(deep, 'data').params).toEqual({ generate: 'x', records: 3 });
    const whole = await planned(folder, { set: ['datasets.a={path: d.csv, form: dialogsum}'] });
    expect(node(whole, 'data').params).toEqual({ path: join(folder, 'd.csv'), form: 'dialogsum' });
  });

  test('replaces the values of an axis of the same name', async () => {
    const plan = await planned(specFolder(), { set: ['type=T_front'] });
    expect(plan.cells.map((cell) => cell.name)).toEqual(['T_front,slw', 'T_front,sft']);
    expect(plan.table).toMatchObject({ rows: ['method'], columns: ['type'] });
  });

  test('of seeds is averaged; --seed and --set seed are the same', async () => {
    const folder = specFolder({ 'e.yaml': one('params: { model: m }\n') });
    expect((await planned(folder, { set: ['seed=1,2'] })).table).toMatchObject({ rows: [], mean_over: ['seed'] });
    const [a, b] = [await planned(folder, { set: ['seed=3'] }), await planned(folder, { seed: 3 })];
    expect(node(a, 'tuned').seed).toBe(3);
    expect(b.nodes).toEqual(a.nodes);
  });
});

describe('--only', () => {
  test('keeps the cells that agree; values of one axis are alternatives', async () => {
    const folder = specFolder();
    const names = async (...only: string[]) => (await planned(folder, { only })).cells.map((cell) => cell.name);
    expect(await names('type=T_back')).toEqual(['T_back,slw', 'T_back,sft']);
    expect(await names('type=T_back,method=sft')).toEqual(['T_back,sft']);
    expect(await names('type=T_back', 'type=T_next,method=slw')).toEqual(['T_next,slw', 'T_back,slw']);
  });

  test('leaves out the claims that it makes uncheckable', async () => {
    const claims =
      'claims:\n  - { claim: a, order: [{ method: slw }, { method: sft }] }\n  - { claim: b, order: [{ type: T_next }, { type: T_back }] }\n';
    const folder = specFolder({ 'e.yaml': e + claims });
    const texts = async (only: string[]) => (await planned(folder, { only })).claims.map((claim) => claim.text);
    expect(await texts([])).toEqual(['a', 'b']);
    expect(await texts(['type=T_next'])).toEqual(['a']);
    expect(await texts(['method=slw'])).toEqual(['b']);
  });
});

describe("a profile's only", () => {
  const profiles =
    'profiles: { a: { default: true }, b: { only: { type: T_back } }, c: { only: { type: T_more } }, d: { only: { kind: x } } }\n';
  const folder = () => specFolder({ 'e.yaml': e + profiles });
  const names = async (flags: object) => (await planned(folder(), flags)).cells.map((cell) => cell.name);

  test('keeps the cells that the profile has data for, and --only chooses others of the same axis', async () => {
    expect(await names({})).toHaveLength(4);
    expect(await names({ profile: 'b' })).toEqual(['T_back,slw', 'T_back,sft']);
    expect(await names({ profile: 'b', only: ['method=sft'] })).toEqual(['T_back,sft']);
    expect(await names({ profile: 'b', only: ['type=T_next'] })).toEqual(['T_next,slw', 'T_next,sft']);
  });

  test('names values and axes that there are', async () => {
    expect(await complaints(folder(), { profile: 'c' })).toEqual([
      expect.stringContaining(
        "profile 'c': only: unknown value 'T_more' of axis 'type', expected 'T_next' or 'T_back'",
      ),
    ]);
    expect(await complaints(folder(), { profile: 'd' })).toEqual([
      expect.stringContaining("profile 'd': only: unknown axis 'kind'"),
    ]);
  });
});

describe('names', () => {
  test('axis values with separators in them do not collide (P10)', async () => {
    const axes = "axes: { a: ['x', 'x-1', 'x,1', 'x=1'], b: ['1-y', 'y', '1,y', ']'] }\n";
    const pipeline =
      'pipeline: p\nparams: { a: { type: string }, b: { type: string } }\nstages:\n  w: { use: work, with: { b: ["${a}", "${b}"] } }\n';
    const plan = await planned(
      specFolder({ 'p.yaml': pipeline, 'e.yaml': `experiment: e\npipeline: p.yaml\nmetric: w.score.x\n${axes}` }),
    );
    expect(new Set(plan.cells.map((cell) => cell.name)).size).toBe(16);
    expect(new Set(ids(plan)).size).toBe(16);
    expect(plan.cells.at(-1)).toMatchObject({ name: 'x%3D1,%5D', axes: { a: 'x=1', b: ']' } });
    expect(ids(plan).at(-1)).toBe('w[a=x%3D1,b=%5D]');
  });
});

describe('interpolation', () => {
  const value = async (text: string, params: string) => {
    const pipeline = `pipeline: p\nparams: ${params}\nstages:\n  w: { use: work, with: { b: ${text} } }\n`;
    const plan = await planned(
      specFolder({ 'p.yaml': pipeline, 'e.yaml': 'experiment: e\npipeline: p.yaml\nmetric: w.score.x\n' }),
    );
    return node(plan, 'w').params.b;
  };

  test('alone takes the typed value, within text becomes text', async () => {
    const params = '{ n: { type: integer, default: 3 }, m: { type: object, default: { k: [a, { deep: true }] } } }';
    expect(await value('"${n}"', params)).toBe(3);
    expect(await value('"${ n }"', params)).toBe(3);
    expect(await value('"n-${n}/${m.k.0}"', params)).toBe('n-3/a');
    expect(await value('"${m}"', params)).toEqual({ k: ['a', { deep: true }] });
    expect(await value('["${m.k.1.deep}", { x: "${n}" }]', params)).toEqual([true, { x: 3 }]);
  });

  test('$${ stands for ${, and other dollars for themselves', async () => {
    const params = '{ n: { type: integer, default: 3 } }';
    expect(await value('"$${n}"', params)).toBe('${n}');
    expect(await value('"$${n} ${n} $ $n }"', params)).toBe('${n} 3 $ $n }');
  });

  test('a value that a parameter takes from another is escaped once', async () => {
    const params = '{ n: { type: string, default: "$${x}" }, m: { type: string, default: "${n}" } }';
    expect(await value('"${m}"', params)).toBe('${x}');
  });
});

describe('paths', () => {
  test('start from the file in which they are written; those of --set from the current folder', async () => {
    const files = { 'specs/p.yaml': p, 'specs/e.yaml': one('params: { model: ../models/tiny }\n') };
    const folder = specFolder(files);
    const base = async (flags: object) => node(await planned(folder, { file: 'specs/e.yaml', ...flags }), 'base');
    expect(await base({})).toMatchObject({ params: { path: join(folder, 'models/tiny') }, paths: ['/path'] });
    expect((await base({ set: ['model=other'] })).params.path).toBe(join(folder, 'other'));
    expect((await base({ set: ['model=/abs/model'] })).params.path).toBe('/abs/model');
  });

  test('a path within text starts where the path was written', async () => {
    const pipeline = p.replace('"${model}"', '"${model}/sub"');
    const folder = specFolder({
      'lib/p.yaml': pipeline,
      'e.yaml': one('params: { model: m }\n').replace('p.yaml', 'lib/p.yaml'),
    });
    expect(node(await planned(folder), 'base').params.path).toBe(join(folder, 'm/sub'));
  });

  test('a spec that moved plans the same, paths apart (P12)', async () => {
    const plain = async (folder: string) => JSON.stringify(await planned(folder)).replaceAll(folder, '');
    expect(await plain(specFolder())).toBe(await plain(specFolder()));
  });

  test('a name on the hub stays as it is', async () => {
    const plan = await planned(specFolder({ 'e.yaml': one('params: { model: "hf://meta-llama/Llama-3.2-3B" }\n') }));
    expect(node(plan, 'base')).toMatchObject({ params: { path: 'hf://meta-llama/Llama-3.2-3B' }, paths: ['/path'] });
  });
});

describe('a plan holds', () => {
  test('where each value was written', async () => {
    const plan = await planned(specFolder(), { set: ['rank=7'] });
    expect(node(plan, 'warm[type=T_back]').origins).toEqual({
      '/type': { file: 'e.yaml', line: 5, column: 18 },
      '/rank': { file: '--set', line: 0, column: 6 },
      '/lr': { file: 'p.yaml', line: 10, column: 107 },
    });
    expect(node(plan, 'acts').inputs.data).toEqual({
      node: 'data',
      output: 'train',
      origin: { file: 'p.yaml', line: 9, column: 62 },
    });
  });

  test('threads: what the spec gives, else --threads, else the default of the stage', async () => {
    const threads = async (set: string[], count: number) => {
      const plan = await planned(specFolder(), { set, numerics: { ...numerics, threads: count } });
      const [warm, acts] = [node(plan, 'warm[type=T_next]'), node(plan, 'acts')];
      expect(warm.params.threads).toBe(warm.numerics.threads);
      return [warm.numerics.threads, acts.numerics.threads];
    };
    expect(await threads([], 1)).toEqual([1, 1]);
    expect(await threads([], 4)).toEqual([4, 4]);
    expect(await threads(['warm.threads=2'], 4)).toEqual([2, 4]);
  });

  test('which nodes --force names', async () => {
    const plan = await planned(specFolder(), { force: ['acts'] });
    expect(plan.nodes.filter((n) => n.force).map((n) => n.id)).toEqual(['acts']);
  });

  test("the paper's numbers; the entry that fixes more axes wins", async () => {
    const paper =
      'paper:\n  source: Table 2\n  values:\n    - { method: slw, value: 1 }\n    - { method: slw, type: { T_back: 2 } }\n    - { method: sft, type: { T_next: null } }\n';
    const plan = await planned(specFolder({ 'e.yaml': e + paper }));
    expect(plan.cells.map((cell) => [cell.name, cell.paper])).toEqual([
      ['T_next,slw', 1],
      ['T_next,sft', null],
      ['T_back,slw', 2],
      ['T_back,sft', null],
    ]);
    expect(plan.table.paper).toBe('Table 2');
  });

  test('the cells that exclude leaves, and those that include brings back', async () => {
    const rules = 'exclude: [{ method: sft }]\ninclude: [{ method: sft, type: [T_back] }]\n';
    const plan = await planned(specFolder({ 'e.yaml': e + rules }));
    expect(plan.cells.map((cell) => cell.name)).toEqual(['T_next,slw', 'T_back,slw', 'T_back,sft']);
  });

  test('claims as they are checked', async () => {
    const claims = `claims:
  - { claim: a, where: { type: [T_next] }, order: [{ method: sft }, { method: slw }], strict: true, slack: 0.1 }
  - { claim: b, ratio: { of: { method: slw }, to: { method: sft }, at_least: 1.5 } }
  - { claim: c, tolerance: { of: { method: slw }, to: 3, within: 0.2 } }
`;
    const plan = await planned(specFolder({ 'e.yaml': e + claims }));
    expect(plan.claims.map(({ where, check }) => ({ where, check }))).toEqual([
      {
        where: { type: ['T_next'] },
        check: { kind: 'order', cells: [{ method: 'sft' }, { method: 'slw' }], strict: true, slack: 0.1 },
      },
      {
        where: {},
        check: { kind: 'ratio', of: { method: 'slw' }, to: { method: 'sft' }, at_least: 1.5, at_most: null },
      },
      { where: {}, check: { kind: 'tolerance', of: { method: 'slw' }, to: 3, within: 0.2 } },
    ]);
  });

  test('targets, for what stages make and not for a number', async () => {
    const plan = await planned(
      specFolder({ 'e.yaml': 'experiment: e\npipeline: p.yaml\nparams: { model: m }\ntargets: [acts]\n' }),
    );
    expect([ids(plan), plan.cells]).toEqual([['base', 'data', 'acts'], []]);
  });

  test('labels and notes of the profile', async () => {
    const profiles = 'notes: [always]\nprofiles: { x: { notes: [tiny only], labels: { type: { T_back: T-back } } } }\n';
    const plan = await planned(specFolder({ 'e.yaml': e + profiles }));
    expect(plan.axes[0]?.values).toEqual([
      { name: 'T_next', label: 'T_next' },
      { name: 'T_back', label: 'T-back' },
    ]);
    expect(plan.notes).toEqual(['always', 'tiny only']);
  });

  test('stages and parameters of included pipelines', async () => {
    const [head, stages] = p.split('stages:\n') as [string, string];
    const files = {
      'p.yaml': `pipeline: main\ninclude: [lib/a.yaml, lib/b.yaml]\n`,
      'lib/a.yaml': head,
      'lib/b.yaml': `pipeline: b\ninclude: [a.yaml]\nstages:\n${stages}`,
    };
    expect(ids(await planned(specFolder(files)))).toEqual(ids(await planned(specFolder())));
  });
});
