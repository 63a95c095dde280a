// The folder that a command works in: what it needs is laid there under its own names, and what it leaves there is looked at.
import { constants } from 'node:fs';
import { cp, mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import type { LaidFile } from './settle.ts';

/** The folders of one attempt. */
export interface CommandFolders {
  /** Made anew for each attempt. */
  readonly work: string;
  /** Its HOME, made anew as well. */
  readonly home: string;
  /** Survives a killed attempt. */
  readonly scratch: string;
}

/** What Python and others write beside what they read. */
const byTheWay = ['__pycache__', '.pyc'];

/** Makes the folders below `place`, and copies of the files: a program that reached its own place would see what is not declared. */
export async function layOut(place: string, files: readonly LaidFile[]): Promise<CommandFolders> {
  const folders = { work: join(place, 'work'), home: join(place, 'home'), scratch: join(place, 'scratch') };
  for (const folder of [folders.work, folders.home]) await rm(folder, { recursive: true, force: true });
  for (const folder of Object.values(folders)) await mkdir(folder, { recursive: true });
  for (const { as, path } of files) {
    const to = join(folders.work, as);
    await mkdir(dirname(to), { recursive: true });
    await cp(path, to, { recursive: true, dereference: true, mode: constants.COPYFILE_FICLONE });
  }
  return folders;
}

/** The files in `folder` by their names in it, sorted. */
export async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((name) => !byTheWay.some((part) => name.includes(part)))
    .sort();
}
