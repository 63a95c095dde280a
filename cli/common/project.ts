// The project that a command is called in: the nearest folder, from the current one upwards, that has a store or results, as git finds its own.
import { existsSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { namesIn } from '../../util/names-in.ts';
import type { Context } from './context.ts';

/** The store's folder in a project. */
const storeName = '.lamina';

/** What was found for each folder: a command that makes a store on its way must not land elsewhere half-way. */
const found = new Map<string, string>();

/** The project's folder as seen from the current one: `.`, `..`, `../..`; the current one where there is none. */
export function projectFolder(): string {
  const here = currentFolder();
  if (here === undefined) return '.';
  const known = found.get(here) ?? (relative(here, findProject(here) ?? here) || '.');
  found.set(here, known);
  return known;
}

/** The store that commands use when they are not told another. */
export function projectStore(): string {
  return join(projectFolder(), storeName);
}

/** The folder of committed outcomes. */
export function resultsFolder(): string {
  return join(projectFolder(), 'results');
}

/** Says which project it is, where that is not the current folder; `results`: the command reads or writes them. */
export function sayProject({ terminal: { err } }: Context, store: string, results: boolean): void {
  const folder = projectFolder();
  const parts = [store === projectStore() ? 'store' : '', results ? 'results' : ''].filter((part) => part !== '');
  if (folder !== '.' && parts.length > 0)
    err.write(`${err.paint.faint(`${parts.join(' and ')} of the project in ${folder}`)}\n`);
}

function findProject(from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    if (folder !== from && isForEverybody(folder)) return undefined;
    if (isProject(folder)) return folder;
    if (existsSync(join(folder, '.git')) || folder === dirname(folder)) return undefined;
  }
}

function isProject(folder: string): boolean {
  return isFolder(join(folder, storeName)) || hasOutcome(join(folder, 'results'));
}

/** A folder may be called `results` for other reasons: outcomes lie in `NAME/PROFILE`. */
function hasOutcome(results: string): boolean {
  return namesIn(results).some((name) =>
    namesIn(join(results, name)).some((profile) => existsSync(join(results, name, profile, 'cells.json'))),
  );
}

/** Where everybody puts things, as in /tmp, nobody has a project, and what lies there may be a trap. */
function isForEverybody(folder: string): boolean {
  return isFolder(folder) && (statSync(folder).mode & 0o1002) === 0o1002;
}

/** What may not be looked at is none of ours either. */
function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** Undefined when it has been removed. */
function currentFolder(): string | undefined {
  try {
    return process.cwd();
  } catch {
    return undefined;
  }
}
