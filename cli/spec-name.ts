// How a spec and the things in it are named on the command line.
import { relative } from 'node:path';

/** `path` relative to the current folder when it lies inside, as it is otherwise. */
export function shortPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short === '' || short.startsWith('..') ? path : short;
}

/** `3→4 T_next arxiv_math`: a unit and its cell without the names of the axes. */
export function unitLabel(unit: string, cell: string): string {
  const values = cell === '' ? [] : cell.split(',').map((part) => part.slice(part.indexOf('=') + 1));
  return [unit, ...values].filter((part) => part !== '').join(' ');
}

/** `1 cell`, `8 cells`. */
export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** An argument as a shell needs it. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
