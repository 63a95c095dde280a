// Carries out an installation: into a folder beside its place, step by step, and into its place when it is whole.
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeDurably } from '../../store/durable.ts';
import { installedFolder } from '../../tensor/backend/installed-folder.ts';
import { formatBytes } from '../../util/amounts.ts';
import { isObject } from '../../util/json.ts';
import { textOf } from '../../util/text-of.ts';
import { freeBytes, nearestAbove } from '../common/free-space.ts';
import { shortPath } from '../common/spec-name.ts';
import type { Output } from '../common/terminal.ts';
import { call } from './call.ts';
import { onlyOne } from './lock.ts';
import { told } from './progress.ts';
import type { Recipe, Site } from './recipe.ts';
import { checkMachine } from './tools.ts';

/** In an installation's folder: which recipe it follows, and which of its steps are done. */
const recordName = 'installed.json';

/**
 * Installs it where it is not installed, and goes on where it was stopped. Throws UserError with the way out, the abort's reason where it is
 * stopped; until everything is there its place holds what it held before.
 */
export async function install(recipe: Recipe, output: Output, signal: AbortSignal): Promise<void> {
  const place = installedFolder(recipe.name);
  await onlyOne(`${place}.lock`, `${recipe.title} is being installed`, async () => {
    if (isWhole(recipe, place)) output.write(`${recipe.title} is in ${shortPath(place)}\n`);
    else await fill(recipe, place, output, signal);
    recipe.join?.(place);
  });
}

async function fill(recipe: Recipe, place: string, output: Output, signal: AbortSignal): Promise<void> {
  checkMachine(recipe, place);
  output.write(`${spaceText(recipe, place)}\n`);
  const part = `${place}.part`;
  if (recordIn(part)?.recipe !== recipe.title) rmSync(part, { recursive: true, force: true });
  const fetched = join(part, 'fetched');
  mkdirSync(fetched, { recursive: true });
  const options = { log: join(part, 'install.log'), signal, env: { TMPDIR: fetched } };
  const site: Site = { folder: part, fetched, call: (command) => call(command, options) };
  const done = new Set(recordIn(part)?.done);
  for (const step of recipe.steps) {
    if (done.has(step.name)) {
      output.write(`${output.paint.good('✓')} ${step.name}  done before\n`);
      continue;
    }
    await told(step.name, fetched, output, () => step.run(site));
    writeRecord(part, recipe, [...done.add(step.name)]);
  }
  rmSync(fetched, { recursive: true, force: true });
  replace(part, place);
}

/** What was there is moved away first, so that a stop leaves the one, the other or nothing in the place. */
function replace(part: string, place: string): void {
  const old = `${place}.old`;
  rmSync(old, { recursive: true, force: true });
  if (existsSync(place)) renameSync(place, old);
  renameSync(part, place);
  rmSync(old, { recursive: true, force: true });
}

function isWhole(recipe: Recipe, place: string): boolean {
  const record = recordIn(place);
  return record?.recipe === recipe.title && recipe.steps.every(({ name }) => record.done.includes(name));
}

function recordIn(folder: string): { recipe: string; done: string[] } | undefined {
  try {
    const value: unknown = JSON.parse(textOf(join(folder, recordName)));
    if (!isObject(value) || typeof value.recipe !== 'string' || !Array.isArray(value.done)) return undefined;
    return { recipe: value.recipe, done: value.done.map(String) };
  } catch {
    return undefined;
  }
}

function writeRecord(folder: string, { title }: Recipe, done: readonly string[]): void {
  writeDurably(join(folder, recordName), `${JSON.stringify({ recipe: title, done }, undefined, 1)}\n`);
}

function spaceText({ title, fetched_bytes, kept_bytes, peak_bytes }: Recipe, place: string): string {
  const free = freeBytes(nearestAbove(place));
  const room = free === null ? '' : `, of ${formatBytes(free)} that are free`;
  const takes = `${formatBytes(fetched_bytes)} to fetch, ${formatBytes(peak_bytes)} of disk meanwhile and ${formatBytes(kept_bytes)} afterwards`;
  return `installing ${title} into ${shortPath(place)}: ${takes}${room}`;
}
