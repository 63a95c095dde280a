// What runs left for people: small JSON files under runs/<experiment>/<run>/, each with a digest of itself.
import { closeSync, type Dirent, mkdirSync, openSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseJson } from '../../formats/text/strict-json.ts';
import { hasCode, UserError } from '../../util/errors.ts';
import { statusAt } from '../../util/file-status.ts';
import { isObject, type JsonObject } from '../../util/json.ts';
import { fileError } from '../../util/system-error.ts';
import { sha256 } from '../digest.ts';
import { fsyncFolder, writeDurably } from '../durable.ts';
import { layoutOf } from '../layout.ts';
import { guardWrite } from '../write-error.ts';
import { compareRunNames, isRunName, runName, runNumber } from './run-names.ts';
import { divided, dropParts, keepParts, rejoined } from './run-parts.ts';

/** Larger files are no files of runs. */
const largest_bytes = 256 * 1024 * 1024;
/** So many runs before are asked whether they have the same parts. */
const mostLookedInto = 4;

/** What lies under a folder of runs: the names that are right, in order, and a sentence for each thing that is something else. */
export interface Listed {
  names: readonly string[];
  strays: readonly string[];
}

/**
 * Takes the next number of an experiment and makes the folder of a run that starts now; nobody else can have either. Returns the run's
 * name. Throws UserError when the store cannot be written to.
 */
export function reserveRun(store: string, experiment: string, start: Date): string {
  const { run, runNumber: taken } = layoutOf(store);
  return guardWrite(store, `a run of '${experiment}'`, () => {
    const numbers = dirname(taken(checkName(experiment), 1));
    makeBelowStore(numbers);
    makeBelowStore(dirname(run(experiment, 'run')));
    for (let number = lastNumber(store, experiment) + 1; ; number++) {
      if (!makeNew(() => closeSync(openSync(taken(experiment, number), 'wx')))) continue;
      const name = runName(number, start);
      // a folder of this name can only have been brought from another store
      if (!makeNew(() => mkdirSync(run(experiment, name)))) continue;
      fsyncFolder(numbers);
      fsyncFolder(dirname(run(experiment, name)));
      return name;
    }
  });
}

/** Takes a reserved run back that never began; its number stays taken. */
export function dropRun(store: string, experiment: string, run: string): void {
  guardWrite(store, `the run '${experiment}@${run}'`, () =>
    rmSync(runFolder(store, experiment, run), { recursive: true, force: true }),
  );
}

/** Keeps `value` as `<name>.json` of a run; returns the file's path. Throws UserError when it cannot be written. */
export function saveRun(store: string, experiment: string, run: string, name: string, value: JsonObject): string {
  const path = resolve(runFile(store, experiment, run, name));
  const layout = layoutOf(resolve(store));
  const { value: kept, texts } = divided(value);
  guardWrite(store, `the run '${experiment}@${run}'`, () => {
    const before = orNone(() => openedFile(path, run));
    const others = texts.size === 0 ? [] : runsBefore(store, experiment, run);
    keepParts(path, others, texts, layout);
    writeDurably(path, sealed(kept), layout);
    if (before !== undefined) dropParts(path, before, kept);
  });
  return path;
}

/** The folders of the latest runs before `run`, which may have kept the same. */
function runsBefore(store: string, experiment: string, run: string): string[] {
  const names = listRuns(store, experiment).filter((name) => compareRunNames(name, run) < 0);
  return names.slice(-mostLookedInto).map((name) => resolve(runFolder(store, experiment, name)));
}

function orNone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

/** The file `<name>.json` of a run; undefined when there is none. Throws UserError when it cannot be read or is not what was written. */
export function loadRun(store: string, experiment: string, run: string, name: string): JsonObject | undefined {
  const path = runFile(store, experiment, run, name);
  const value = openedFile(path, run);
  return value && rejoined(value, path);
}

/** What stands in a run's file itself. */
function openedFile(path: string, run: string): JsonObject | undefined {
  const text = readOrNone(path);
  return text === undefined ? undefined : opened(text, path, runNumber(run) !== null);
}

/** The runs of an experiment, the oldest first; by their numbers, whatever the clock said. */
export function listRuns(store: string, experiment: string): string[] {
  return [...lookForRuns(store, experiment).names];
}

/** The same, with what lies there and is no run. */
export function lookForRuns(store: string, experiment: string): Listed {
  const { names, strays } = foldersIn(dirname(layoutOf(store).run(checkName(experiment), 'run')), isRunName, 'run');
  return { names: [...names].sort(compareRunNames), strays };
}

