// Mistakes on command lines.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the dollar signs are the specs' interpolations
import { type Mistake, right, spec } from './given.ts';

export const onCommandLines: Mistake[] = [
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
    ["--set rank=four  parameter 'rank' expects an integer or 'scaled', got 'four'"],
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
  ['a stage that there is not', {}, 'stages slww', ["error  unknown stage 'slww' (did you mean 'slw'?)"]],
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
