// Slips of the hand in YAML itself, and values of another shape than is meant: each is told with what to type.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the dollar signs are the specs' interpolations
import { describe, expect, test } from 'vitest';
import { checked, experiment as e, pipeline as p, specFolder } from './spec-folder.ts';

const inP = (before: string, after: string) => ({ 'p.yaml': p.replace(before, () => after) });
const inE = (before: string, after: string) => ({ 'e.yaml': e.replace(before, () => after) });
const add = (text: string) => ({ 'e.yaml': e + text });

const slips: [title: string, files: Record<string, string>, lines: string[]][] = [
  [
    'no space after the colon of the first key',
    inE('experiment: small', 'experiment:small'),
    ["e.yaml:1:1  not valid YAML: a space is missing after the colon, type 'experiment: small'"],
  ],
  [
    'no space after the colon of another key',
    inE('pipeline: p.yaml', 'pipeline:p.yaml'),
    ["e.yaml:2:1  not valid YAML: a space is missing after the colon, type 'pipeline: p.yaml'"],
  ],
  [
    'no space after a colon within { }',
    inE('{ model: models/tiny }', '{ model:models/tiny }'),
    ["e.yaml:3:11  a space is missing after the colon, type 'model: models/tiny'"],
  ],
  [
    'no space after the colon before a list',
    inE('  type: [T_next', '  type:[T_next'),
    ["e.yaml:5:3  not valid YAML: a space is missing after the colon, type 'type: [T_next, T_back]'"],
  ],
  [
    'no space after the colon before { }',
    inE('table: {', 'table:{'),
    [
      "e.yaml:10:23  not valid YAML: a space is missing after the colon, type 'table: { rows: [method], columns: [type] }'",
    ],
  ],
  [
    'no space after the colon of the only key of a value',
    inE('{ metric: ppl.perplexity }', '{ metric:ppl.perplexity }'),
    ["e.yaml:8:14  a space is missing after the colon, type 'metric: ppl.perplexity'"],
  ],
  [
    'no space after the colon of the only key of a mapping',
    inE('params: { model: models/tiny }', 'params:\n  model:models/tiny'),
    [
      "e.yaml:4:3  'params' expects a mapping, got 'model:models/tiny' (type 'model: models/tiny', with a space after the colon)",
    ],
  ],
  [
    'an axis as an item of a list, beside one as a key',
    inE('axes:\n  type: [T_next, T_back]', 'axes:\n  - type: [T_next, T_back]'),
    [
      "e.yaml:6:1  not valid YAML: a list and keys are mixed, type 'type: [T_next, T_back]' without '- ', or '- ' before each",
    ],
  ],
  [
    'values with settings as items of a list',
    inE(
      '      slw: { metric: ppl.perplexity }\n      sft: { metric: tuned_ppl.perplexity }',
      '      - slw: { metric: ppl.perplexity }\n      - sft: { metric: tuned_ppl.perplexity }',
    ),
    [
      "e.yaml:8:9  axis 'method': 'values.0' expects text, a number, true or false or null, got a mapping (type 'slw: ...' without '- ')",
      "e.yaml:9:9  axis 'method': 'values.1' expects text, a number, true or false or null, got a mapping (type 'sft: ...' without '- ')",
    ],
  ],
  [
    'a list of parameters',
    inE('params: { model: models/tiny }', 'params: [model: models/tiny]'),
    ["e.yaml:3:9  'params' expects a mapping, got a list (type 'name: value' without '- ')"],
  ],
  [
    'one stage as an item of a list',
    inP('  base: { use: load, with', '  - base: { use: load, with'),
    [
      "p.yaml:8:1  not valid YAML: a list and keys are mixed, type 'base: { use: load, with: { path: \"${model}\" } }' without '- ', or '- ' before each",
    ],
  ],
  [
    'all stages as items of a list',
    { 'p.yaml': 'pipeline: x\nstages:\n  - base: { use: load }\n  - data: { use: dataset }\n' },
    ["p.yaml:3:3  'stages' expects a mapping, got a list (type 'name: value' without '- ')"],
  ],
  [
    'a number in quotes',
    inE('model: models/tiny', 'model: models/tiny, rank: "16"'),
    ["e.yaml:3:37  parameter 'rank' expects an integer, got '16' (type 16, without quotes)"],
  ],
  [
    'numbers in quotes as values of an axis, which then has no place either',
    inE('  type: [T_next, T_back]', '  rank: ["4", "16"]\n  type: [T_next, T_back]'),
    [
      "e.yaml:5:3  axis 'rank' has no place in the table: name it in 'rows', 'columns' or 'mean_over'",
      "e.yaml:5:10  parameter 'rank' expects an integer, got '4' (type 4, without quotes)",
      "e.yaml:5:15  parameter 'rank' expects an integer, got '16' (type 16, without quotes)",
    ],
  ],
  [
    'a tab instead of spaces',
    inE('  type: [T_next', '\ttype: [T_next'),
    ['e.yaml:5:1  not valid YAML: a tab stands where the line is indented, type spaces'],
  ],
  [
    'two tabs',
    inE('      slw: {', '\t\tslw: {'),
    ['e.yaml:8:1  not valid YAML: a tab stands where the line is indented, type spaces'],
  ],
  [
    'a tab after spaces',
    inE('      slw: {', '  \tslw: {'),
    ['e.yaml:8:3  not valid YAML: a tab stands where the line is indented, type spaces'],
  ],
  [
    'a key that is indented less than those beside it',
    inE('  method:\n', ' method:\n'),
    [
      'e.yaml:6:1  not valid YAML: the line is indented by 1 space, the keys beside it are not: indent the keys of one mapping alike',
    ],
  ],
  [
    'a key that is indented more than those beside it',
    inE('  method:\n', '    method:\n'),
    [
      'e.yaml:6:1  not valid YAML: the line is indented by 4 spaces, the keys beside it are not: indent the keys of one mapping alike',
    ],
  ],
  [
    'an open brace',
    inE('{ metric: ppl.perplexity }', '{ metric: ppl.perplexity'),
    ["e.yaml:9:7  not valid YAML: '{' is not closed, type '}'"],
  ],
  [
    'an open bracket',
    inE('[T_next, T_back]', '[T_next, T_back'),
    ["e.yaml:6:3  not valid YAML: '[' is not closed, type ']'"],
  ],
  [
    'an open quote',
    inE('models/tiny', '"models/tiny'),
    ['e.yaml:11:1  not valid YAML: a text in " has no end, type " after it'],
  ],
  [
    'a comma that is missing between values',
    inE('[T_next, T_back]', '[T_next T_back]'),
    [
      "e.yaml:5:10  stage 'warm': parameter 'type' expects 'T_next', 'T_back' or 'T_front', got 'T_next T_back' (did you mean 'T_next'?)",
    ],
  ],
  [
    'a comma that is missing between keys',
    inE('rows: [method], columns', 'rows: [method] columns'),
    ["e.yaml:10:25  not valid YAML: a ',' or the end of a line is missing before 'columns'"],
  ],
  [
    'a colon in a title',
    inE('experiment: small', 'experiment: small\ntitle: SHARP: the rank'),
    ["e.yaml:2:8  not valid YAML: a value with ': ' in it needs quotes, type 'title: \"SHARP: the rank\"'"],
  ],
  [
    'a value that begins with @',
    inE('models/tiny', '@models/tiny'),
    ['e.yaml:3:18  not valid YAML: a value that begins with @ needs quotes'],
  ],
  [
    'a value that begins with %',
    inE('experiment: small', 'experiment: small\ntitle: %x'),
    ['e.yaml:2:8  not valid YAML: a value that begins with % needs quotes'],
  ],
  [
    'a value in backticks',
    inE('models/tiny', '`models/tiny`'),
    ['e.yaml:3:18  not valid YAML: a value that begins with ` needs quotes'],
  ],
  [
    'a value that begins with *',
    inE('experiment: small', 'experiment: small\ntitle: *bold*'),
    ["e.yaml:2:8  unknown alias 'bold*' (a text that begins with '*' needs quotes)"],
  ],
  [
    'a value that begins with &',
    inE('experiment: small', 'experiment: small\ntitle: &'),
    ['e.yaml:2:8  not valid YAML: a value that begins with & needs quotes'],
  ],
  [
    'a value that begins with !',
    inE('experiment: small', 'experiment: small\ntitle: !important'),
    ["e.yaml:2:8  YAML tags are not supported: !important (a text that begins with '!' needs quotes)"],
  ],
  [
    'an interpolation without quotes within { }',
    inE('models/tiny', '${x}'),
    ['e.yaml:3:19  not valid YAML: within { } or [ ] an interpolation needs quotes, type "${x}"'],
  ],
  [
    "Python's None",
    inE('model: models/tiny', 'model: models/tiny, rank: None'),
    ["e.yaml:3:37  parameter 'rank' expects an integer, got 'None'"],
  ],
  [
    'half a number',
    inP('lr: 1e-3', 'lr: 1e'),
    ["p.yaml:10:107  stage 'warm': parameter 'lr' expects a number, got '1e'"],
  ],
  [
    'a number with underscores',
    inE('model: models/tiny', 'model: models/tiny, rank: 1_000'),
    ["e.yaml:3:37  parameter 'rank' expects an integer, got '1_000' (type 1000)"],
  ],
  [
    'a number with commas',
    inE('model: models/tiny', "model: models/tiny, rank: '1,000'"),
    ["e.yaml:3:37  parameter 'rank' expects an integer, got '1,000' (type 1000)"],
  ],
  [
    'a number of percent',
    inP('fraction: 0.1', 'fraction: 10%'),
    ["p.yaml:9:94  stage 'acts': parameter 'fraction' expects a number, got '10%' (type 0.1)"],
  ],
  [
    'a number of percent, with a space',
    inP('fraction: 0.1', 'fraction: 10 %'),
    ["p.yaml:9:94  stage 'acts': parameter 'fraction' expects a number, got '10 %' (type 0.1)"],
  ],
  [
    'a decimal comma',
    inP('lr: 1e-3', "lr: '0,001'"),
    ["p.yaml:10:107  stage 'warm': parameter 'lr' expects a number, got '0,001' (type 0.001)"],
  ],
  [
    'a mapping where a list of axes is meant',
    inE('rows: [method]', 'rows: { method: 1 }'),
    [
      "e.yaml:6:3  axis 'method' has no place in the table: name it in 'rows', 'columns' or 'mean_over'",
      "e.yaml:10:16  'table.rows' expects a list, got a mapping (type '- ' before it, or [ ] around it)",
    ],
  ],
  [
    'a name where a list of axes is meant',
    inE('rows: [method]', 'rows: method'),
    [
      "e.yaml:6:3  axis 'method' has no place in the table: name it in 'rows', 'columns' or 'mean_over'",
      "e.yaml:10:16  'table.rows' expects a list, got 'method' (type [method])",
    ],
  ],
  [
    'a metric without its key',
    inE('{ metric: ppl.perplexity }', 'ppl.perplexity'),
    ["e.yaml:8:12  axis 'method': 'values.slw' expects a mapping, got 'ppl.perplexity'"],
  ],
  [
    'two colons',
    inE('experiment: small', 'experiment:: small'),
    ["e.yaml:1:1  key 'experiment' is missing", "e.yaml:1:1  unknown key 'experiment:' (did you mean 'experiment'?)"],
  ],
  [
    'an equals sign',
    inE('experiment: small', 'experiment = small'),
    ["e.yaml:1:1  not valid YAML: expected 'key: value', got 'experiment = small', type 'experiment: small'"],
  ],
  ['two commas', inE('[T_next, T_back]', '[T_next, T_back,,]'), ["e.yaml:5:25  not valid YAML: a ',' too many"]],
  [
    'keys below a key that has a value',
    inE('pipeline: p.yaml', 'pipeline: p.yaml\n  extra: 1'),
    [
      'e.yaml:2:11  not valid YAML: the key has a value already, and a mapping below it: indent the lines below as far as the key, or take the value away',
    ],
  ],
  [
    'a line that is no key',
    inE('pipeline: p.yaml', 'pipeline: p.yaml\nfoo bar'),
    ["e.yaml:3:1  not valid YAML: expected 'key: value', got 'foo bar'"],
  ],
  [
    'a no-break space',
    inE('  type:', '\u00a0\u00a0type:'),
    ['e.yaml:6:1  not valid YAML: U+00A0, which looks like a space, stands where the line is indented, type spaces'],
  ],
  [
    'an axis with an empty list',
    inE('[T_next, T_back]', '[]'),
    ["e.yaml:5:9  axis 'type': expects at least 1 item, got 0"],
  ],
  [
    'inputs as a list',
    inP('in: { model: base, activations: acts }', 'in: [base, acts]'),
    ["p.yaml:10:25  stage 'warm': 'in' expects a mapping, got a list (type 'name: value' without '- ')"],
  ],
  [
    'an input without its name',
    inP('in: { model: base, activations: acts }', 'in: base'),
    ["p.yaml:10:25  stage 'warm': 'in' expects a mapping, got 'base'"],
  ],
  [
    'parameters of a stage as a list',
    inP('with: { fraction: 0.1 }', 'with: [fraction: 0.1]'),
    [
      "p.yaml:9:82  stage 'acts': 'with' expects a mapping or text, got a list (type 'name: value' without '- ')",
      "p.yaml:9:82  stage 'acts': 'with' expects a mapping of parameters, got a list",
    ],
  ],
  [
    'a stage definition as a list',
    inP('use: slw', 'use: [slw]'),
    ["p.yaml:10:16  stage 'warm': 'use' expects text, got a list"],
  ],
  [
    'a stage that is only a name',
    inP('{ use: load, with: { path: "${model}" } }', 'load'),
    ["p.yaml:7:9  stage 'base': expects a mapping, got 'load'"],
  ],
  [
    'a stage without anything',
    inP('  base: { use: load, with: { path: "${model}" } }', '  base:'),
    ["p.yaml:7:8  stage 'base': expects a mapping, got nothing"],
  ],
  [
    'a claim without a list',
    add('claims: { claim: a, order: [{ method: slw }, { method: sft }] }\n'),
    ["e.yaml:11:9  'claims' expects a list, got a mapping (type '- ' before it, or [ ] around it)"],
  ],
  ['a claim as a text', add('claims: slw < sft\n'), ["e.yaml:11:9  'claims' expects a list, got 'slw < sft'"]],
  [
    'what is left out without a list',
    add('exclude: { method: slw }\n'),
    ["e.yaml:11:10  'exclude' expects a list, got a mapping (type '- ' before it, or [ ] around it)"],
  ],
  ['a note without a list', add('notes: hello\n'), ["e.yaml:11:8  'notes' expects a list, got 'hello' (type [hello])"]],
  [
    'profiles as a list',
    add('profiles: [a]\n'),
    ["e.yaml:11:11  'profiles' expects a mapping, got a list (type 'name: value' without '- ')"],
  ],
  [
    'a profile without anything',
    add('profiles: { a: }\n'),
    ["e.yaml:11:16  profile 'a': expects a mapping, got nothing"],
  ],
];

describe('check says what to type for', () => {
  test.each(slips)('%s', async (_, files, expected) => {
    expect(await checked(specFolder(files))).toEqual(expected);
  });

  test('each of them in another sentence or at another place', () => {
    expect(slips.every(([, , lines]) => lines.length > 0)).toBe(true);
    expect(new Set(slips.map(([, , lines]) => lines.join())).size).toBeGreaterThan(47);
  });
});
