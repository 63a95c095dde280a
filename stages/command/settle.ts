// What a command's parameters mean on this machine, when its spec is read: the files that its patterns match, the variables that it takes over.
import { existsSync } from 'node:fs';
import { relative, sep } from 'node:path';
import { UserError } from '../../util/errors.ts';
import { filesMatching, isPattern } from '../../util/glob.ts';

/** A file or folder, and its name in the working folder. */
export interface LaidFile {
  readonly as: string;
  readonly path: string;
}

interface Settled {
  readonly files?: readonly (string | LaidFile)[];
  readonly env?: Readonly<Record<string, string | number | boolean>>;
  readonly env_from?: readonly string[];
}

/** The parameters with every file by its name and every variable by its value; `folder` is the pipeline's. Throws UserError. */
export function settleCommand<P extends Settled>(params: P, folder: string): P {
  const { files, env_from } = params;
  const laid = files?.flatMap((file) => (typeof file === 'string' ? found(file, folder) : [named(file)]));
  const taken = env_from?.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]));
  return {
    ...params,
    ...(laid && { files: inOrder(laid) }),
    ...(taken && { env: { ...params.env, ...Object.fromEntries(taken) } }),
  };
}

function found(path: string, folder: string): LaidFile[] {
  if (existsSync(path) || !isPattern(path)) return [{ as: nameIn(folder, path), path }];
  const matches = filesMatching(path);
  if (matches.length === 0) throw new UserError(`'files': '${relative(folder, path)}' matches no file in '${folder}'`);
  return matches.map((each) => ({ as: nameIn(folder, each), path: each }));
}

function nameIn(folder: string, path: string): string {
  const name = relative(folder, path).split(sep).join('/');
  if (!name.startsWith('../') && name !== '..' && name !== '') return name;
  throw new UserError(
    `'files': '${path}' lies outside the pipeline's folder, expected { as: its name in the working folder, path: ... }`,
  );
}

function named(file: LaidFile): LaidFile {
  if (!file.as.startsWith('/') && !file.as.split('/').includes('..')) return file;
  throw new UserError(`'files': 'as' expects a name in the working folder, got '${file.as}'`);
}

function inOrder(files: readonly LaidFile[]): LaidFile[] {
  const sorted = files.toSorted((a, b) => (a.as < b.as ? -1 : a.as > b.as ? 1 : 0));
  const twice = sorted.find(({ as }, i) => as === sorted[i + 1]?.as && sorted[i + 1]?.path !== sorted[i]?.path);
  if (twice !== undefined) throw new UserError(`'files': two of them are named '${twice.as}'`);
  return sorted.filter(({ as }, i) => as !== sorted[i - 1]?.as);
}
