// The files that a page of docs shows, each as a block behind its name: `outliers.py`:
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

export const root = resolve(import.meta.dirname, '../..');

/** Writes the named blocks of a page into a folder; their names. */
export function writeBlocks(page: string, folder: string): string[] {
  const text = readFileSync(join(root, 'docs', page), 'utf8');
  const blocks = [...text.matchAll(/^`([\w./-]+)`:\n\n```\w*\n(.*?)^```$/gms)];
  for (const [, name = '', content = ''] of blocks) {
    const file = join(folder, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
  return blocks.map(([, name = '']) => name);
}
