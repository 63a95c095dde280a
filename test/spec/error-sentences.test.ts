// Every mistake that a spec or a flag can have: the whole sentence, and the line and column that it points at.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the dollar signs are the specs' interpolations
import { describe, expect, test } from 'vitest';
import type { SpecRequest } from '../../spec/experiment/request.ts';
import { checked, complaints, experiment as e, pipeline as p, specFolder } from './spec-folder.ts';

const inP = (before: string, after: string) => ({ 'p.yaml': p.replace(before, () => after) });
const inE = (before: string, after: string) => ({ 'e.yaml': e.replace(before, () => after) });
const add = (text: string) => ({ 'e.yaml': e + text });

const inFiles: [title: string, files: Record<string, string>, lines: string[]][] = [
  ['a right spec says nothing', {}, []],
  [
    'a misspelt stage definition',
    inP('use: slw', 'use: slww'),
    ["p.yaml:10:16  stage 'warm': unknown stage 'slww', expected a stage name (did you mean 'slw'?)"],
  ],
  [
    'a stage definition that resembles none',
    inP('use: slw', 'use: blah'),
    ["p.yaml:10:16  stage 'warm': unknown stage 'blah', expected a stage name (see lamina stages)"],
  ],
  [
    'a misspelt section, once, without what follows from it',
    inP('stages:', 'stges:'),
    ["p.yaml:6:1  unknown key 'stges' (did you mean 'stages'?)"],
  ],
  [
    'a misspelt key of a stage',
    inP('{ use: load, with', '{ use: load, wiht'),
    ["p.yaml:7:22  stage 'base': unknown key 'wiht' (did you mean 'with'?)"],
  ],
  ['a stage that uses nothing', inP('use: load, ', ''), ["p.yaml:7:3  stage 'base': key 'use' is missing"]],
  [
    'a misspelt input, which is then not missing as well',
    inP('activations: acts', 'activation: acts'),
    ["p.yaml:10:40  stage 'warm': unknown input 'activation' (did you mean 'activations'?)"],
  ],
  [
    'an input from a stage that does not exist',
    inP('activations: acts', 'activations: act'),
    ["p.yaml:10:53  stage 'warm': input 'activations' comes from an unknown stage 'act' (did you mean 'acts'?)"],
  ],
  [
    'an input from a stage of no such name, where one makes what is wanted',
    inP('activations: acts', 'activations: captured'),
    ["p.yaml:10:53  stage 'warm': input 'activations' comes from an unknown stage 'captured', expected 'acts'"],
  ],
  [
    'an output of another kind',
    inP('activations: acts', 'activations: ppl'),
    [
      "p.yaml:10:53  stage 'warm': input 'activations' expects kind 'activations', got 'metrics' from stage 'ppl' (did you mean 'acts'?)",
    ],
  ],
  [
    'a misspelt output',
    inP('data.train', 'data.trian'),
    ["p.yaml:9:62  stage 'acts': input 'data': stage 'data' has no output 'trian' (did you mean 'train'?)"],
  ],
  [
    'a stage with two outputs of the kind',
    inP('data: data.train', 'data: data'),
    [
      "p.yaml:9:62  stage 'acts': input 'data': stage 'data' has several outputs of kind 'dataset', expected 'data.train' or 'data.eval'",
    ],
  ],
  [
    'an input that is not given',
    inP(', activations: acts', ''),
    [
      "p.yaml:10:3  stage 'warm': input 'activations' of kind 'activations' is missing: give it under 'in' (did you mean 'acts'?)",
    ],
  ],
  [
    'a stage that feeds itself',
    inP('recovery: warm, data: data.train', 'recovery: tuned, data: data.train'),
    ['p.yaml:11:51  dependency cycle: tuned -> tuned'],
  ],
  [
    'a cycle of three stages',
    {
      'p.yaml':
        p +
        '  w1: { use: work, in: { one: w3.out } }\n  w2: { use: work, in: { one: w1.out } }\n  w3: { use: work, in: { one: w2.out } }\n',
    },
    ['p.yaml:15:31  dependency cycle: w1 -> w3 -> w2 -> w1'],
  ],
  [
    'a misspelt parameter of a stage',
    inP('fraction: 0.1', 'fracton: 0.1'),
    ["p.yaml:9:84  stage 'acts': unknown parameter 'fracton' (did you mean 'fraction'?)"],
  ],
  [
    'a parameter of another type',
    inP('lr: 1e-3', 'lr: fast'),
    ["p.yaml:10:107  stage 'warm': parameter 'lr' expects a number, got 'fast'"],
  ],
  [
    'a parameter out of range',
    inP('fraction: 0.1', 'fraction: 1.5'),
    ["p.yaml:9:94  stage 'acts': parameter 'fraction' expects at most 1, got 1.5"],
  ],
  [
    'a pipeline parameter of another type',
    inE('model: models/tiny', 'model: models/tiny, rank: 2.5'),
    ["e.yaml:3:37  parameter 'rank' expects an integer, got 2.5"],
  ],
  [
    'a pipeline parameter out of range',
    inE('model: models/tiny', 'model: models/tiny, rank: 0'),
    ["e.yaml:3:37  parameter 'rank' expects at least 1, got 0"],
  ],
  [
    'a value that came through an interpolation, at the place where it was written',
    inE('T_back', 'T_bak'),
    [
      "e.yaml:5:18  stage 'warm': parameter 'type' expects 'T_next', 'T_back' or 'T_front', got 'T_bak' (did you mean 'T_back'?)",
    ],
  ],
  [
    'a parameter that nobody gives',
    inE('model: models/tiny', ''),
    ["e.yaml:2:11  parameter 'model' has no value: give it under 'params', in the profile, or with --set model=..."],
  ],
  [
    'a value for a parameter that does not exist',
    inE('model: models/tiny', 'model: models/tiny, rnak: 3'),
    ["e.yaml:3:31  unknown parameter 'rnak' (did you mean 'rank'?)"],
  ],
  [
    'an interpolation of an unknown name',
    inP('"${rank}"', '"${rnak}"'),
    ["p.yaml:10:93  stage 'warm': parameter 'rank': unknown parameter 'rnak' (did you mean 'rank'?)"],
  ],
  [
    'an interpolation without an end',
    inP('"${model}"', '"a/${type/b"'),
    ["p.yaml:7:39  stage 'base': parameter 'path': '${' without '}' (write '$${' for the characters themselves)"],
  ],
  [
    'an interpolation of nothing',
    inP('"${model}"', '"${}/x"'),
    [
      "p.yaml:7:37  stage 'base': parameter 'path': '${}' does not name a parameter, expected '${name}' or '${name.key}'",
    ],
  ],
  [
    'a mapping within a text',
    {
      'p.yaml': p
        .replace('"${model}"', '"x/${conf}/y"')
        .replace('stages:', '  conf: { type: object, default: {a: 1} }\nstages:'),
    },
    ["p.yaml:8:39  stage 'base': parameter 'path': 'conf' is a mapping, which cannot be part of a text"],
  ],
  [
    'a key that a parameter does not have',
    {
      'p.yaml': p
        .replace('"${model}"', '"${conf.pth}"')
        .replace('stages:', '  conf: { type: object, default: {path: a} }\nstages:'),
    },
    ["p.yaml:8:37  stage 'base': parameter 'path': 'conf' has no 'pth' (did you mean 'path'?)"],
  ],
  [
    'parameters that stand for each other',
    { 'e.yaml': e.replace('model: models/tiny', 'model: "${a}", a: "${b}", b: "${a}"') },
    ['e.yaml:3:41  parameter cycle: a -> b -> a'],
  ],
  [
    'a key that is given twice',
    inP('  acts:', '  base: { use: load }\n  acts:'),
    ["p.yaml:9:3  key 'base' is given twice"],
  ],
  [
    'text that is not YAML',
    inP('stages:', 'stages: ['),
    ["p.yaml:8:3  not valid YAML: a ',' is missing before 'data', or a bracket above is not closed"],
  ],
  [
    'two documents',
    inE('axes:', '---\naxes:'),
    ["e.yaml:4:1  expected one YAML document, got a second one after '---'"],
  ],
  [
    'a YAML tag',
    inE('models/tiny', '!!binary abc='),
    ['e.yaml:3:18  YAML tags are not supported: tag:yaml.org,2002:binary'],
  ],
  [
    'a YAML tag of a user',
    inE('models/tiny', '!foo abc='),
    ["e.yaml:3:18  YAML tags are not supported: !foo (a text that begins with '!' needs quotes)"],
  ],
  [
    'infinity',
    inE('model: models/tiny', 'model: models/tiny, rank: .inf'),
    ['e.yaml:3:37  expected a finite number, got Infinity'],
  ],
  [
    'an integer beyond 2^53',
    inE('model: models/tiny', 'model: models/tiny, rank: 12345678901234567890'),
    ['e.yaml:3:37  the integer 12345678901234567890 is too large to be kept exactly'],
  ],
  [
    'a metric of an unknown stage',
    inE('ppl.perplexity', 'pl.perplexity'),
    ["e.yaml:8:22  metric 'pl.perplexity': unknown stage 'pl' (did you mean 'ppl'?)"],
  ],
  [
    'a metric that the stage does not have',
    inE('ppl.perplexity', 'ppl.perplexty'),
    [
      "e.yaml:8:22  metric 'ppl.perplexty': stage 'ppl' (perplexity-eval) has no metric 'perplexty' (did you mean 'perplexity'?)",
    ],
  ],
  [
    'a metric of a stage that measures nothing',
    inE('ppl.perplexity', 'warm.loss'),
    ["e.yaml:8:22  metric 'warm.loss': stage 'warm' has no output of kind 'metrics'"],
  ],
  [
    'what nobody knows of the work of a stage',
    inE('ppl.perplexity', 'warm.work.hour'),
    ["e.yaml:8:22  metric 'warm.work.hour': the work of a stage has no 'hour' (did you mean 'hours'?)"],
  ],
  [
    'a metric without a field',
    inE('ppl.perplexity', 'ppl'),
    ["e.yaml:8:22  metric 'ppl': expected 'ppl.field' or 'ppl.output.field'"],
  ],
  [
    'an axis value without a metric',
    inE('{ metric: ppl.perplexity }', '{}'),
    ["e.yaml:8:7  axis 'method', value 'slw': no metric: give 'metric: stage.field' here or for the experiment"],
  ],
  [
    'a misspelt axis in the table, which then has its place',
    inE('rows: [method]', 'rows: [methd]'),
    ["e.yaml:10:17  table: unknown axis 'methd' (did you mean 'method'?)"],
  ],
  [
    'an axis without a place in the table',
    inE('rows: [method], ', ''),
    ["e.yaml:6:3  axis 'method' has no place in the table: name it in 'rows', 'columns' or 'mean_over'"],
  ],
  [
    'an axis with two places in the table',
    inE('columns: [type]', 'columns: [type, method]'),
    ["e.yaml:10:42  axis 'method' already has a place in the table, at e.yaml:10:17"],
  ],
  [
    'an axis of an unknown parameter',
    inE('type: [', 'tpe: ['),
    ["e.yaml:5:3  axis 'tpe': unknown parameter 'tpe' (did you mean 'type'?)"],
  ],
  [
    'an axis value that is given twice',
    inE('[T_next, T_back]', '[T_next, T_next]'),
    ["e.yaml:5:18  axis 'type': two values have the same name 'T_next'"],
  ],
  [
    'an axis that is a number',
    inE('[T_next, T_back]', '3'),
    ["e.yaml:5:9  axis 'type': expects a list, text or a mapping, got 3"],
  ],
  [
    'a misspelt key of an axis value',
    inE('{ metric: ppl', '{ metrc: ppl'),
    ["e.yaml:8:14  axis 'method': unknown key 'metrc' in 'values.slw' (did you mean 'metric'?)"],
  ],
  [
    'an unknown value in exclude',
    add('exclude: [{ method: slww }]\n'),
    ["e.yaml:11:21  exclude: unknown value 'slww' of axis 'method' (did you mean 'slw'?)"],
  ],
  [
    'an unknown axis in exclude',
    add('exclude: [{ methd: slw }]\n'),
    ["e.yaml:11:13  exclude: unknown axis 'methd' (did you mean 'method'?)"],
  ],
  [
    'a grid without cells',
    add('exclude: [{ method: [slw, sft] }]\n'),
    ['e.yaml:5:3  no cell is left: every combination is left out'],
  ],
  [
    "wrong entries of the paper's numbers",
    add(
      'paper: { source: x, values: [{ method: slw, typ: T_next, value: 3 }, { method: slw, type: { T_nxt: 3 } }, { method: slw }, { method: sft, type: T_next, value: 1 }, { method: sft, type: { T_next: 2 } }] }\n',
    ),
    [
      "e.yaml:11:45  paper: unknown axis 'typ' (did you mean 'type'?)",
      "e.yaml:11:93  paper: unknown value 'T_nxt' of axis 'type' (did you mean 'T_next'?)",
      "e.yaml:11:107  paper: expected 'value', or one axis that maps its values to numbers",
      'e.yaml:11:188  paper: these axis values have two numbers',
    ],
  ],
  [
    'claims that cannot be checked',
    add(
      'claims:\n  - { claim: a, order: [{ method: slw }, { method: sf }] }\n  - { claim: b }\n  - { claim: c, ratio: { of: { method: slw }, to: { method: sft } } }\n  - { claim: d, order: [{ method: slw }, { method: sft, type: T_next }] }\n  - { claim: e, strict: true, tolerance: { of: { method: slw }, to: 3, within: 0.1 } }\n',
    ),
    [
      "e.yaml:12:52  claim 1: unknown value 'sf' of axis 'method' (did you mean 'sft'?)",
      "e.yaml:13:14  claim 2: expected one of 'order', 'ratio' or 'tolerance', got none",
      "e.yaml:14:14  claim 3: 'ratio' needs 'at_least' or 'at_most'",
      "e.yaml:15:14  claim 4: { method: slw } names several cells, expected it to fix 'type' as the other selectors do",
      "e.yaml:16:25  claim 5: 'strict' goes with 'order', not with 'tolerance'",
    ],
  ],
  [
    'a claim about excluded cells',
    add('exclude: [{ method: sft }]\nclaims:\n  - { claim: a, order: [{ method: slw }, { method: sft }] }\n'),
    [
      'e.yaml:13:14  claim 1: no combination of axis values has all the cells that it compares: there is no cell with { method: sft }',
    ],
  ],
  [
    'a number of the paper for a cell that is left out',
    add('exclude: [{ method: sft }]\npaper: { source: x, values: [{ method: sft, type: { T_next: 2 } }] }\n'),
    ['e.yaml:12:53  paper: no cell has these axis values: they are left out'],
  ],
  [
    'a number of the paper that is a text',
    add("paper: { source: x, values: [{ method: sft, type: { T_next: '2,5' } }] }\n"),
    ["e.yaml:11:61  'paper.values.0.type.T_next' expects a number or null, got '2,5' (type 2.5)"],
  ],
  [
    'an axis that no cell depends on',
    {
      ...inP(', rank: "${rank}"', ''),
      'e.yaml': e.replace('axes:\n', 'axes:\n  rank: [4, 8]\n').replace('rows: [method]', 'rows: [method, rank]'),
    },
    [
      "e.yaml:5:3  axis 'rank' changes nothing: its values all give the same numbers; let a stage that the cells need take what it sets, or leave the axis out",
    ],
  ],
  [
    'two default profiles',
    add('profiles: { a: { default: true }, b: { default: true } }\n'),
    ["e.yaml:11:40  profile 'b': 'a' is the default already"],
  ],
  [
    'unknown stages, parameters and axes in a profile',
    add('profiles: { a: { with: { tund: { lr: 1 }, tuned: { lrr: 1 } }, labels: { typ: { a: b } } } }\n'),
    [
      "e.yaml:11:26  profile 'a': unknown stage 'tund' (did you mean 'tuned'?)",
      "e.yaml:11:52  stage 'tuned': unknown parameter 'lrr' (did you mean 'lr'?)",
      "e.yaml:11:74  profile 'a': labels: unknown axis 'typ' (did you mean 'type'?)",
    ],
  ],
  [
    'a mistake in a profile that is not the default',
    add('profiles: { a: {}, b: { params: { rank: x } } }\n'),
    ["e.yaml:11:41  parameter 'rank' expects an integer, got 'x'"],
  ],
  [
    'a pipeline file that does not exist',
    inE('p.yaml', 'pp.yaml'),
    ["e.yaml:2:11  the pipeline 'pp.yaml' does not exist (did you mean 'p.yaml'?)"],
  ],
  [
    'an experiment name that is no file name',
    inE('small', 'a/b'),
    ["e.yaml:1:13  'experiment' expects a name of letters, digits, '_', '-' and '.', got 'a/b'"],
  ],
  ['an experiment without a name', inE('experiment: small\n', ''), ["e.yaml:1:1  key 'experiment' is missing"]],
  [
    'a misspelt keyword of a parameter',
    inP('minimum: 1', 'minimun: 1'),
    ["p.yaml:5:26  parameter 'rank': unknown key 'minimun' (did you mean 'minimum'?)"],
  ],
  [
    'a keyword that does not fit the type',
    inP('type: integer, minimum: 1', 'type: string, minimum: 1'),
    [
      'p.yaml:5:3  parameter \'rank\': not a usable JSON Schema: strict mode: missing type "number" for keyword "minimum" at "#" (strictTypes)',
    ],
  ],
  [
    'a type that does not exist',
    inP('type: integer', 'type: int'),
    [
      "p.yaml:5:17  parameter 'rank': 'type' expects 'string', 'number', 'integer', 'boolean', 'object', 'array' or 'null', got 'int' (did you mean 'integer'?)",
    ],
  ],
  ['a file that is a list', { 'e.yaml': '- a\n' }, ['e.yaml:1:1  expected a mapping, got a list']],
  [
    'an empty file',
    { 'e.yaml': '' },
    ["e.yaml:1:1  the spec is empty, expected a mapping that begins with 'experiment: NAME' (lamina init writes one)"],
  ],
  [
    'includes in a circle, declared twice, and missing',
    {
      'p.yaml': `${p}include: [q.yaml, r.yaml]\n`,
      'q.yaml': 'pipeline: q\ninclude: [p.yaml]\nstages:\n  base: { use: load }\n',
    },
    [
      'q.yaml:2:11  include cycle: p.yaml -> q.yaml -> p.yaml',
      "q.yaml:4:3  stage 'base' is already declared at p.yaml:7",
      "p.yaml:14:19  the included pipeline 'r.yaml' does not exist (did you mean 'e.yaml'?)",
    ],
  ],
  [
    'two axes that set the same parameter',
    inE('slw: {', 'slw: { params: { type: T_back },'),
    ["e.yaml:8:24  axes 'type' and 'method' both set parameter 'type'"],
  ],
  [
    'a text where a mapping of parameters is needed',
    inP('with: { generate: arith }', 'with: "${type}"'),
    ["p.yaml:8:31  stage 'data': 'with' expects a mapping of parameters, got a single value"],
  ],
  [
    'a negative seed',
    inP('use: sft,', 'use: sft, seed: -1,'),
    ["p.yaml:11:28  stage 'tuned': 'seed' expects at least 0, got -1"],
  ],
  [
    'a seed that is text',
    inP('use: sft,', 'use: sft, seed: "${type}",'),
    [
      "e.yaml:5:10  stage 'tuned': 'seed' expects an integer, got 'T_next'",
      "e.yaml:5:18  stage 'tuned': 'seed' expects an integer, got 'T_back'",
    ],
  ],
  [
    'a stage name with a dot',
    inP('  acts:', '  a.b: { use: load }\n  acts:'),
    ["p.yaml:9:3  not a valid key 'a.b' in 'stages', expected a name of letters, digits, '_' and '-'"],
  ],
  [
    'an unknown target',
    add('targets: [wram]\n'),
    ["e.yaml:11:11  targets: unknown stage 'wram' (did you mean 'warm'?)"],
  ],
  [
    'an experiment without metric or target',
    { 'e.yaml': 'experiment: x\npipeline: p.yaml\n' },
    [
      "e.yaml:1:13  the experiment has no metric: give 'metric: stage.field', or 'targets' to run stages without a table",
    ],
  ],
  ['an empty key', inE('axes:', '? \n: 3\naxes:'), ['e.yaml:4:3  expected a key of plain text']],
  [
    'an alias of nothing',
    inE('models/tiny', '*m'),
    ["e.yaml:3:18  unknown alias 'm' (a text that begins with '*' needs quotes)"],
  ],
  ['the key __proto__', inE('axes:', '__proto__: 3\naxes:'), ["e.yaml:4:1  '__proto__' cannot be a key"]],
  [
    'mistakes deep in a parameter, all at once',
    inP(
      'recovery: warm, data: data.train }',
      'recovery: warm, data: data.train }, with: { schedule: { nme: linear, name: cosin, warmup_ratio: a } }',
    ),
    [
      "p.yaml:11:97  stage 'tuned': parameter 'schedule': unknown key 'nme' (did you mean 'name'?)",
      "p.yaml:11:116  stage 'tuned': parameter 'schedule.name' expects 'cosine' or 'linear', got 'cosin' (did you mean 'cosine'?)",
      "p.yaml:11:137  stage 'tuned': parameter 'schedule.warmup_ratio' expects a number, got 'a'",
    ],
  ],
];

