// `lamina generate`: lets a model talk, to see whether it still does.
import { readFileSync } from 'node:fs';
import { UserError } from '../../util/errors.ts';
import type { Context } from '../common/context.ts';
import type { GenerateFlags } from '../common/flags.ts';
import { findModel } from '../generate/model.ts';

/** Prints what the model says to each prompt, as it comes. Exit code 0, or 130 when it was stopped. */
export async function generate(
  [name, part]: [string, string?],
  flags: GenerateFlags,
  context: Context,
): Promise<number> {
  const prompts = promptsOf(flags);
  const model = await findModel(name, part, flags, context);
  // only now: the engine takes a second to load, and mistakes in the arguments are told at once
  const { talk } = await import('../generate/talk.ts');
  return talk(model, prompts, flags, context.terminal);
}

function promptsOf({ prompt, system, template }: GenerateFlags): string[] {
  if (prompt.length === 0)
    throw new UserError('nothing to answer: give --prompt TEXT, or --prompt - for standard input');
  if (template === 'none' && system !== undefined) {
    throw new UserError(
      '--system has no place without a chat template: leave out --template none, or put its text into the prompt',
    );
  }
  if (prompt.filter((text) => text === '-').length > 1) throw new UserError('--prompt - can be given only once');
  const texts = prompt.map((text) => (text === '-' ? readInput() : text));
  const empty = texts.findIndex((text) => text.trim() === '');
  if (empty < 0) return texts;
  throw new UserError(`prompt ${empty + 1} is empty${prompt[empty] === '-' ? ' (standard input had no text)' : ''}`);
}

/** All of standard input, without the line's end that a shell adds. */
function readInput(): string {
  try {
    return readFileSync(0, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    throw new UserError(`cannot read standard input: ${(error as Error).message}`, { cause: error });
  }
}
