// The command line in this process: what it answers in a fraction of the time. A run has its worker processes here too; what signals, a terminal
// or two commands at once do to it needs a process of its own (program.ts).
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { runCli as RunCli } from '../../cli/cli.ts';
import type { Setup } from '../../cli/common/context.ts';
import type { laminaSetup as LaminaSetup } from '../../cli/setup.ts';
import { capturedTerminal } from './captured.ts';
import { dist, type Ended, fixtures } from './program.ts';

const { runCli } = (await import(join(dist, 'cli/cli.js'))) as { runCli: typeof RunCli };
const { laminaSetup } = (await import(join(dist, 'cli/setup.js'))) as { laminaSetup: typeof LaminaSetup };

/** The arguments of the command that is being carried out: it has the working folder of this process, and its environment. */
let current: readonly string[] | undefined;

/** Gives lamina one command in a folder; what a user would see, and the exit code. */
export function lamina(cwd: string, ...argv: string[]): Promise<Ended> {
  return laminaWith({}, cwd, ...argv);
}

/** The same with more in the environment. */
export function laminaWith(env: NodeJS.ProcessEnv, cwd: string, ...argv: string[]): Promise<Ended> {
  return give(laminaSetup(), env, cwd, argv);
}

/** The same with toy stages. */
export function toy(cwd: string, ...argv: string[]): Promise<Ended> {
  return toyWith({}, cwd, ...argv);
}

/** With both. */
export function toyWith(env: NodeJS.ProcessEnv, cwd: string, ...argv: string[]): Promise<Ended> {
  const at = (name: string) => pathToFileURL(join(fixtures, name));
  const registry = async () => new Map((await import(at('toy-stages.mjs').href)).toyStages);
  return give({ registry, worker: at('toy-worker.mjs'), job: at('toy-job.mjs') } as Setup, env, cwd, argv);
}

async function give(setup: Setup, env: NodeJS.ProcessEnv, cwd: string, argv: readonly string[]): Promise<Ended> {
  if (current !== undefined) throw new Error(`'${current.join(' ')}' has not ended: two at once need processes`);
  const { terminal, text } = capturedTerminal();
  const [folder, before] = [process.cwd(), { ...process.env }];
  current = argv;
  process.chdir(cwd);
  Object.assign(process.env, env);
  try {
    return { code: await runCli(argv, setup, terminal), ...text };
  } finally {
    for (const name of Object.keys(env)) restore(name, before[name]);
    process.chdir(folder);
    current = undefined;
  }
}

function restore(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}
