// Puts results between their markers in bench/README.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './place.ts';

const path = join(root, 'bench', 'README.md');

/** Replaces what stands between `<!-- results: NAME -->` and `<!-- end: NAME -->` in bench/README.md. */
export function writeResults(name: string, text: string): void {
  writeFileSync(path, replaceBetween(readFileSync(path, 'utf8'), name, text));
}

/** `page` with `text` between the markers of `name`; an Error when it has no such markers. */
export function replaceBetween(page: string, name: string, text: string): string {
  const [start, end] = [`<!-- results: ${name} -->`, `<!-- end: ${name} -->`];
  const [from, to] = [page.indexOf(start), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`the page has no place '${start}' followed by '${end}'`);
  return `${page.slice(0, from + start.length)}\n\n${text}\n\n${page.slice(to)}`;
}
