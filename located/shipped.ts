// Names of what comes with lamina, from anywhere: `lamina:quickstart`, `lamina:sharp`, `lamina:common/sharp`, `lamina:tiny`.
import { readdirSync } from 'node:fs';
import { isAbsolute, join, relative, sep } from 'node:path';
import { isSafePath } from '../hub/name.ts';
import { statusAt } from '../util/file-status.ts';
import { packageFolder } from '../util/package-folder.ts';
import { nearest, orList } from './nearest.ts';

const scheme = 'lamina:';

/** What a name may stand for where it is written: `path` is a parameter that takes a file or a folder. */
export type ShippedKind = 'spec' | 'pipeline' | 'fragment' | 'path';

/** Where short names are looked for, the first wins: `lamina:blocks` is an experiment on the command line, a pipeline in `pipeline:`. */
const shelves: Readonly<Record<ShippedKind, readonly string[]>> = {
  spec: ['experiments', 'pipelines'],
  pipeline: ['pipelines'],
  fragment: ['experiments'],
  path: ['models'],
};

/** All that has a name, with its folder in front: `lamina:models/tiny`. */
const shipped = ['experiments', 'pipelines', 'models', 'tasks/definitions'];

/** True for what is meant as such a name, known or not; a file that is called so is `./lamina:...`. */
export function isShippedName(text: string): boolean {
  return text.startsWith(scheme);
}

/** The absolute path that a name stands for, or what is wrong with it: a sentence that goes on after the name. */
export function findShipped(text: string, kind: ShippedKind): { path: string } | { wrong: string } {
  const name = text.slice(scheme.length).replace(/\/$/, '');
  const path = isSafePath(name) ? placesOf(name, kind).find((place) => statusAt(place) !== undefined) : undefined;
  if (path !== undefined) return { path };
  const known = shippedNames(kind);
  const near = nearest(name, known);
  if (near !== undefined && name !== '')
    return { wrong: `does not come with lamina (did you mean '${scheme}${near}'?)` };
  const all = known.map((each) => `${scheme}${each}`);
  return { wrong: `does not come with lamina, expected ${orList(all, all.length)}` };
}

/** `lamina:quickstart` for `quickstart` and `quickstart.yaml`; undefined for what does not come with lamina. */
export function shippedAs(name: string, kind: ShippedKind): string | undefined {
  const short = name.replace(/\.yaml$/, '');
  return shippedNames(kind).includes(short) ? `${scheme}${short}` : undefined;
}

function placesOf(name: string, kind: ShippedKind): string[] {
  const whole = shipped.some((folder) => name === folder || name.startsWith(`${folder}/`)) ? [name] : [];
  const names = [...shelves[kind].map((shelf) => `${shelf}/${name}`), ...whole];
  return names.flatMap((each) => [`${each}.yaml`, each]).map((each) => join(packageFolder, each));
}

/** The names of one kind, as short as they may be. */
export function shippedNames(kind: ShippedKind): string[] {
  const names = new Set<string>();
  for (const shelf of shelves[kind]) {
    for (const name of namesOn(shelf)) names.add(names.has(name) ? `${shelf}/${name}` : name);
  }
  return [...names];
}

/** Specs without their ending, fragments with their folder; of models the folders. */
function namesOn(shelf: string): string[] {
  const names = readdirSync(join(packageFolder, shelf), { recursive: shelf !== 'models', encoding: 'utf8' });
  const found = shelf === 'models' ? names : names.filter((name) => name.endsWith('.yaml'));
  return found.map((name) => name.replace(/\.yaml$/, '').replaceAll(sep, '/')).sort();
}

/**
 * How a file of lamina's is shown to those who stand elsewhere: `lamina:pipelines/sharp.yaml`. Undefined for other files, and inside lamina's own folder,
 * where paths are shown.
 */
export function shippedName(path: string, cwd: string = process.cwd()): string | undefined {
  const [inside, here] = [relative(packageFolder, path), relative(packageFolder, cwd)];
  if (isAbsolute(inside) || !leavesFolder(here)) return undefined;
  const name = inside.split(sep).join('/');
  return shipped.some((folder) => name.startsWith(`${folder}/`)) ? `${scheme}${name}` : undefined;
}

function leavesFolder(path: string): boolean {
  return path === '..' || path.startsWith(`..${sep}`) || isAbsolute(path);
}
