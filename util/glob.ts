// Files by a pattern: `*` and `?` stay within one name, `**` goes through folders.
import { type Dirent, readdirSync, statSync } from 'node:fs';
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
    for (const entry of entriesIn(join(base, folder))) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory() && !passedOver.has(entry.name)) pending.push(path);
      if (test.test(path) && isFile(entry, join(base, path))) found.push(join(base, path));
    }
  }
  return found.sort();
}

function entriesIn(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

/** A link to a file is one; a link to a folder is not gone into, since it may lead in a circle. */
function isFile(entry: Dirent, path: string): boolean {
  if (!entry.isSymbolicLink()) return entry.isFile();
  try {
    return statSync(path).isFile();
  } catch {
    return false;
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
