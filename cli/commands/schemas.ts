// `lamina schemas`: writes the JSON Schemas for editors.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { editorSchemas } from '../../schemas/editor.ts';
import { UserError } from '../../util/errors.ts';
import { makeFolders } from '../../util/make-folders.ts';
import type { Context } from '../common/context.ts';
import { exitCodes } from '../common/exit-codes.ts';

/** Writes one file per kind of spec into `--out` and prints their paths. */
export async function schemas(_arguments: [], flags: { out: string }, context: Context): Promise<number> {
  for (const [name, schema] of Object.entries(editorSchemas(await context.registry()))) {
    const file = join(flags.out, name);
    writeText(file, flags.out, `${JSON.stringify(schema, undefined, 2)}\n`);
    context.terminal.out.write(`${file}\n`);
  }
  return exitCodes.done;
}

function writeText(file: string, folder: string, text: string): void {
  try {
    makeFolders(folder);
    writeFileSync(file, text);
  } catch (error) {
    throw new UserError(`cannot write '${file}': ${(error as Error).message}`, { cause: error });
  }
}
