// How a spec and the things in it are named on the command line.
import { relative, resolve } from 'node:path';
import { shippedName } from '../../located/shipped.ts';
import { namedLabel } from '../../report/numbers/label.ts';
import type { PlanFlags } from './flags.ts';
import { projectFolder, projectStore } from './project.ts';

/** `path` relative to the current folder when it lies inside, the name of what comes with lamina, as it is otherwise. */
export function shortPath(path: string): string {
  return pathFrom(process.cwd(), path);
}

/** The same as seen from the project's folder: what is kept reads alike, wherever in it the command was called. */
export function projectPath(path: string): string {
  return pathFrom(resolve(projectFolder()), path);
}

function pathFrom(folder: string, path: string): string {
  const short = relative(folder, path);
  return shippedName(path, folder) ?? (short === '' || short.startsWith('..') ? path : short);
}

/** `3→4 T_next rank 4`: a unit and its cell; of the axes those are named whose values are bare numbers. */
export function unitLabel(unit: string, cell: string): string {
  const parts = cell === '' ? [] : cell.split(',').map((part) => [part.slice(0, part.indexOf('=')), part] as const);
  const values = parts.map(([axis, part]) => namedLabel(axis, part.slice(axis.length + 1)));
  return [unit, ...values].filter((part) => part !== '').join(' ');
}

/** `1 cell`, `8 cells`. */
export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** `lamina run SPEC ...` with the flags that make the same plan, to be copied into a shell. */
export function planCommand(command: string, spec: string, flags: PlanWords, ...rest: string[]): string {
  const { profile, set, only, seed, backend, provider, precision, threads, store, remote } = flags;
  const own = store === (process.env.LAMINA_STORE || projectStore()) ? undefined : store;
  const shared = remote === process.env.LAMINA_REMOTE ? undefined : remote || undefined;
  const single = Object.entries({ profile, seed, backend, provider, precision, threads, store: own, remote: shared });
  const words = [
    ...single.flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, String(value)])),
    ...set.flatMap((each) => ['--set', each]),
    ...only.flatMap((each) => ['--only', each]),
  ];
  return ['lamina', command, ...[spec, ...rest, ...words].map(shellWord)].join(' ');
}

/** The flags that decide which plan a spec makes, and where its results are. */
type PlanWords = Pick<PlanFlags, 'set' | 'only' | 'store'> & Partial<PlanFlags>;

/** An argument as a shell needs it. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
