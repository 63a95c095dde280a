// Data sets from files: JSONL, JSON, CSV and Parquet, streamed record by record, the kind told by the file's ending.
import { extname } from 'node:path';
import { UserError } from '../../util/errors.ts';
import { openFile, type RandomFile } from '../files/file.ts';
import type { DataRecord } from '../text/record.ts';
import { readCsv } from './csv.ts';
import { readJsonArray } from './json-array.ts';
import { readJsonl } from './jsonl.ts';
import { countParquet, readParquet } from './parquet.ts';

type Reader = (file: RandomFile, fields?: readonly string[]) => AsyncIterable<DataRecord>;

const READERS: Record<string, Reader> = {
  '.jsonl': (file) => readJsonl(file),
  '.ndjson': (file) => readJsonl(file),
  '.json': (file) => readJson(file),
  '.csv': (file) => readCsv(file),
  '.parquet': (file, fields) => readParquet(file, fields),
};

/**
 * The records of the data file `path`, in order, in a stream; anything wrong is a UserError with file and line. `fields` are
 * those that the caller looks at: a format that stores columns may leave the others out.
 */
export async function* readRecords(path: string, fields?: readonly string[]): AsyncGenerator<DataRecord> {
  const reader = READERS[endingOf(path)] as Reader;
  const file = await openFile(path, 'data file');
  let count = 0;
  try {
    for await (const record of reader(file, fields)) {
      count++;
      yield record;
    }
  } finally {
    await file.close();
  }
  if (count === 0) throw noRecords(path);
}

/** Whether a file of this kind says itself how many records it has. */
export function storesCount(path: string): boolean {
  return endingOf(path) === '.parquet';
}

/** How many records the data file has: from its own account where it keeps one, else by reading it. */
export async function countRecords(path: string): Promise<number> {
  let count = 0;
  if (!storesCount(path)) {
    for await (const _ of readRecords(path)) count++;
    return count;
  }
  const file = await openFile(path, 'data file');
  try {
    count = await countParquet(file);
  } finally {
    await file.close();
  }
  if (count === 0) throw noRecords(path);
  return count;
}

/** One array of objects, or one object per line: people name both so. */
async function* readJson(file: RandomFile): AsyncGenerator<DataRecord> {
  const start = Buffer.from(await file.read(0, Math.min(file.sizeBytes, 4096))).toString('latin1');
  if (!/^(?:\xef\xbb\xbf)?\s*\{/.test(start)) return yield* readJsonArray(file);
  if (/^(?:\xef\xbb\xbf)?\s*\{\s*(?:\n|"[^"\n]*"\s*:\s*(?:[[{]\s*)?\n)/.test(start)) {
    throw new UserError(
      `${file.path}: expected an array of objects, or one object per line, got one object over several lines`,
    );
  }
  yield* readJsonl(file);
}

function endingOf(path: string): string {
  const ending = extname(path).toLowerCase();
  if (Object.hasOwn(READERS, ending)) return ending;
  throw new UserError(`data file '${path}': expected an ending of ${Object.keys(READERS).join(', ')}, got '${ending}'`);
}

function noRecords(path: string): UserError {
  return new UserError(`data file '${path}': expected at least one record, got none`);
}
