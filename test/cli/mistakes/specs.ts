// Mistakes in specs.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the dollar signs are the specs' interpolations
import { after, changed, inSpec, type Mistake, small, spec } from './given.ts';

export const inSpecs: Mistake[] = [
  [
    'a tab before a key',
    inSpec('  type: [', '\ttype: ['),
    'check mine.yaml',
    ['mine.yaml:9:1  not valid YAML: a tab stands where the line is indented, type spaces'],
  ],
  [
    'no space after a colon',
    inSpec('rank: 4', 'rank:4'),
    'check mine.yaml',
    ["mine.yaml:6:80  a space is missing after the colon, type 'rank: 4'"],
  ],
  [
    'a number in quotes',
    inSpec('rank: 4', 'rank: "4"'),
    'check mine.yaml',
    ["mine.yaml:6:86  parameter 'rank' expects an integer or 'scaled', got '4' (type 4, without quotes)"],
  ],
  [
    'a word that is none of those that stand beside a number',
    inSpec('rank: 4', 'rank: scald'),
    'check mine.yaml',
    ["mine.yaml:6:86  parameter 'rank' expects an integer or 'scaled', got 'scald' (did you mean 'scaled'?)"],
  ],
  [
    'a list where names and values are meant',
    inSpec('{ tuned: { lr: 1.0e-3, epochs: 1 } }', '[tuned: { lr: 1.0e-3 }]'),
    'check mine.yaml',
    ["mine.yaml:7:11  profile 'tiny': 'with' expects a mapping, got a list (type 'name: value' without '- ')"],
  ],
  [
    'a bracket that is not closed',
    inSpec('[T_next, T_back]', '[T_next, T_back'),
    'check mine.yaml',
    ["mine.yaml:10:3  not valid YAML: '[' is not closed, type ']'"],
  ],
  [
    'a comma for a decimal point',
    inSpec('lr: 1.0e-3', "lr: '0,001'"),
    'check mine.yaml',
    ["mine.yaml:7:26  stage 'tuned': parameter 'lr' expects a number, got '0,001' (type 0.001)"],
  ],
  [
    'a text for a number',
    inSpec('lr: 1.0e-3', 'lr: high'),
    'check mine.yaml',
    ["mine.yaml:7:26  stage 'tuned': parameter 'lr' expects a number, got 'high'"],
  ],
  [
    'a number below the least',
    inSpec('rank: 4', 'rank: 0'),
    'check mine.yaml',
    ["mine.yaml:6:86  parameter 'rank' expects at least 1, got 0"],
  ],
  [
    'a number below the least, which two stages take',
    inSpec('records: 60', 'records: -1'),
    'check mine.yaml',
    ["mine.yaml:6:74  stages 'evaluation' and 'data': parameter 'records' expects at least 1, got -1"],
  ],
  [
    'a replacement type that there is not',
    inSpec('T_back', 'T_bak'),
    'check mine.yaml',
    [
      "mine.yaml:9:18  stage 'warm': parameter 'type' expects 'T_next', 'T_next2', 'T_back', 'T_front', 'T_more', 'T_more_8' or 'T_max', got 'T_bak' (did you mean 'T_back'?)",
      "      lamina:pipelines/sharp.yaml:75:13  stage 'warm' takes it here",
    ],
  ],
  [
    'a generator that there is not',
    inSpec('generate: arxiv_math', 'generate: arxiv'),
    'check mine.yaml',
    [
      "mine.yaml:6:53  stages 'evaluation' and 'data': parameter 'generate' expects 'arxiv_math', 'dialogsum', 'gpt4_alpaca', 'dolly' or 'openorca', got 'arxiv' (did you mean 'arxiv_math'?)",
    ],
  ],
  [
    'a misspelt parameter of a data set',
    inSpec('records: 60', 'record: 60'),
    'check mine.yaml',
    ["mine.yaml:6:65  stages 'evaluation' and 'data': unknown parameter 'record' (did you mean 'records'?)"],
  ],
  [
    'a misspelt parameter of the pipeline',
    inSpec('rank: 4', 'rnak: 4'),
    'check mine.yaml',
    ["mine.yaml:6:80  profile 'tiny': unknown parameter 'rnak' (did you mean 'rank'?)"],
  ],
  [
    'a misspelt stage',
    inSpec('with: { tuned', 'with: { tunned'),
    'check mine.yaml',
    ["mine.yaml:7:13  profile 'tiny': unknown stage 'tunned' (did you mean 'tuned'?)"],
  ],
  [
    'a misspelt parameter of a stage',
    inSpec('epochs: 1', 'epoch: 1'),
    'check mine.yaml',
    ["mine.yaml:7:34  stage 'tuned': unknown parameter 'epoch' (did you mean 'epochs'?)"],
  ],
  [
    'a misspelt section',
    inSpec('profiles:', 'profils:'),
    'check mine.yaml',
    ["mine.yaml:3:1  unknown key 'profils' (did you mean 'profiles'?)"],
  ],
  [
    'a key twice',
    inSpec('    default: true\n', '    default: true\n    default: true\n'),
    'check mine.yaml',
    ["mine.yaml:6:5  key 'default' is given twice", '      mine.yaml:5:5  first given here'],
  ],
  [
    'a metric that the stage has not',
    inSpec('tuned_ppl.perplexity', 'tuned_ppl.ppl'),
    'check mine.yaml',
    [
      "mine.yaml:13:24  metric 'tuned_ppl.ppl': stage 'tuned_ppl' (perplexity-eval) has no metric 'ppl', expected 'perplexity', 'mean_nll', 'stderr', 'tokens' or 'examples'",
    ],
  ],
  [
    'a metric of a stage that there is not',
    inSpec('tuned_ppl.perplexity', 'tuned_pl.perplexity'),
    'check mine.yaml',
    ["mine.yaml:13:24  metric 'tuned_pl.perplexity': unknown stage 'tuned_pl' (did you mean 'tuned_ppl'?)"],
  ],
  [
    'a misspelt axis in the table',
    inSpec('rows: [method]', 'rows: [methods]'),
    'check mine.yaml',
    ["mine.yaml:14:17  table: unknown axis 'methods' (did you mean 'method'?)"],
  ],
  [
    'an axis that the table has no place for',
    inSpec(', columns: [type]', ''),
    'check mine.yaml',
    ["mine.yaml:9:3  axis 'type' has no place in the table: name it in 'rows', 'columns' or 'mean_over'"],
  ],
  [
    'an axis without values',
    inSpec('[T_next, T_back]', '[]'),
    'check mine.yaml',
    ["mine.yaml:9:9  axis 'type': expects at least 1 item, got 0"],
  ],
  [
    'an axis that names no parameter',
    inSpec('  type: [', '  types: ['),
    'check mine.yaml',
    ["mine.yaml:9:3  axis 'types': unknown parameter 'types' (did you mean 'type'?)"],
  ],
  [
    'a claim about a value that there is not',
    after('claims:\n  - { claim: better, order: [{ method: sharp }, { method: orignal }] }\n'),
    'check mine.yaml',
    ["mine.yaml:16:59  claim 1: unknown value 'orignal' of axis 'method' (did you mean 'original'?)"],
  ],
  [
    'a claim as a sentence',
    after('claims:\n  - sharp is better\n'),
    'check mine.yaml',
    ["mine.yaml:16:5  claim 1: expects a mapping, got 'sharp is better'"],
  ],
  [
    'a number of the paper for a value that there is not',
    after('paper: { source: Table 2, values: [{ method: sharp, type: { T_nxt: 3.2 } }] }\n'),
    'check mine.yaml',
    ["mine.yaml:15:61  paper: unknown value 'T_nxt' of axis 'type' (did you mean 'T_next'?)"],
  ],
  [
    'a kind of figure that there is not',
    after('figures: [{ name: f, kind: scatter, x: type }]\n'),
    'check mine.yaml',
    ["mine.yaml:15:28  figure 1: 'kind' expects 'line', 'heatmap' or 'bar', got 'scatter'"],
  ],
  [
    'a figure over an axis that there is not',
    after('figures: [{ name: f, kind: line, x: rank }]\n'),
    'check mine.yaml',
    ["mine.yaml:15:37  figure 1: unknown axis 'rank', expected 'type' or 'method'"],
  ],
  [
    'a condition that is none',
    after('where: type > > method\n'),
    'check mine.yaml',
    ["mine.yaml:15:8  where: expected 'axis < axis', 'axis = axis + 1' or 'axis >= number' (also <=, >, !=)"],
  ],
  [
    'a control of an axis that there is not',
    after('control: { cells: { methd: original }, within: 0.05 }\n'),
    'check mine.yaml',
    ["mine.yaml:15:21  control: unknown axis 'methd' (did you mean 'method'?)"],
  ],
  [
    "a model of lamina's that there is not",
    inSpec('lamina:tiny', 'lamina:tinny'),
    'plan mine.yaml',
    [
      "mine.yaml:6:22  stage 'base': parameter 'path': 'lamina:tinny' does not come with lamina (did you mean 'lamina:tiny'?)",
    ],
  ],
  [
    "a pipeline of lamina's without 'lamina:'",
    inSpec('lamina:sharp', 'sharp'),
    'check mine.yaml',
    ["mine.yaml:2:11  the pipeline 'sharp' does not exist (did you mean 'lamina:sharp'?)"],
  ],
  [
    "a pipeline of lamina's that there is not",
    inSpec('lamina:sharp', 'lamina:shrap'),
    'check mine.yaml',
    ["mine.yaml:2:11  the pipeline 'lamina:shrap' does not come with lamina (did you mean 'lamina:sharp'?)"],
  ],
  [
    'a pipeline that is not there',
    { 'mine.yaml': small },
    'check mine.yaml',
    [
      "mine.yaml:2:11  the pipeline 'own.yaml' does not exist: a path is relative to the folder of the file that names it",
    ],
  ],
  [
    'a fragment that is not there',
    { 'mine.yaml': `extends: common.yaml\n${spec}` },
    'check mine.yaml',
    [
      "mine.yaml:1:10  the fragment 'common.yaml' does not exist: a path is relative to the folder of the file that names it",
    ],
  ],
  [
    'an empty file',
    { 'mine.yaml': '' },
    'check mine.yaml',
    [
      "mine.yaml:1:1  the spec is empty, expected a mapping that begins with 'experiment: NAME' (lamina init writes one)",
    ],
  ],
  [
    'a file of another kind',
    { 'mine.yaml': Uint8Array.of(0, 1, 2) },
    'check mine.yaml',
    ['mine.yaml:1:1  text with control characters cannot be kept: take out U+0000, and save the file as UTF-8'],
  ],
  [
    'a file in another encoding',
    { 'mine.yaml': Buffer.from(changed(spec, 'mine', 'm\u00e9ne'), 'latin1') },
    'check mine.yaml',
    ["mine.yaml  the spec 'mine.yaml' is not UTF-8 text"],
  ],
];
