// `lamina schemas`: writes the JSON Schemas for editors.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type EditorStage, editorSchemas } from '../../schemas/editor.ts';
import { editorPipelines } from '../../spec/plan/editor-pipelines.ts';
import { ownStages } from '../../spec/plan/own-stages.ts';
import { UserError } from '../../util/errors.ts';
import { makeFolders } from '../../util/make-folders.ts';
import type { Context } from '../common/context.ts';
import { exitCodes } from '../common/exit-codes.ts';

/** Writes one file per kind of spec into `--out` and prints their paths; with the stages and pipelines of the user's own in `places`. */
export async function schemas([places]: [string[]], flags: { out: string }, context: Context): Promise<number> {
  const stages = await stagesIn(places, context);
  const pipelines = await editorPipelines(await context.registry(), places, process.cwd());
  for (const [name, schema] of Object.entries(editorSchemas(stages, pipelines))) {
    const file = join(flags.out, name);
    writeText(file, flags.out, `${JSON.stringify(schema, undefined, 2)}\n`);
    context.terminal.out.write(`${file}\n`);
  }
  return exitCodes.done;
}

/** lamina's stages by their names, and the user's as pipelines name them. */
async function stagesIn(places: readonly string[], context: Context): Promise<Map<string, EditorStage>> {
  const registry = await context.registry();
  const stages = new Map<string, EditorStage>(registry);
  for (const place of places) {
    for (const { use, definition } of await ownStages(place, new Map(registry), process.cwd())) {
      stages.set(use, { ...definition, name: use });
    }
  }
  return stages;
}

function writeText(file: string, folder: string, text: string): void {
  try {
    makeFolders(folder);
    writeFileSync(file, text);
  } catch (error) {
    throw new UserError(`cannot write '${file}': ${(error as Error).message}`, { cause: error });
  }
}
