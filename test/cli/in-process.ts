// The toy command line in this process: quick, for tests that give many commands. What is no user's mistake is thrown on.
import { join } from 'node:path';
import type { Context } from '../../cli/common/context.ts';
import type { buildProgram as BuildProgram } from '../../cli/program.ts';
import type { StageRegistry } from '../../contract/stage.ts';
import { capturedTerminal } from './captured.ts';
import { type Ended, fixtures } from './program.ts';

const compiled = join(fixtures, '../../../dist/cli/program.js');
const { buildProgram } = (await import(compiled)) as { buildProgram: typeof BuildProgram };
const { toyStages } = (await import(join(fixtures, 'toy-stages.mjs'))) as { toyStages: StageRegistry };

/** Gives one command in a folder; what a user would see, and the exit code. */
export async function toyInProcess(folder: string, ...argv: string[]): Promise<Ended> {
  const { terminal, text } = capturedTerminal();
  const context: Context = {
    registry: async () => toyStages,
    worker: new URL('file:///nowhere'),
    job: new URL('file:///nowhere'),
    argv,
    terminal,
  };
  const before = process.cwd();
  let code = 0;
  process.chdir(folder);
  try {
    const program = buildProgram(context, (value) => {
      code = value;
    });
    await program.parseAsync(argv, { from: 'user' });
    return { code, ...text };
  } catch (error) {
    const { name, message } = error as Error;
    if (!['UserError', 'SpecErrors', 'StoreWriteError'].includes(name)) throw error;
    return { code: 2, out: text.out, err: `${text.err}error  ${message}\n` };
  } finally {
    process.chdir(before);
  }
}
