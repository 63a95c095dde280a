// The small outcome of a plain run in the results folder: found and read back.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Provenance, ResultWarning, RunResult } from '../../contract/result.ts';
import { parseJson } from '../../formats/text/strict-json.ts';
import { sentence } from '../../spec/plan/warnings.ts';
import { sha256 } from '../../store/digest.ts';
import { provenanceFault, resultFault } from '../../store/runs/result-shape.ts';
import { isTemporary } from '../../store/temporary.ts';
import { hasCode, UserError } from '../../util/errors.ts';
import { isObject } from '../../util/json.ts';
import { fileError } from '../../util/system-error.ts';
import { resultsFolder } from '../common/project.ts';

/** Digests of the files beside it, as `sha256sum -c` reads them. */
export const sumsName = 'SHA256SUMS';

/** The digests of an outcome's files, by name. */
export function sumsOf(folder: string): string {
  const figures = existsSync(join(folder, 'figures')) ? readdirSync(join(folder, 'figures')) : [];
  const drawn = figures.filter((name) => name.endsWith('.svg')).map((name) => `figures/${name}`);
  const names = ['cells.arrow', 'cells.json', ...drawn.sort(), 'provenance.json', 'table.md'];
  const there = names.filter((name) => existsSync(join(folder, name)));
  return there.map((name) => `${sha256(readFileSync(join(folder, name)))}  ${name}\n`).join('');
}

/** The profiles of an experiment that have an outcome. */
export function outcomeProfiles(experiment: string): string[] {
  if (experiment === '' || /[/\\]|^\./.test(experiment)) return [];
  try {
    const names = readdirSync(join(resultsFolder(), experiment))
      .sort()
      .filter((name) => !isTemporary(name));
    return names.filter((name) => existsSync(join(resultsFolder(), experiment, name, 'cells.json')));
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return [];
    throw error;
  }
}

/** True for the path (with a slash, so that no experiment is meant) of a folder that holds an outcome, wherever it is. */
export function isOutcomeFolder(path: string): boolean {
  return path.includes('/') && !path.includes('\u0000') && existsSync(join(path, 'cells.json'));
}

/** The outcome in a folder. Throws UserError. */
export function readOutcome(folder: string): RunResult {
  const read = (name: string) => bytesOf(join(folder, name));
  return outcomeOf({ cells: read('cells.json'), provenance: read('provenance.json'), sums: read(sumsName) }, (name) =>
    join(folder, name),
  );
}

/** The bytes of an outcome's files; undefined for one that is not there. */
export interface OutcomeBytes {
  cells: Uint8Array | undefined;
  provenance: Uint8Array | undefined;
  sums: Uint8Array | undefined;
}

/** The outcome that the files hold, wherever they were read; `shown` gives their names for messages. Throws UserError. */
export function outcomeOf({ cells, provenance, sums }: OutcomeBytes, shown: (name: string) => string): RunResult {
  const parse = (name: string, bytes: Uint8Array) => {
    checkSum(name, bytes, sums, shown);
    return parseJson(textOf(bytes, shown(name)), `'${shown(name)}'`);
  };
  if (cells === undefined) throw new UserError(`'${shown('cells.json')}' does not exist`);
  const outcome = checkResult(parse('cells.json', cells), `'${shown('cells.json')}'`);
  if (provenance === undefined) return outcome;
  const made = parse('provenance.json', provenance);
  const wrong = provenanceFault(made);
  if (wrong !== undefined)
    throw new UserError(`'${shown('provenance.json')}' does not say how a run was made: ${wrong}`);
  return { ...outcome, provenance: made as Provenance };
}

/** A file that changed since it was written would show another number than was measured. */
function checkSum(
  name: string,
  bytes: Uint8Array,
  sums: Uint8Array | undefined,
  shown: (name: string) => string,
): void {
  if (sums === undefined) return;
  const lines = Buffer.from(sums).toString('utf8').split(/\r?\n/);
  const line = lines.find((each) => each.slice(64) === `  ${name}`);
  if (line === undefined) throw new UserError(`'${shown(sumsName)}' is damaged: it does not name '${name}'`);
  const digest = line.slice(0, 64);
  // git may have changed line ends on the way
  if (digest === sha256(bytes) || digest === sha256(textOf(bytes, shown(name)).replaceAll('\r\n', '\n'))) return;
  const way = `take both from git again, or remove '${sumsName}' if '${name}' was changed on purpose`;
  throw new UserError(`'${shown(name)}' is not what was written, by '${sumsName}' beside it: ${way}`);
}

function textOf(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UserError(`'${what}': expected text in UTF-8`);
  }
}

function bytesOf(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw fileError(error, path, 'cannot read');
  }
}

/** Fills what the committed form leaves out, and refuses what is no result. */
export function checkResult(value: unknown, what: string): RunResult {
  if (!isObject(value)) throw new UserError(`${what} is not the result of a run`);
  const summary = { cached: 0, ran: 0, failed: 0, blocked: 0, duration_ms: 0 };
  const lacking = {
    run: '',
    overrides: [],
    summary,
    cell_notes: [],
    figures: [],
    provenance: null,
    timings: null,
    environments: null,
    warnings: [],
  };
  const table = isObject(value.table) ? { beside: [], ...value.table } : value.table;
  const cells = Array.isArray(value.cells) ? value.cells.map(withBeside) : value.cells;
  const result = { ...lacking, ...value, table, cells };
  const wrong = resultFault(result);
  if (wrong !== undefined) throw new UserError(`${what} is not the result of a run: ${wrong}`);
  const whole = result as unknown as RunResult;
  return { ...whole, warnings: whole.warnings.map(printable) };
}

/** It is printed as it stands. */
function printable({ stage, also, message, cells }: ResultWarning): ResultWarning {
  return { stage: sentence(stage), ...(also && { also: also.map(sentence) }), message: sentence(message), cells };
}

function withBeside(cell: unknown): unknown {
  return isObject(cell) ? { beside: {}, ...cell } : cell;
}
