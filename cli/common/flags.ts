// The flags that several commands share, and the values that they give.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { deviceNames } from '../../runner/estimate/devices.ts';
import { usualRecordTokens } from '../../runner/survey/cost.ts';
import { type Precision, precisions } from '../../tensor/graph/precision.ts';
import { parseBytes, parseTime } from './amounts.ts';
import { projectStore } from './project.ts';
import type { RemoteFlags } from './remote.ts';

/** What a command computes on. */
export interface EngineFlags {
  backend?: 'onnx' | 'tensorflow' | 'cpu';
  provider?: 'cpu' | 'webgpu' | 'cuda';
  precision?: Precision;
  threads?: number;
}

/** Which plan a command is about. */
export interface PlanFlags extends EngineFlags, RemoteFlags {
  profile?: string;
  set: string[];
  only: string[];
  force: string[];
  seed?: number;
  resources?: string[];
  store: string;
  json?: boolean;
}

export interface RunFlags extends PlanFlags {
  /** Refuse what is not in the spec's lock. */
  frozen?: boolean;
  jobs?: number;
  /** False when the grid is to run although its control is off. */
  control: boolean;
  /** False when it is to run although more memory is expected than there is. */
  memoryCheck: boolean;
  /** True when the first failure is to stop what has not started. */
  failFast?: boolean;
  retries?: number;
  /** In ms, for each attempt. */
  timeout?: number;
  /** False when it is to run although its outputs are expected to fill the disk. */
  diskCheck: boolean;
  executor?: 'local' | 'slurm' | 'commands';
  /** The site file. */
  site?: string;
  gpus?: number;
  /** A command for a shell, run when the run has ended. */
  notify?: string;
  /** What the run is called, beside its number. */
  name?: string;
  tag: string[];
  note?: string;
}

export interface StoreFlags {
  store: string;
  json?: boolean;
}

/** Adds `--store` and `--json`. */
export function addStoreFlags(command: Command): Command {
  return command
    .addOption(
      new Option('--store <folder>', 'where artifacts and runs are kept').env('LAMINA_STORE').default(projectStore()),
    )
    .option('--json', 'print JSON for programs; its form is stable');
}

/** Adds the flags that say which profile, values and cells of a spec are meant, and what is run again. */
export function addPlanFlags(command: Command): Command {
  return addSpecFlags(
    command.option('--force <stage>', 'run this stage again even where its result is cached', collect, []),
  );
}

/** The same without `--force`. */
function addSpecFlags(command: Command): Command {
  return addStoreFlags(
    command
      .option('--profile <name>', 'models, data and sizes to use (default: the one the spec marks)')
      .option(
        '--set <path=value[,value...]>',
        'replace a parameter, or a stage.parameter; several values are swept',
        collect,
        [],
      )
      .option('--only <axis=value,...>', 'keep only the cells with these axis values', collect, [])
      .option('--seed <number>', 'the seed of everything that draws', wholeNumber(0))
      .addOption(new Option('--backend <name>', 'what computes').choices(['onnx', 'tensorflow', 'cpu']))
      .addOption(new Option('--provider <name>', 'the device of the onnx backend').choices(['cpu', 'webgpu', 'cuda']))
      .addOption(precisionOption())
      .option('--threads <number>', 'CPU threads of a stage; part of the cache key', wholeNumber(1)),
  );
}

/** What `export` is asked to do; the parameters of its stage are among them, by their own names. */
export interface ExportFlags extends PlanFlags {
  to: string;
  memoryCheck: boolean;
  diskCheck: boolean;
}

/** Adds the flags of `export` but those that are parameters of its stage. */
export function addExportFlags(command: Command): Command {
  return addSpecFlags(command.requiredOption('--to <folder>', 'where to put the files: a folder that is new or empty'))
    .option('--no-memory-check', 'export although more memory is expected to be taken than this machine has')
    .option('--no-disk-check', 'export although more room is expected to be taken than the disk has');
}

