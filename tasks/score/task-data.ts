// The records of a task's splits from a folder of local copies: JSONL, JSON, CSV or Parquet, in the hub's layouts.
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readRecords } from '../../formats/records/records.ts';
import type { Doc } from '../../python/value.ts';
import { UserError } from '../../util/errors.ts';
import type { JsonObject } from '../../util/json.ts';
import type { TaskConfig } from '../files/task-config.ts';
import { typeColumns } from './columns.ts';

/** Records of one split, with the columns that any of them has. */
export interface TaskRecords {
  docs: Doc[];
  columns: ReadonlySet<string>;
  /** Where each record is, such as `test.jsonl:12`. */
  places: string[];
  /** SHA-256 over all records, before `process_docs`. */
  hash: string;
}

/** Reads a split of a task's data set. */
export type ReadSplit = (config: TaskConfig, split: string) => Promise<TaskRecords>;

/** A record as it is stored, and where, for messages. */
export interface Row {
  value: JsonObject;
  where: string;
}

/** The most records of a split. */
export const mostRecords = 2_000_000;
const endings = ['parquet', 'jsonl', 'json', 'ndjson', 'csv'];

/** Splits from `folder`: `TASK/SPLIT.jsonl`, or `DATASET/CONFIG/SPLIT-00000-of-00001.parquet` as the hub has it. */
export function splitsIn(folder: string): ReadSplit {
  return async (config, split) => recordsOf(config, rowsIn(await splitFiles(folder, config, split)));
}

/** The files of a split in a folder of copies, in order. */
export async function splitFiles(folder: string, config: TaskConfig, split: string): Promise<string[]> {
  return firstFiles(folder, placesOf(config), config, split);
}

/** The files of a split in a folder with one repository's files. */
export async function splitFilesIn(folder: string, config: TaskConfig, split: string): Promise<string[]> {
  checkNames(config);
  return firstFiles(folder, withData([config.dataset_name ?? '']), config, split);
}

async function firstFiles(
  folder: string,
  places: readonly string[],
  { task }: TaskConfig,
  split: string,
): Promise<string[]> {
  for (const place of places) {
    const files = await filesOf(join(folder, place), split);
    if (files.length > 0) return files;
  }
  const names = places.map((place) => `'${join(place, `${split}.jsonl`)}'`);
  throw new UserError(
    `task '${task}' has no data for split '${split}' in '${folder}': expected ${names.slice(0, -1).join(', ')} or ${names.at(-1)} (or .parquet, .json, .csv)`,
  );
}

/** Folders that may hold a task's data, by its own name first. */
function placesOf(config: TaskConfig): string[] {
  checkNames(config);
  const { task, dataset_path, dataset_name = '' } = config;
  const places = [task];
  if (dataset_path !== undefined) {
    places.push(join(dataset_path, dataset_name), join(dataset_path.replace('/', '__'), dataset_name));
  }
  return withData(places);
}

const withData = (places: readonly string[]) => places.flatMap((place) => [place, join(place, 'data')]);

/** Names of a task file become folders: none may lead elsewhere. */
function checkNames({ task, dataset_path, dataset_name, where }: TaskConfig): void {
  const names = [task, ...(dataset_path?.split('/') ?? []), dataset_name].filter((name) => name !== undefined);
  const bad = names.find((name) => !/^[\w][\w.+@-]*$/.test(name));
  if (bad !== undefined) throw new UserError(`${where}: '${bad}' cannot name a folder of data`);
}

/** `split.jsonl`, or all parts `split-00000-of-00002.parquet` in order; of several kinds the first of `endings`. */
async function filesOf(folder: string, split: string): Promise<string[]> {
  if (!/^\w+$/.test(split))
    throw new UserError(`'${split}' is not the name of a split (slices of splits are not supported)`);
  const names: string[] = await readdir(folder).catch(() => []);
  for (const ending of endings) {
    const pattern = new RegExp(`^${split}(?:-\\d{5}-of-\\d{5}(?:-\\w+)?)?\\.${ending}$`);
    const found = names.filter((name) => pattern.test(name)).sort();
    if (found.length > 0) return found.map((name) => join(folder, name));
  }
  const parts = names.includes(split) ? await readdir(join(folder, split)).catch((): string[] => []) : [];
  return parts
    .filter((name) => /^\d{4}\.parquet$/.test(name)) // the hub's own conversions
    .sort()
    .map((name) => join(folder, split, name));
}

async function* rowsIn(files: readonly string[]): AsyncGenerator<Row> {
  for (const file of files) {
    for await (const { value, where } of readRecords(file)) yield { value: value as JsonObject, where };
  }
}

/** Records made ready for a task: hashed as they are stored, then through its `process_docs`. */
export async function recordsOf(config: TaskConfig, rows: AsyncIterable<Row>): Promise<TaskRecords> {
  const hash = createHash('sha256');
  const docs: Doc[] = [];
  const places: string[] = [];
  const columns = new Set<string>();
  let last: string | undefined;
  for await (const { value, where } of rows) {
    if (docs.length === mostRecords) throw new UserError(`${where}: a split of more than ${mostRecords} records`);
    hash.update(`${JSON.stringify(value)}\n`);
    last = where;
    const doc = processed(config, value as Doc, where);
    if (doc === undefined) continue;
    for (const column of Object.keys(doc)) columns.add(column);
    docs.push(doc);
    places.push(where);
  }
  if (docs.length === 0 && last !== undefined) {
    throw new UserError(
      `${last}: 'process_docs' of task '${config.task}' leaves out every record, expected one that it keeps`,
    );
  }
  for (const doc of docs) for (const column of columns) doc[column] ??= null; // a column that a record leaves out is None
  typeColumns(docs);
  return { docs, columns, places, hash: hash.digest('hex') };
}

function processed({ process_docs }: TaskConfig, doc: Doc, where: string): Doc | undefined {
  if (process_docs === undefined) return doc;
  try {
    return process_docs(doc);
  } catch (error) {
    if (error instanceof TypeError) throw new UserError(`${where}: ${error.message}`);
    throw error;
  }
}
