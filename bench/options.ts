// What the benchmark's command line asks for.
import { parseArgs } from 'node:util';
import { UserError } from '../util/errors.ts';

/** The parts of the benchmark. */
export const parts = ['engine', 'decode', 'tasks', 'runner', 'store'] as const;
export type Part = (typeof parts)[number];

export interface Options {
  parts: readonly Part[];
  /** Write the results into bench/README.md. */
  write: boolean;
  rounds: number;
  stages: number;
  /** The size of the store whose reading is measured. */
  store_bytes: number;
  /** Measure without PyTorch, lm_eval and DVC. */
  alone: boolean;
}

export const usage = `npm run bench -- [engine] [decode] [tasks] [runner] [store] [--quick] [--write] [--alone] [--rounds N] [--stages N]
  --quick     fewer rounds (5 instead of 15) and stages (200 instead of 1,000), a smaller store (1 GB instead of 10)
  --write     put the results into bench/README.md
  --alone     lamina's own figures only, without PyTorch, lm_eval and DVC`;

/** Reads the arguments; a UserError for what they cannot be. */
export function readOptions(args: readonly string[]): Options {
  const { values, positionals } = parse(args);
  const chosen = positionals.map(partNamed);
  return {
    parts: chosen.length === 0 ? parts : chosen,
    write: values.write ?? false,
    alone: values.alone ?? false,
    rounds: count('rounds', values.rounds, values.quick ? 5 : 15),
    stages: count('stages', values.stages, values.quick ? 200 : 1000),
    store_bytes: values.quick ? 1e9 : 1e10,
  };
}

function parse(args: readonly string[]) {
  const flag = { type: 'boolean' } as const;
  const number = { type: 'string' } as const;
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { quick: flag, write: flag, alone: flag, rounds: number, stages: number },
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

function count(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new UserError(`--${name} expects a whole number of at least 1, got '${text}'`);
}
