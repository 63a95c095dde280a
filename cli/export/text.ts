// What `lamina export` prints at its end: the files with their sizes, and how they are loaded.
import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import type { JsonObject } from '../../contract/stage.ts';
import { loadingIn } from '../../stages/export/model-card.ts';
import { formatBytes } from '../../util/amounts.ts';
import { alignNumbers } from '../common/columns.ts';
import { shellWord, shortPath } from '../common/spec-name.ts';

/** What was exported, and where its files lie. */
export interface Exported {
  /** The model as people call it: `tuned on base`. */
  model: string;
  params: JsonObject;
  to: string;
  files: readonly string[];
  /** Whether the store had it already. */
  cached: boolean;
  warnings: readonly string[];
}

/** Lines for people. */
export function exportedText({ model, params, to, files }: Exported): string {
  const sizes = files.map((path) => statSync(path).size);
  const rows = files.map((path, i) => [shortPath(path), formatBytes(sizes[i] ?? 0)]);
  const total = formatBytes(sizes.reduce((sum, size) => sum + size, 0));
  const code = loadingOf(files, to).map((line) => `  ${line}`.trimEnd());
  const head = `${model} as ${params.format} in ${params.dtype}: ${files.length} files, ${total}`;
  return [...alignNumbers(rows), '', head, ...(code.length > 0 ? ['load it with', '', ...code] : []), ''].join('\n');
}

/** The stable JSON of `--json`. */
export function exportedJson({ params, files, ...rest }: Exported): string {
  const listed = files.map((path) => ({ path: shortPath(path), size_bytes: statSync(path).size }));
  return `${JSON.stringify({ ...rest, params, files: listed }, undefined, 1)}\n`;
}

/** The program in the export's card, with the folder's name in it. */
function loadingOf(files: readonly string[], to: string): string[] {
  const card = files.find((path) => basename(path) === 'README.md');
  const { language = '', lines = [] } = card === undefined ? {} : loadingIn(readFileSync(card, 'utf8'));
  const folder = to.replace(/[/\\]+$/, '');
  if (language === 'sh')
    return lines.map((line) => line.replace(/FOLDER\S*/g, (path) => shellWord(path.replace('FOLDER', folder))));
  return lines.map((line) => line.replaceAll('FOLDER', folder.replace(/[\\']/g, '\\$&')));
}