/** Adds the flags of `run`: how it goes on, what it is called, what it does not ask. */
export function addRunFlags(command: Command): Command {
  return command
    .option('-j, --jobs <number>', 'units that run side by side (default: the number of CPU cores)', wholeNumber(1))
    .addOption(
      new Option(
        '--executor <name>',
        'where units run: this machine, Slurm, or the commands of the site file (default: what the site file says, else local)',
      ).choices(['local', 'slurm', 'commands']),
    )
    .addOption(siteOption())
    .option(
      '--gpus <number>',
      'GPUs of this machine, each for one unit at a time (default: those that nvidia-smi lists)',
      wholeNumber(0),
    )
    .option('--fail-fast', 'start nothing more after the first failure (default: go on with what does not need it)')
    .option('--retries <number>', 'try a unit so often again whose attempt failed (default: 0)', wholeNumber(0))
    .option('--timeout <time>', 'end an attempt that takes longer (90s, 30min, 12h); it keeps its state', parseTime)
    .option('--frozen', "refuse what is not in the spec's lock, naming what moved (see 'lamina lock')")
    .option(
      '--resources <[stage:]name=value,...>',
      'what attempts may take and are given: memory=8GB, cpus=4, time=12h, gpu=1; of one stage, or of all',
      collect,
      [],
    )
    .option('--notify <command>', 'run this when the run has ended; LAMINA_STATUS says how, LAMINA_TEXT in a sentence')
    .option('--name <name>', 'call the run so: NAME@<name> means the latest run with it')
    .option('--tag <tag>', 'mark the run; may be given several times', collect, [])
    .option('--note <text>', 'say something of the run')
    .option('--no-control', "run the grid although its control's numbers do not come out as expected")
    .option('--no-memory-check', 'run although a stage is expected to take more memory than this machine has')
    .option('--no-disk-check', 'run although the outputs are expected to take more room than the disk has');
}

/** What `generate` is asked to do. */
export interface GenerateFlags extends EngineFlags, RemoteFlags {
  prompt: string[];
  system?: string;
  /** The model's own chat template, the one that lamina trains with, or the prompt as it is. */
  template?: 'own' | 'tulu' | 'none';
  maxTokens: number;
  stop: string[];
  temperature: number;
  topP: number;
  topK: number;
  seed: number;
  /** When tokens stop before the last layer: `confidence=gap,threshold=0.8`. */
  exit?: string;
  profile?: string;
  set: string[];
  only: string[];
  store: string;
  json?: boolean;
}

const precisionOption = () =>
  new Option('--precision <name>', 'what the operands of matrix products are rounded to (default: float32)').choices([
    ...precisions,
  ]);

/** Adds the flags of `generate`. */
export function addGenerateFlags(command: Command): Command {
  return addStoreFlags(
    command
      .option('-p, --prompt <text>', 'what to answer; may be given several times, - reads standard input', collect, [])
      .option('--system <text>', 'a system message before the prompt')
      .addOption(
        new Option(
          '--template <name>',
          "the model's own chat template (default, where it has one), lamina's (tulu), or none: the prompt is continued as it is",
        ).choices(['own', 'tulu', 'none']),
      )
      .option('--max-tokens <number>', 'tokens to make at most', wholeNumber(1), 200)
      .option('--stop <text>', 'end the text before this; may be given several times', collect, [])
      .option('--temperature <number>', '0 takes the likeliest token, 1 draws as the model says', atLeast(0), 0)
      .option('--top-p <share>', 'draw from the likeliest tokens that have this share together', share, 1)
      .option('--top-k <number>', 'draw from this many of the likeliest tokens; 0 for all', wholeNumber(0), 0)
      .option('--seed <number>', 'the seed of what is drawn', wholeNumber(0), 0)
      .option(
        '--exit <rule>',
        "let tokens stop early: parameters of stage 'early-exit', such as exits=4,6,8,threshold=0.9 (default: what the stage or cell that is named was given)",
      )
      .option('--profile <name>', 'of a spec: models, data and sizes to use')
      .option('--set <path=value>', 'of a spec: replace a parameter', collect, [])
      .option('--only <axis=value,...>', 'of a spec: keep only the cells with these axis values', collect, [])
      .addOption(new Option('--backend <name>', 'what computes').choices(['onnx', 'tensorflow', 'cpu']))
      .addOption(new Option('--provider <name>', 'the device of the onnx backend').choices(['cpu', 'webgpu', 'cuda']))
      .addOption(precisionOption())
      .option('--threads <number>', 'CPU threads (default: 1, or all cores for a model above 100 MB)', wholeNumber(1)),
  );
}

function port(text: string): number {
  const value = wholeNumber(0)(text);
  if (value > 65_535) throw new InvalidArgumentError('expected a port from 0 to 65535');
  return value;
}

/** Adds the flags of `ui`. */
export function addUiFlags(command: Command): Command {
  return addStoreFlags(command).option(
    '--port <number>',
    'the port to listen on, 0 for any (default: 7317, or the next that is free)',
    port,
  );
}