describe('check reports', () => {
  test.each(inFiles)('%s', async (_, files, expected) => {
    expect(await checked(specFolder(files))).toEqual(expected);
  });
});

describe('a stage is asked whether its parameters and inputs go together', () => {
  const pair = (one: string, two: string) => ({
    'p.yaml': `${p}  first: { use: work }\n  pair: { use: work, in: { ${one} }, with: { ${two} } }\n`,
    ...inE('metric: ppl.perplexity', 'metric: pair.found'),
  });
  const both = "p.yaml:15:3  stage 'pair': expected parameter 'a' or input 'one', got both";

  test.each([
    ['parameter', '', 'a: 1', []],
    ['input', 'one: first.out', '', []],
    ['both', 'one: first.out', 'a: 1', [both]],
    ['both in every cell that has a value', 'one: first.out', 'a: "${rank}"', [both]],
  ])('%s', async (_, one, two, expected) => {
    expect(await checked(specFolder(pair(one, two)))).toEqual(expected);
  });

  test('not where an input is wrong by itself, since it may have been meant for another', async () => {
    const said = await checked(specFolder(pair('one: frist.out', 'a: 1')));
    expect(said).toEqual([
      "p.yaml:15:33  stage 'pair': input 'one' comes from an unknown stage 'frist' (did you mean 'first'?)",
    ]);
  });

  test('with what --set changes', async () => {
    const folder = specFolder(pair('one: first.out', ''));
    expect(await complaints(folder, { set: ['pair.a=1'] })).toEqual([both]);
  });
});

