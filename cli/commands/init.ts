// `lamina init`: a folder of one's own, with a spec that runs.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { editorPipelines } from '../../spec/plan/editor-pipelines.ts';
import { UserError } from '../../util/errors.ts';
import { statusAt } from '../../util/file-status.ts';
import { makeFolders } from '../../util/make-folders.ts';
import { fileError } from '../../util/system-error.ts';
import type { Context } from '../common/context.ts';
import { exitCodes } from '../common/exit-codes.ts';
import { shellWord } from '../common/spec-name.ts';
import { firstSpecPath, ignoredStore, newFiles } from '../init/new-files.ts';
import { writeNew } from '../init/write-new.ts';

/** Writes what is not there yet into the folder (the current one), says what was there, and what to do next. Throws UserError. */
export async function init([folder = '.']: [string?], _flags: object, context: Context): Promise<number> {
  const { out, err } = context.terminal;
  const files = newFiles(await context.registry(), await editorPipelines(await context.registry(), [], process.cwd()));
  makeStore(folder);
  const kept: string[] = [];
  for (const [name, text] of files) {
    const path = join(folder, name);
    if (writeNew(path, text)) out.write(`${path}\n`);
    else kept.push(name);
  }
  const remarks = kept.map(
    (name) => `'${join(folder, name)}' is there already and stays as it is${missing(folder, name)}`,
  );
  err.write(remarks.map((remark) => `${err.paint.warn('!')} ${remark}\n`).join(''));
  out.write(`\nNext:\n${nextCommands(folder).join('\n')}\n`);
  return exitCodes.done;
}

/** The store's folder marks the project: commands that are called below it find it. */
function makeStore(folder: string): void {
  const path = join(folder, '.lamina');
  if (statusAt(folder)?.isFile())
    throw new UserError(`'${folder}' is a file, expected a folder, or a name for a new one`);
  try {
    makeFolders(path);
  } catch (error) {
    throw fileError(error, path, 'cannot make');
  }
}

/** What a file that stays would have to say. */
function missing(folder: string, name: string): string {
  if (name !== '.gitignore' || !statusAt(join(folder, name))?.isFile()) return '';
  const lines = readFileSync(join(folder, name), 'utf8').split(/\r?\n/);
  const ignores = lines.some((line) => /^\/?\.lamina\/?$/.test(line.trim()));
  return ignores ? '' : `: add the line '${ignoredStore}' to it`;
}

function nextCommands(folder: string): string[] {
  const enter = folder === '.' ? [] : [`  cd ${shellWord(folder)}`];
  const lines = [
    ['check', 'is the spec right?'],
    ['plan', 'what would run, what does it take?'],
    ['run', 'run it, print the table'],
  ];
  return [...enter, ...lines.map(([command, what]) => `  ${`lamina ${command} ${firstSpecPath}`.padEnd(44)} ${what}`)];
}
