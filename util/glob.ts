// Files by a pattern: `*` and `?` stay within one name, `**` goes through folders.
import { readdirSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';

const magic = /[*?]/;
/** Nobody names these by a pattern, and they are large. */
const passedOver: ReadonlySet<string> = new Set(['.git', 'node_modules', '__pycache__']);

/** True for a text that is a pattern. */
export function isPattern(text: string): boolean {
  return magic.test(text);
}

/** The files that an absolute pattern matches, in the order of their names. */
export function filesMatching(pattern: string): string[] {
  const parts = pattern.split(sep);
  const first = parts.findIndex((part) => magic.test(part));
  const base = parts.slice(0, first).join(sep) || sep;
  const test = new RegExp(`^${parts.slice(first).map(partPattern).join('')}$`);
  const found: string[] = [];
  const pending = [''];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    for (const name of namesIn(join(base, folder))) {
      const path = folder === '' ? name : `${folder}/${name}`;
      const stats = statSync(join(base, path), { throwIfNoEntry: false });
      if (stats?.isDirectory() && !passedOver.has(name)) pending.push(path);
      if (stats?.isFile() && test.test(path)) found.push(join(base, path));
    }
  }
  return found.sort();
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** A part between slashes; the last one has none behind it. */
function partPattern(part: string, index: number, parts: readonly string[]): string {
  const isLast = index === parts.length - 1;
  if (part === '**') return isLast ? '.*' : '(?:[^/]+/)*';
  const text = part
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*/g, '[^/]*')
    .replace(/\?/g, '[^/]');
  return isLast ? text : `${text}/`;
}