const inFlags: [flags: Partial<SpecRequest>, lines: string[]][] = [
  [{ set: ['rnak=3'] }, ["--set rnak=3  unknown parameter 'rnak' (did you mean 'rank'?)"]],
  [{ set: ['tuned.lrr=3'] }, ["--set tuned.lrr=3  stage 'tuned': unknown parameter 'lrr' (did you mean 'lr'?)"]],
  [{ set: ['tuned.lr=fast'] }, ["--set tuned.lr=fast  stage 'tuned': parameter 'lr' expects a number, got 'fast'"]],
  [
    { set: ['method=slw'] },
    ["--set method=slw  axis 'method' of the experiment sets this: choose its values with --only method=..."],
  ],
  [{ set: ['rank'] }, ["--set rank  expected 'path=value' or 'path=value,value...', got 'rank'"]],
  [{ set: ['rank='] }, ["--set rank=  'rank' has an empty value (write '' for empty text)"]],
  [{ set: ['tuned=3'] }, ["--set tuned=3  'tuned' is a stage, expected one of its parameters: 'tuned.name'"]],
  [{ set: ['rank=[1'] }, ["--set rank=[1  not valid YAML: '[' is not closed, type ']'"]],
  [{ set: ['tuned.lr=1,1'] }, ["--set tuned.lr=1,1  axis 'tuned.lr': two values have the same name '1'"]],
  [{ set: ['rank.x=1'] }, ["--set rank.x=1  parameter 'rank': expected a mapping that holds 'x', got 400"]],
  [{ only: ['methd=slw'] }, ["--only methd=slw  unknown axis 'methd' (did you mean 'method'?)"]],
  [{ only: ['method=slww'] }, ["--only method=slww  unknown value 'slww' of axis 'method' (did you mean 'slw'?)"]],
  [{ only: ['method'] }, ["--only method  expected 'axis=value', got 'method'"]],
  [{ profile: 'tyni' }, ["--profile tyni  unknown profile 'tyni', the experiment has none"]],
  [{ force: ['wram'] }, ["--force wram  unknown stage 'wram' (did you mean 'warm'?)"]],
  [{ seed: -1 }, ["--seed -1  parameter 'seed' expects at least 0, got -1"]],
  [{ file: 'ee.yaml' }, ["ee.yaml  the spec 'ee.yaml' does not exist (did you mean 'e.yaml'?)"]],
  [{ file: 'p.yaml' }, ["p.yaml:1:1  this is a pipeline, expected an experiment (a file with the key 'experiment')"]],
];

describe('plan reports', () => {
  test.each(inFlags)('%j', async (flags, expected) => {
    expect(await complaints(specFolder(), flags)).toEqual(expected);
  });
});
