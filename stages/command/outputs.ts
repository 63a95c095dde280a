// What a command has made: every output in its place, metrics that are numbers, and what it wrote besides.
import { existsSync, statSync } from 'node:fs';
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseJson } from '../../formats/text/strict-json.ts';
import { UserError } from '../../util/errors.ts';
import { isObject } from '../../util/json.ts';
import type { CommandParams } from './declare.ts';

type Output = CommandParams['outputs'][string];

/** Moves what lies in the working folder to `place`, and looks at it. Throws UserError for what is missing or holds no numbers. */
export async function gatherOutput(name: string, output: Output, place: string, work: string): Promise<void> {
  const { file, kind, optional = false, fields } = output;
  const written = file === undefined ? place : join(work, file);
  if (!existsSync(written)) {
    if (optional) return;
    const where = file === undefined ? `to {out.${name}}` : `to '${file}' in its working folder`;
    throw new UserError(`the program ended without output '${name}': expected it to write it ${where}`);
  }
  if (statSync(written).isDirectory()) throw new UserError(`output '${name}' is a folder, expected a file`);
  if (file !== undefined) await cp(written, place);
  if (kind === 'metrics') await checkMetrics(name, place, fields);
}

async function checkMetrics(name: string, path: string, fields: readonly string[] | undefined): Promise<void> {
  const metrics = parseJson(await readFile(path, 'utf8'), `output '${name}', which is of kind 'metrics'`);
  if (!isObject(metrics)) throw new UserError(`output '${name}': expected a JSON object with numbers, got other JSON`);
  for (const field of fields ?? []) {
    const value = numberAt(metrics, field);
    if (value === undefined) {
      throw new UserError(
        `output '${name}': expected a number '${field}', as its 'fields' say, got ${shownKeys(metrics)}`,
      );
    }
  }
  if (!holdsNumber(metrics))
    throw new UserError(`output '${name}': expected at least one number, got ${shownKeys(metrics)}`);
}

/** The number of a dotted name, whose parts may have dots themselves. */
function numberAt(value: unknown, field: string): number | undefined {
  if (!isObject(value)) return undefined;
  const own = value[field];
  if (typeof own === 'number') return own;
  for (let at = field.indexOf('.'); at >= 0; at = field.indexOf('.', at + 1)) {
    const found = numberAt(value[field.slice(0, at)], field.slice(at + 1));
    if (found !== undefined) return found;
  }
  return undefined;
}

function holdsNumber(value: unknown): boolean {
  if (typeof value === 'number') return true;
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsNumber);
}

function shownKeys(value: Record<string, unknown>): string {
  const keys = Object.keys(value).slice(0, 8);
  return keys.length === 0 ? 'an empty object' : `the keys ${keys.map((key) => `'${key}'`).join(', ')}`;
}

/** A warning of files that are no output; undefined where there are none. */
export function strayWarning(files: readonly string[]): string | undefined {
  if (files.length === 0) return undefined;
  const named = files.slice(0, 5).map((file) => `'${file}'`);
  const more = files.length > named.length ? [`${files.length - named.length} more`] : [];
  return `the program wrote ${[...named, ...more].join(', ')} to its working folder, which no output names: they are thrown away; give an output 'file' to keep one`;
}
