// The work of command: folders, arguments, the program, its outputs.
import type { ContextOf } from '../../contract/define.ts';
import { fillArguments } from './arguments.ts';
import type { CommandParams, command } from './declare.ts';
import { gatherOutput, strayWarning } from './outputs.ts';
import { runProgram } from './program.ts';
import type { LaidFile } from './settle.ts';
import { filesIn, layOut } from './working-folder.ts';

export async function runCommand(context: ContextOf<typeof command>): Promise<void> {
  const [unit] = context.units;
  const { params, inputs } = context;
  const { work, home, scratch } = await layOut(unit.scratch, filesOf(params));
  const before = new Set(await filesIn(work));
  const [program = '', ...rest] = fillArguments(params, { inputs, outputs: unit.outputs, scratch });
  await runProgram({ program, arguments: rest, folder: work, env: environment(params, home) }, context.signal);
  for (const [name, output] of Object.entries(params.outputs)) {
    await gatherOutput(name, output, unit.outputs[name] as string, work);
  }
  const declared = Object.values(params.outputs).map(({ file }) => file);
  const stray = (await filesIn(work)).filter((file) => !before.has(file) && !declared.includes(file));
  const warning = strayWarning(stray);
  if (warning !== undefined) context.warn(warning);
  await unit.done();
}

/** They have their names since the spec was read. */
function filesOf({ files = [] }: CommandParams): LaidFile[] {
  return files.filter((file) => typeof file !== 'string');
}

/** PATH finds the program and is this machine's; all else is the same everywhere. */
function environment({ env = {} }: CommandParams, home: string): Record<string, string> {
  const declared = Object.entries(env).map(([name, value]) => [name, String(value)]);
  return { PATH: process.env.PATH ?? '', HOME: home, LANG: 'C.UTF-8', ...Object.fromEntries(declared) };
}
