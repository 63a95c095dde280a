// What people do wrong who know nothing of lamina yet: each mistake as they would make it, the command that they give, and all that they are told.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the dollar signs are the specs' interpolations
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { workFolder } from './program.ts';
import { laminaInProcess } from './real-in-process.ts';

const spec = `experiment: mine
pipeline: lamina:sharp
profiles:
  tiny:
    default: true
    params: { model: lamina:tiny, data: { generate: arxiv_math, records: 60 }, rank: 4, max_length: 64 }
    with: { tuned: { lr: 1.0e-3, epochs: 1 } }
axes:
  type: [T_next, T_back]
  method:
    values:
      original: { metric: original_ppl.perplexity }
      sharp: { metric: tuned_ppl.perplexity }
table: { rows: [method], columns: [type], metric: perplexity, better: lower }
`;

const pipeline = `pipeline: own
params: { model: { type: string, format: path }, data: { type: object } }
stages:
  base: { use: load, with: { path: "\${model}" } }
  data: { use: dataset, with: "\${data}" }
  ppl: { use: perplexity-eval, in: { model: base, data: data.eval } }
`;

const small = `experiment: mine
pipeline: own.yaml
params: { model: lamina:tiny, data: { generate: arxiv_math, records: 20 } }
metric: ppl.perplexity
`;

type Files = Record<string, string | Uint8Array>;

/** A text with one part of it replaced, which must be there. */
function changed(text: string, from: string, to: string): string {
  if (!text.includes(from)) throw new Error(`there is no '${from}' to replace`);
  return text.replace(from, () => to);
}

const right: Files = { 'mine.yaml': spec };
const inSpec = (from: string, to: string): Files => ({ 'mine.yaml': changed(spec, from, to) });
const after = (text: string): Files => ({ 'mine.yaml': spec + text });
const inPipeline = (from: string, to: string): Files => ({
  'own.yaml': changed(pipeline, from, to),
  'mine.yaml': small,
});
const module = (text: string): Files => ({ ...inPipeline('perplexity-eval', './mine.mjs'), 'mine.mjs': text });
const withData = (name: string, text: string | Uint8Array): Files => ({
  'own.yaml': pipeline,
  'mine.yaml': changed(small, 'generate: arxiv_math, records: 20', `path: ${name}`),
  [name]: text,
});

const tiny = join(import.meta.dirname, '../../models/tiny');
const partOf = (name: string): Buffer => readFileSync(join(tiny, name));

/** The small spec on a model of its own, one file of which is another. */
function withModel(name: string, bytes: string | Uint8Array): Files {
  const names = ['config.json', 'tokenizer.json', 'model.safetensors'];
  const parts = names.map((each) => [`model/${each}`, each === name ? bytes : partOf(each)] as const);
  return { 'own.yaml': pipeline, 'mine.yaml': changed(small, 'lamina:tiny', 'model'), ...Object.fromEntries(parts) };
}

/** A mistake: what it is, the files that it is in, the command, what is told (DIR is the folder), the exit code. */
type Mistake = [title: string, files: Files, command: string, told: string[], code?: number];