/** Adds the flags of `doctor`. */
export function addDoctorFlags(command: Command): Command {
  return addStoreFlags(
    command
      .addOption(new Option('--backend <name>', 'ask about this one alone').choices(['onnx', 'tensorflow', 'cpu']))
      .addOption(
        new Option('--provider <name>', 'ask about this device of the onnx backend alone').choices([
          'cpu',
          'webgpu',
          'cuda',
        ]),
      )
      .addOption(
        new Option(
          '--install <library>',
          "fetch it from npm and PyPI into .gpu, then ask about it: TensorFlow, or ONNX Runtime's CUDA provider",
        ).choices(['tensorflow', 'cuda']),
      )
      .option('--gpu', "with --install tensorflow: the one for NVIDIA's GPUs")
      .option(
        '--wait <seconds>',
        'how long a library may take to load, or to compute, before it is ended',
        wholeNumber(1),
        120,
      ),
  );
}

/** What the estimate of a plan assumes. */
export interface EstimateFlags {
  device?: string;
  utilisation?: number;
  recordTokens: number;
}

/** Adds `--device`, `--utilisation` and `--record-tokens`. */
export function addEstimateFlags(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--device <name>',
        'estimate the work, time, memory and disk on this device (default: cpu, or h100 for more than a day of work)',
      ).choices(deviceNames),
    )
    .option('--utilisation <share>', "share of the device's peak that is assumed, above 0 to 1", share)
    .option(
      '--record-tokens <number>',
      'tokens per record, where the data set is not known',
      wholeNumber(1),
      usualRecordTokens,
    );
}

/** Adds `--limit`, `--all` and `--cell`. */
export function addRunsFlags(command: Command): Command {
  return addStoreFlags(
    command
      .option('-n, --limit <number>', 'list so many of the latest (default: 20; with --json all)', wholeNumber(1))
      .option('--all', 'list all of them')
      .option('--shared', 'list those in the shared store (--remote) instead')
      .option('--cell <name>', 'show the number of this cell (default: the last one that most of the runs have)'),
  );
}

/** Adds the flags of `bundle`. */
export function addBundleFlags(command: Command): Command {
  return addSpecFlags(
    command.requiredOption(
      '--to <folder>',
      'where to put the bundle: a folder that is new or empty, or a new file NAME.tar',
    ),
  )
    .option('--run <run>', 'a run of the spec, by number or name, in the place of the spec as it is')
    .option('--largest-input <bytes>', 'leave out inputs that are larger (default: 64MB)', parseBytes, 64e6);
}

/** Adds the flags of `audit`. */
export function addAuditFlags(command: Command): Command {
  return addPlanFlags(command)
    .option('--sample <number>', 'how many units are made again: a number, or a share of them (5%)', sampleSize, {
      count: 5,
    })
    .option('--sample-seed <number>', 'which units they are', wholeNumber(0), 0)
    .option(
      '-j, --jobs <number>',
      'units that are made side by side (default: the number of CPU cores)',
      wholeNumber(1),
    );
}

/** Adds the flags of `gc`. */
export function addCollectionFlags(command: Command): Command {
  return addStoreFlags(
    command
      .option('--keep <name[@run]>', 'keep this run, or all of an experiment; may be given several times', collect, [])
      .option('--keep-last <number>', 'keep so many of the latest runs of each experiment', wholeNumber(0))
      .option('--older-than <age>', 'give up runs that are older (30min, 12h, 7d, 2w), keep the others', parseTime)
      .option(
        '--intermediate [stages]',
        'also artifacts that every stage which reads them has used, of these stages alone (a,b) where some are named; their records stay',
      )
      .option(
        '--quota <bytes>',
        'free no more than is needed for so much to stay (4.5GB), the oldest first',
        parseBytes,
      )
      .addOption(siteOption())
      .option('-y, --yes', 'do it'),
  );
}

function siteOption(): Option {
  const usual = "the site file (default: lamina.site.yaml in the project's folder, where there is one)";
  return new Option('--site <file>', usual).env('LAMINA_SITE');
}

function sampleSize(text: string): { count: number } | { share: number } {
  const [, number = '', percent = ''] = /^(\d{1,9}(?:\.\d+)?)(%?)$/.exec(text) ?? [];
  const value = Number(number);
  if (percent === '' && Number.isInteger(value) && value > 0) return { count: value };
  if (percent !== '' && value > 0 && value <= 100) return { share: value / 100 };
  throw new InvalidArgumentError('expected a whole number of at least 1, or a share such as 5%');
}

function share(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 1) return value;
  throw new InvalidArgumentError('expected a number above 0, at most 1');
}

function atLeast(least: number): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (value >= least && Number.isFinite(value)) return value;
    throw new InvalidArgumentError(`expected a number of at least ${least}`);
  };
}

/** Gathers the values of a flag that may be given several times. */
export function collect(value: string, earlier: string[]): string[] {
  return [...earlier, value];
}

function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least) return value;
    throw new InvalidArgumentError(`expected a whole number of at least ${least}`);
  };
}
