// The command line as one function: reads the arguments, runs a command, prints what went wrong, gives the exit code.
import { type Command, CommanderError } from 'commander';
import { UserError } from '../util/errors.ts';
import { machineError } from '../util/system-error.ts';
import type { Context, Setup } from './common/context.ts';
import { exitCodes } from './common/exit-codes.ts';
import { openTerminal, type Terminal } from './common/terminal.ts';
import { type Additions, buildProgram } from './program.ts';

/** Runs one command line (`argv` without node and script) to its end; never throws. Prints to this process's terminal, or to one that is given. */
export async function runCli(
  argv: readonly string[],
  setup: Setup,
  terminal: Terminal = openTerminal(),
): Promise<number> {
  const context: Context = { ...setup, argv, terminal };
  let code: number = exitCodes.done;
  try {
    const exit = (value: number) => {
      code = value;
    };
    const program = buildProgram(context, exit, await additionsFor(context));
    if (argv.length === 0) context.terminal.out.write(program.helpInformation());
    else await program.parseAsync(helpOfUnknown(argv, program) ?? argv, { from: 'user' });
    return code;
  } catch (error) {
    return explainError(error, context);
  }
}

/** `help ls` is answered as `ls` is: commander itself would print the whole help. */
function helpOfUnknown([help, name]: readonly string[], program: Command): string[] | undefined {
  const unknown = help === 'help' && name !== undefined && !program.commands.some((each) => each.name() === name);
  return unknown && name !== 'help' ? [name] : undefined;
}

/** The parameters of the stage `export` as options: its schema is opened only where somebody asks for them. */
async function additionsFor({ argv: [command = ''], registry }: Context): Promise<Additions> {
  const stage = ['export', 'help'].includes(command) ? (await registry()).get('export') : undefined;
  if (stage === undefined) return {};
  const { addParameters } = await import('./export/parameters.ts');
  return { export: (command) => addParameters(command, stage) };
}

function explainError(error: unknown, { terminal }: Context): number {
  const { paint, write } = terminal.err;
  // commander has printed its sentence already
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.invalid;
  const told = error instanceof UserError ? error : machineError(error);
  if (told !== undefined) {
    // mistakes in specs begin with their place, as compilers' do
    write(told.name === 'SpecErrors' ? `${told.message}\n` : `${paint.bad('error')}  ${told.message}\n`);
    return exitCodes.invalid;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  write(`${paint.bad('this is a bug in lamina')}; please report it with the lines below\n${stack}\n`);
  return exitCodes.failed;
}
