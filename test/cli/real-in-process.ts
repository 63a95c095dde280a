// The real command line in this process: as `lamina` would answer, with its stages and workers, in a fraction of the time.
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { runCli as RunCli } from '../../cli/cli.ts';
import type { StageRegistry } from '../../contract/stage.ts';
import { capturedTerminal } from './captured.ts';
import type { Ended } from './program.ts';

const dist = resolve(import.meta.dirname, '../../dist');
const { runCli } = (await import(join(dist, 'cli/cli.js'))) as { runCli: typeof RunCli };
const { stageRegistry } = (await import(join(dist, 'stages/registry.js'))) as { stageRegistry: StageRegistry };

/** Gives one command in a folder; what a user would see, and the exit code. */
export async function laminaInProcess(folder: string, ...argv: string[]): Promise<Ended> {
  const { terminal, text } = capturedTerminal();
  const setup = {
    registry: async () => stageRegistry,
    worker: pathToFileURL(join(dist, 'cli/worker.js')),
    job: pathToFileURL(join(dist, 'cli/carry-out.js')),
  };
  const before = process.cwd();
  process.chdir(folder);
  try {
    const code = await runCli(argv, setup, terminal);
    return { code, ...text };
  } finally {
    process.chdir(before);
  }
}