const inSpecs: Mistake[] = [
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
    ["mine.yaml:6:86  parameter 'rank' expects an integer, got '4' (type 4, without quotes)"],
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

const inPipelines: Mistake[] = [
  [
    "a misspelt stage of lamina's",
    inPipeline('perplexity-eval', 'perplexity_eval'),
    'check mine.yaml',
    [
      "own.yaml:6:15  stage 'ppl': unknown stage 'perplexity_eval', expected a stage name (did you mean 'perplexity-eval'?)",
    ],
  ],
  [
    'an output that there is not',
    inPipeline('data.eval', 'data.evl'),
    'check mine.yaml',
    ["own.yaml:6:57  stage 'ppl': input 'data': stage 'data' has no output 'evl' (did you mean 'eval'?)"],
  ],
  [
    'an input of another kind',
    inPipeline('model: base', 'model: data.eval'),
    'check mine.yaml',
    [
      "own.yaml:6:45  stage 'ppl': input 'model' expects kind 'checkpoint', got 'dataset' from stage 'data.eval' (did you mean 'base'?)",
    ],
  ],
  [
    'an input that is not given',
    inPipeline('model: base, ', ''),
    'check mine.yaml',
    [
      "own.yaml:6:3  stage 'ppl': input 'model' of kind 'checkpoint' is missing: give it under 'in' (did you mean 'base'?)",
    ],
  ],
  [
    'an interpolation without quotes',
    inPipeline('"${model}"', '${model}'),
    'check mine.yaml',
    ['own.yaml:4:37  not valid YAML: within { } or [ ] an interpolation needs quotes, type "${model}"'],
  ],
  [
    'an interpolation of a parameter that there is not',
    inPipeline('"${model}"', '"${modl}"'),
    'check mine.yaml',
    ["own.yaml:4:37  stage 'base': parameter 'path': unknown parameter 'modl' (did you mean 'model'?)"],
  ],
  [
    'a type of a parameter that there is not',
    inPipeline('type: string', 'type: str'),
    'check mine.yaml',
    [
      "own.yaml:2:26  parameter 'model': 'type' expects 'string', 'number', 'integer', 'boolean', 'object', 'array' or 'null', got 'str' (did you mean 'string'?)",
    ],
  ],
  [
    'a module that is not there',
    inPipeline('perplexity-eval', './mine.mjs'),
    'check mine.yaml',
    ["own.yaml:6:15  stage 'ppl': './mine.mjs' does not exist"],
  ],
  [
    'a module that throws',
    module('throw new Error("boom")'),
    'check mine.yaml',
    ["own.yaml:6:15  stage 'ppl': './mine.mjs' cannot be loaded: boom"],
  ],
  [
    'a module without its stage',
    module('export const answer = 42;'),
    'check mine.yaml',
    [
      "own.yaml:6:15  stage 'ppl': './mine.mjs' has no default export, expected its stage: export default defineStage({ ... })",
    ],
  ],
  [
    'a pipeline in the place of an experiment',
    { 'own.yaml': pipeline },
    'run own.yaml',
    ["own.yaml:1:1  this is a pipeline, expected an experiment (a file with the key 'experiment')"],
  ],
];

const onCommandLines: Mistake[] = [
  [
    "no command but another program's",
    {},
    'ls',
    ["error  unknown command 'ls': 'lamina runs' lists the runs, 'lamina show NAME' prints one"],
  ],
  ['a command that resembles one', {}, 'rn mine.yaml', ["error  unknown command 'rn' (did you mean 'run'?)"]],
  [
    'help on a command that there is not',
    {},
    'help sweep',
    ["error  unknown command 'sweep': 'lamina run SPEC --set path=value,value' varies a parameter"],
  ],
  [
    'export without where to',
    {},
    'export lamina:tiny',
    ["error  'lamina export' expects --to <folder>, got none (see 'lamina export --help')"],
  ],
  ['run without a spec', {}, 'run', ["error  'lamina run' expects <spec>, got none (see 'lamina run --help')"]],
  [
    'a spec that is not there',
    right,
    'run mina.yaml',
    ["mina.yaml  the spec 'mina.yaml' does not exist (did you mean 'mine.yaml'?)"],
  ],
  [
    "a spec of lamina's without 'lamina:'",
    {},
    'run quickstart',
    ["quickstart  the spec 'quickstart' does not exist (did you mean 'lamina:quickstart'?)"],
  ],
  [
    'a spec by its name, where specs lie in a folder',
    { 'experiments/mine.yaml': spec },
    'run mine',
    ["mine  the spec 'mine' does not exist (did you mean 'experiments/mine.yaml'?)"],
  ],
  ['a folder for a spec', right, 'check .', [".  the spec 'DIR' is a folder, expected a file"]],
  [
    'a parameter as a flag',
    right,
    'run mine.yaml --rank 8',
    ["error  unknown option '--rank': a parameter of the spec is set with --set rank=VALUE (see 'lamina run --help')"],
  ],
  [
    'a parameter without --set',
    right,
    'run mine.yaml rank=8',
    ["rank=8  the spec 'rank=8' does not exist (did you mean '--set rank=8'?)"],
  ],
  [
    '--set without a value',
    right,
    'run mine.yaml --set rank',
    ["--set rank  expected 'path=value' or 'path=value,value...', got 'rank'"],
  ],
  [
    '--set of a parameter that there is not',
    right,
    'run mine.yaml --set rnk=8',
    ["--set rnk=8  unknown parameter 'rnk' (did you mean 'rank'?)"],
  ],
  [
    '--set of an axis',
    right,
    'run mine.yaml --set method=sharp',
    ["--set method=sharp  axis 'method' of the experiment sets this: choose its values with --only method=..."],
  ],
  [
    '--set of a text for a number',
    right,
    'run mine.yaml --set rank=four',
    ["--set rank=four  parameter 'rank' expects an integer, got 'four'"],
  ],
  [
    '--only of an axis that there is not',
    right,
    'run mine.yaml --only methd=sharp',
    ["--only methd=sharp  unknown axis 'methd' (did you mean 'method'?)"],
  ],
  [
    '--only of a value that there is not',
    right,
    'run mine.yaml --only method=shrp',
    ["--only method=shrp  unknown value 'shrp' of axis 'method' (did you mean 'sharp'?)"],
  ],
  [
    'a profile that there is not',
    right,
    'run mine.yaml --profile big',
    ["--profile big  unknown profile 'big', expected 'tiny'"],
  ],
  [
    '--force of a stage that there is not',
    right,
    'run mine.yaml --force warmm',
    ["--force warmm  unknown stage 'warmm' (did you mean 'warm'?)"],
  ],
  [
    'no jobs',
    right,
    'run mine.yaml -j 0',
    ["error  option '-j, --jobs <number>' argument '0' is invalid: expected a whole number of at least 1"],
  ],
  [
    'a device as a backend',
    right,
    'run mine.yaml --backend cuda',
    ["error  option '--backend <name>' argument 'cuda' is invalid: expected 'onnx', 'tensorflow' or 'cpu'"],
  ],
  [
    'memory in words',
    right,
    'run mine.yaml --resources tuned:memory=lots',
    ["--resources tuned:memory=lots  'memory' expects a size such as 500MB, 4.5GB or 10GiB, got 'lots'"],
  ],
  [
    'a name of a run that no file can have',
    right,
    'run mine.yaml --name a/b',
    ["error  'a/b' cannot be the name of a run: expected a letter, then letters, digits, '_', '-' and '.', 64 at most"],
  ],
  [
    'why of a stage that there is not',
    right,
    'why mine.yaml tund',
    ["error  'mine' has no stage and no cell 'tund' (did you mean 'tuned'?)"],
  ],
  ['a stage that there is not', {}, 'stages slww', ["error  there is no stage 'slww' (did you mean 'slw'?)"]],
  [
    'a format of models that there is not',
    {},
    'export lamina:tiny --to out --format ggml',
    ["error  --format expects 'huggingface', 'peft', 'onnx' or 'gguf', got 'ggml'"],
  ],
  [
    'a format of tables that there is not',
    {},
    'show mine --format xlsx',
    ["error  unknown format 'xlsx', expected 'text', 'md', 'latex', 'csv', 'json', 'html', 'arrow' or 'parquet'"],
  ],
  [
    'a model that is not there',
    {},
    'generate nomodel --prompt hi',
    [
      "error  there is no model 'nomodel': expected a model folder, a GGUF file, an 'hf://' name, or a spec (.yaml) with a stage or cell of it",
    ],
  ],
  ['too much', {}, 'init one two', ["error  'lamina init' expects 1 argument, got 2 (see 'lamina init --help')"]],
  [
    'a file for a folder',
    { file: 'x' },
    'init file',
    ["error  'file' is a file, expected a folder, or a name for a new one"],
  ],
  [
    'a library that cannot be installed',
    {},
    'doctor --install tenserflow',
    [
      "error  option '--install <library>' argument 'tenserflow' is invalid: expected 'tensorflow' or 'cuda' (did you mean 'tensorflow'?)",
    ],
  ],
  [
    'a port that there is not',
    {},
    'ui --port 99999',
    ["error  option '--port <number>' argument '99999' is invalid: expected a port from 0 to 65535"],
  ],
  [
    'an age without a unit',
    {},
    'gc --older-than 7',
    ["error  option '--older-than <age>' argument '7' is invalid: expected a time such as 90s, 30min, 12h, 7d or 2w"],
  ],
];

const inStores: Mistake[] = [
  [
    'a run that there is not',
    right,
    'show mine',
    ["error  there is no run of 'mine' in '.lamina', which holds no runs yet: start one with lamina run"],
  ],
  [
    'a run of a number that there is not',
    right,
    'show mine@3',
    ["error  experiment 'mine' has no run '3' in '.lamina': it has no runs (see 'lamina runs')"],
  ],
  [
    'a run without its number',
    right,
    'runs rm mine',
    ["error  'mine' names no run: expected NAME@RUN, such as quickstart@17 (see 'lamina runs')"],
  ],
  [
    'a file in the place of the store',
    { ...right, '.lamina': 'x' },
    'plan mine.yaml',
    [
      "error  the store 'DIR/.lamina' cannot be there: expected a folder, but 'DIR/.lamina' is a file; choose another --store",
    ],
  ],
  [
    'a store in a folder of other things',
    { ...right, 'thesis/chapter-1.tex': 'x' },
    'plan mine.yaml --store thesis',
    ["error  'DIR/thesis' is neither empty nor a lamina store (it holds 'chapter-1.tex'); choose another --store"],
  ],
  [
    'a store of a newer lamina',
    { ...right, 'store/store.json': '{"format":"lamina-store","version":99}' },
    'plan mine.yaml --store store',
    ["error  the store 'DIR/store' has version 99, expected 2; use the lamina that wrote it, or another --store"],
  ],
  [
    'a store whose version is no version',
    { ...right, 'store/store.json': 'hello' },
    'plan mine.yaml --store store',
    ["error  'DIR/store/store.json' is not a lamina store's version file; choose another folder with --store"],
  ],
  [
    "a stage's files before it ran",
    right,
    'copy mine.yaml data --to out',
    ["error  'data' has no result in the store yet: run it first with 'lamina run mine.yaml'"],
  ],
  [
    'a shared store by ftp',
    right,
    'pull mine.yaml --remote ftp://host/store',
    [
      "error  expected file:///FOLDER or s3://BUCKET/PREFIX?endpoint=URL&region=NAME as --remote (or in LAMINA_REMOTE), got 'ftp:'",
    ],
  ],
  [
    'a shared store that is not named',
    right,
    'push mine.yaml',
    ["error  'lamina push' needs a shared store: name one with --remote, or in LAMINA_REMOTE"],
  ],
  [
    'a lock that is not there',
    right,
    'run mine.yaml --frozen',
    ["error  there is no lock 'mine.lock': run the spec without --frozen, then 'lamina lock mine.yaml' writes it"],
  ],
  [
    'a bundle that is none',
    { 'folder/file': 'x' },
    'verify folder',
    ["error  'folder' is no bundle: it has no bundle.json"],
  ],
];

const inFiles: Mistake[] = [
  [
    'a model folder that is not there',
    { 'own.yaml': pipeline, 'mine.yaml': changed(small, 'lamina:tiny', 'modle') },
    'run mine.yaml',
    ["error  stage 'base', parameter 'path': 'DIR/modle' does not exist (given at mine.yaml:3:18)"],
  ],
  [
    'a file that is no model',
    { 'own.yaml': pipeline, 'mine.yaml': changed(small, 'lamina:tiny', 'model.txt'), 'model.txt': 'x' },
    'run mine.yaml',
    [
      "error  stage 'base': model 'DIR/model.txt': it is a file, expected a folder with 'config.json' and its weights, or a GGUF file, whose name ends with '.gguf'",
    ],
  ],
  [
    'a data file that is not there',
    { 'own.yaml': pipeline, 'mine.yaml': changed(small, 'generate: arxiv_math, records: 20', 'path: data.jsonl') },
    'run mine.yaml',
    ["error  stage 'data', parameter 'path': 'DIR/data.jsonl' does not exist (given at mine.yaml:3:45)"],
  ],
  [
    'data of a format that is not read',
    withData('data.xlsx', 'x'),
    'run mine.yaml --json',
    [
      "✗ stage 'data': data file 'DIR/data.xlsx': expected an ending of .jsonl, .ndjson, .json, .csv, .parquet, got '.xlsx'",
    ],
    1,
  ],
  [
    'a line that is no JSON',
    withData('data.jsonl', '{"question":"1+1?","answer":"2"}\n{"question":"2+2?",\n'),
    'run mine.yaml --json',
    ["✗ stage 'data': DIR/data.jsonl:2: expected a JSON object, got text that ends too early; mend or remove it"],
    1,
  ],
  [
    'records without what is asked and answered',
    withData('data.jsonl', '{"a":"1","b":"2"}\n'.repeat(20)),
    'run mine.yaml --json',
    [
      "✗ stage 'data': DIR/data.jsonl:1: no known record form fits, got a, b, expected one of messages (messages); sharegpt (conversations); openorca (system_prompt, question, response); question_answer (question, answer); prompt_completion (prompt, completion); dialogsum (dialogue); instruction (instruction); text (text)",
    ],
    1,
  ],
  [
    'an answer that is a number',
    withData('data.jsonl', '{"question":"1+1?","answer":2}\n'.repeat(20)),
    'run mine.yaml --json',
    ["✗ stage 'data': DIR/data.jsonl:1: field 'answer' expects text, got 2"],
    1,
  ],
  [
    'data without records',
    withData('data.jsonl', ''),
    'run mine.yaml --json',
    ["✗ stage 'data': data file 'DIR/data.jsonl': expected at least one record, got none"],
    1,
  ],
  [
    'a config that is no JSON',
    withModel('config.json', '{'),
    'run mine.yaml --json',
    ["error  stage 'base': DIR/model/config.json: expected JSON, got text that ends too early"],
  ],
  [
    'a config of an architecture that is not read',
    withModel('config.json', '{"model_type":"mamba","architectures":["MambaForCausalLM"]}'),
    'run mine.yaml --json',
    [
      "error  stage 'base': DIR/model/config.json: 'model_type' must be one that lamina reads ('llama', 'mistral', 'qwen2', 'qwen3', 'smollm3'), got 'mamba' (with layers that are not attention)",
    ],
  ],
  [
    'weights that were cut',
    withModel('model.safetensors', partOf('model.safetensors').subarray(0, 1_000_000)),
    'run mine.yaml --json',
    [
      "✗ stage 'base': safetensors file 'DIR/model/model.safetensors' is cut short: expected 3063944 bytes, got 1000000; copy or download the file again",
    ],
    1,
  ],
  [
    'weights that are a page of text',
    withModel('model.safetensors', '<html>404</html>'),
    'run mine.yaml --json',
    [
      "✗ stage 'base': safetensors file 'DIR/model/model.safetensors': expected a header of at most 100000000 bytes, got 3473469848023230500, so it is a file of another kind; copy or download the file again",
    ],
    1,
  ],
  [
    'a tokenizer that was cut',
    withModel('tokenizer.json', partOf('tokenizer.json').subarray(0, 1000)),
    'run mine.yaml --json',
    ["✗ stage 'base': tokenizer 'DIR/model/tokenizer.json': expected JSON, got text that ends too early"],
    1,
  ],
];

/** The lines of a text that are no excerpt of a spec and no count of the mistakes. */
function sentences(text: string): string[] {
  return text.split('\n').filter((line) => line !== '' && !/^ +\d* \||^\d+ mistakes? in/.test(line));
}

const all = [...inSpecs, ...inPipelines, ...onCommandLines, ...inStores, ...inFiles];

describe.each([
  ['specs', inSpecs],
  ["pipelines and stages of one's own", inPipelines],
  ['command lines', onCommandLines],
  ['stores and runs', inStores],
  ['data and checkpoints', inFiles],
])('mistakes in %s', (_, mistakes) => {
  test.each(mistakes)('%s', async (_, files, command, told, code = 2) => {
    const folder = workFolder();
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder.path, name)), { recursive: true });
      writeFileSync(join(folder.path, name), text);
    }
    const ended = await laminaInProcess(folder.path, ...command.split(' '));
    folder.remove();
    expect(sentences(ended.err.replaceAll(folder.path, 'DIR'))).toEqual(told);
    expect(ended.code).toBe(code);
  });
});

test('nobody is told the same twice, or anything of how lamina is made', () => {
  expect(all.length).toBeGreaterThanOrEqual(47);
  const told = all.map(([, , , lines]) => lines.join('\n'));
  expect(new Set(told).size).toBe(all.length);
  for (const text of told) expect(text).not.toMatch(/ {4}at |node:|\.[cm]?[jt]s:|dist\/|undefined|\[object|bug/);
});
