// What runs left for people: small JSON files under runs/<experiment>/<run>/.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { hasCode, UserError } from '../util/errors.ts';
import type { Json } from '../util/json.ts';
import { writeDurably } from './durable.ts';
import { layoutOf } from './layout.ts';
import { guardWrite } from './write-error.ts';

/** Keeps `value` as `<name>.json` of a run; returns the file's path. Throws UserError when it cannot be written. */
export function saveRun(store: string, experiment: string, run: string, name: string, value: Json): string {
  const path = runFile(store, experiment, run, name);
  guardWrite(store, `the run '${experiment}@${run}'`, () =>
    writeDurably(path, `${JSON.stringify(value, undefined, 1)}\n`),
  );
  return path;
}

/** The file `<name>.json` of a run; undefined when there is none. */
export function loadRun(store: string, experiment: string, run: string, name: string): Json | undefined {
  const path = runFile(store, experiment, run, name);
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Json;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    if (error instanceof SyntaxError) throw new UserError(`'${path}' is not JSON: ${error.message}`);
    throw error;
  }
}

/** The names of the runs of an experiment, oldest first (names begin with their time). */
export function listRuns(store: string, experiment: string): string[] {
  return namesIn(dirname(layoutOf(store).run(checkName(experiment), 'run'))).sort();
}

/** The experiments that have runs, sorted. */
export function listExperiments(store: string): string[] {
  return namesIn(join(store, 'runs')).sort();
}

function runFile(store: string, experiment: string, run: string, name: string): string {
  return join(layoutOf(store).run(checkName(experiment), checkName(run)), `${checkName(name)}.json`);
}

/** Names come from specs and the command line: they must not lead out of the folder. */
function checkName(name: string): string {
  if (/^[\p{L}\p{N}_][\p{L}\p{N}_.-]*$/u.test(name)) return name;
  throw new UserError(`'${name}' cannot name a run or an experiment: expected letters, digits, '_', '-' and '.'`);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    // where a file stands in the way, opening the store says so
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return [];
    throw error;
  }
}
