// What the benchmark's command line asks for.
import { parseArgs } from 'node:util';
import { UserError } from '../util/errors.ts';
import { modelNames, tinyName } from './engine/shapes.ts';
import { tasks as allTasks, isMachine, type Task } from './engine/tasks.ts';
import { shapes as runnerShapes, type Shape } from './runner/shapes.ts';

/** The parts of the benchmark. */
export const parts = ['engine', 'decode', 'tasks', 'runner', 'store', 'memory', 'precision', 'start'] as const;
export type Part = (typeof parts)[number];

/** Those that are asked of a model. */
const engineTasks = allTasks.filter((task) => !isMachine(task));

export interface Options {
  parts: readonly Part[];
  /** Write the results into bench/README.md. */
  write: boolean;
  rounds: number;
  /** How many tasks the runners are given, one number after the other, and in which shapes. */
  sizes: readonly number[];
  shapes: readonly Shape[];
  /** The size of the store whose reading is measured. */
  store_bytes: number;
  /** Steps of the fine-tuning whose memory is watched. */
  memory_steps: number;
  /** Steps of the fine-tuning in each precision. */
  precision_steps: number;
  /** Smaller sizes of everything. */
  quick: boolean;
  engine: EngineOptions;
  /** Measure without peers. */
  alone: boolean;
}

/** What the engine is measured at. */
interface EngineOptions {
  /** Names of shapes, or folders. */
  models: readonly string[];
  threads: readonly number[];
  /** Fewer than elsewhere: steps of seconds vary less than those of milliseconds. */
  rounds: number;
  tasks: readonly Task[];
  /** A file of records; none means generated ones. */
  records: string | undefined;
  /** PyTorch's side goes through torch.compile. */
  compiled: boolean;
  /** Nothing new begins after so many. */
  minutes: number | undefined;
}

export const usage = `npm run bench -- [engine] [decode] [tasks] [runner] [store] [memory] [precision] [start] [--quick] [--write] [--alone] [--rounds N] [--stages N,...] [--shape NAME]... [--steps N]
                       [--model NAME|FOLDER]... [--threads 1,2] [--records FILE] [--task NAME]... [--minutes N] [--compiled]
  --quick     fewer rounds (5 instead of 15) and stages (100 instead of 1,000), a smaller store (1 GB instead of 10),
              3 rounds instead of 5 and shorter tasks of the engine, 100 steps instead of 1,000 of memory, 40 instead of 200 of precision
  --write     put the results into bench/README.md
  --alone     lamina's own figures only, without PyTorch, transformers, lm_eval, DVC, Snakemake and ninja
  --stages    of runner: how many tasks a graph has; several may be given, with commas
  --shape     of runner: ${runnerShapes.join(', ')}; several may be given (default: all)
  --steps     of memory and precision: steps of fine-tuning (default: 1,000 and 200)
  --model     of engine, and the first of memory and precision: ${modelNames.join(', ')} or a model's folder; several may be given (default: ${tinyName})
  --threads   of engine, and the first of memory and precision: numbers of threads, with commas (default: 1,2)
  --records   of engine, memory and precision: JSON lines to evaluate and train on, as gsm8k-test.jsonl (default: generated dialogues)
  --task      of engine: ${engineTasks.join(', ')}; several may be given (default: all)
  --compiled  of engine: PyTorch through torch.compile instead of eager, where that is PyTorch's own side
  --minutes   of engine: begin no further task after so many, and say which are left out`;

/** Reads the arguments; a UserError for what they cannot be. */
export function readOptions(args: readonly string[]): Options {
  const { values, positionals } = parse(args);
  const chosen = positionals.map(partNamed);
  return {
    parts: chosen.length === 0 ? parts : chosen,
    write: values.write ?? false,
    alone: values.alone ?? false,
    rounds: count('rounds', values.rounds, values.quick ? 5 : 15),
    quick: values.quick ?? false,
    engine: {
      models: values.model ?? [tinyName],
      threads: (values.threads ?? '1,2').split(',').map((text) => count('threads', text, 1)),
      rounds: count('rounds', values.rounds, values.quick ? 3 : 5),
      tasks: values.task?.map(taskNamed) ?? engineTasks,
      records: values.records,
      compiled: values.compiled ?? false,
      minutes: values.minutes === undefined ? undefined : count('minutes', values.minutes, 1),
    },
    sizes: (values.stages ?? (values.quick ? '100' : '1000')).split(',').map((text) => count('stages', text, 1)),
    shapes: values.shape?.map(shapeNamed) ?? runnerShapes,
    store_bytes: values.quick ? 1e9 : 1e10,
    memory_steps: count('steps', values.steps, values.quick ? 100 : 1000),
    precision_steps: count('steps', values.steps, values.quick ? 40 : 200),
  };
}

function parse(args: readonly string[]) {
  const flag = { type: 'boolean' } as const;
  const text = { type: 'string' } as const;
  const list = { type: 'string', multiple: true } as const;
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...{ quick: flag, write: flag, alone: flag, compiled: flag, rounds: text, stages: text, steps: text },
        ...{ model: list, threads: text, records: text, task: list, shape: list, minutes: text },
      },
    });
  } catch (error) {
    throw new UserError(`${(error as Error).message}\n${usage}`);
  }
}

function partNamed(name: string): Part {
  const part = parts.find((each) => each === name);
  if (part === undefined)
    throw new UserError(`there is no benchmark '${name}', expected ${parts.join(', ')}\n${usage}`);
  return part;
}

function taskNamed(name: string): Task {
  const task = engineTasks.find((each) => each === name);
  if (task !== undefined) return task;
  throw new UserError(`the engine has no task '${name}', expected one of ${engineTasks.join(', ')}`);
}

function shapeNamed(name: string): Shape {
  const shape = runnerShapes.find((each) => each === name);
  if (shape !== undefined) return shape;
  throw new UserError(`the runners have no shape '${name}', expected one of ${runnerShapes.join(', ')}`);
}

function count(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new UserError(`--${name} expects a whole number of at least 1, got '${text}'`);
}