/** The experiments that have runs, sorted, and what lies among them. */
export function lookForExperiments(store: string): Listed {
  return foldersIn(join(store, 'runs'), isExperimentName, 'experiment');
}

/** The experiments that have runs, sorted. */
export function listExperiments(store: string): string[] {
  return [...lookForExperiments(store).names];
}

/** The folder of a run. */
export function runFolder(store: string, experiment: string, run: string): string {
  return layoutOf(store).run(checkName(experiment), checkName(run));
}

function runFile(store: string, experiment: string, run: string, name: string): string {
  return join(runFolder(store, experiment, run), `${checkName(name)}.json`);
}

/** Makes an experiment's folder and the one around it, in a store that is there. Node's recursive mkdir hides why a system refuses. */
function makeBelowStore(folder: string): void {
  makeNew(() => mkdirSync(dirname(folder)));
  makeNew(() => mkdirSync(folder));
}

/** True when `make` made what was not there. */
function makeNew(make: () => void): boolean {
  try {
    make();
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** The largest number that was ever taken, also by runs whose folder is gone. */
function lastNumber(store: string, experiment: string): number {
  const { runNumber: taken } = layoutOf(store);
  const numbers = readdirSync(dirname(taken(experiment, 1))).filter((name) => /^\d{1,9}$/.test(name));
  const runs = listRuns(store, experiment).map((name) => runNumber(name) ?? 0);
  return [...numbers.map(Number), ...runs].reduce((most, number) => Math.max(most, number), 0);
}

const sealLength = `\n "sha256": "${'0'.repeat(64)}"\n}\n`.length;

/** The JSON of `value` with, as its last key, the SHA-256 of all text before that key. */
function sealed(value: JsonObject): string {
  const text = JSON.stringify(value, undefined, 1);
  const body = text === '{}' ? '{' : `${text.slice(0, -'\n}'.length)},`;
  return `${body}\n "sha256": "${sha256(body)}"\n}\n`;
}

/** The value of a text that `sealed` wrote. Without a digest it is only taken where none was written (`needed`). */
function opened(text: string, path: string, needed: boolean): JsonObject {
  const end = text.slice(-sealLength);
  const seal = /^\n "sha256": "([0-9a-f]{64})"\n}\n$/.exec(end)?.[1];
  const value = parseJson(text, `'${path}' is damaged`);
  if (!isObject(value)) throw new UserError(`'${path}' is damaged: expected a JSON object`);
  if (seal === undefined && (needed || 'sha256' in value))
    throw new UserError(`'${path}' is damaged: it lacks its digest`);
  if (seal !== undefined && sha256(text.slice(0, -sealLength)) !== seal)
    throw new UserError(`'${path}' is damaged: its bytes are not those that were written`);
  const { sha256: _seal, ...kept } = value;
  return kept as JsonObject;
}

function readOrNone(path: string): string | undefined {
  try {
    const stats = statusAt(path);
    if (stats === undefined) return undefined;
    if (!stats.isFile()) throw new UserError(`'${path}' is damaged: expected a file`);
    if (stats.size > largest_bytes) throw new UserError(`'${path}' is damaged: it has ${stats.size} bytes`);
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw fileError(error, path, 'cannot read');
  }
}

const plainName = /^[\p{L}\p{N}_][\p{L}\p{N}_.-]*$/u;

/** True for what an experiment can be called. */
export function isExperimentName(name: string): boolean {
  return plainName.test(name);
}

/** Names come from specs and the command line: they must not lead out of the folder. */
function checkName(name: string): string {
  if (plainName.test(name)) return name;
  throw new UserError(`'${name}' cannot name a run or an experiment: expected letters, digits, '_', '-' and '.'`);
}

function foldersIn(folder: string, isName: (name: string) => boolean, what: string): Listed {
  const names: string[] = [];
  const strays: string[] = [];
  for (const entry of entriesOf(folder)) {
    const path = join(folder, entry.name);
    if (entry.name.startsWith('.')) continue; // what file managers and sync programs leave
    if (!isFolder(entry, path)) strays.push(`'${path}' is no ${what}: expected a folder`);
    else if (!isName(entry.name)) strays.push(`'${path}' is no ${what}: it is not named like one`);
    else names.push(entry.name);
  }
  return { names: names.sort(), strays: strays.sort() };
}

function isFolder(entry: Dirent, path: string): boolean {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  try {
    return statSync(path).isDirectory();
  } catch {
    return false; // a link that leads nowhere
  }
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    // where a file stands in the way, opening the store says so
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return [];
    throw fileError(error, folder, 'cannot read');
  }
}
