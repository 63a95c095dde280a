// Data sets from files: JSONL, JSON, CSV and Parquet, streamed record by record, the kind told by the file's ending.
import { extname } from 'node:path';
import { UserError } from '../util/errors.ts';
import { readCsv } from './csv.ts';
import { openFile, type RandomFile } from './file.ts';
import { readJsonArray } from './json-array.ts';
import { readJsonl } from './jsonl.ts';
import { readParquet } from './parquet.ts';
import type { DataRecord } from './record.ts';

const READERS: Record<string, (file: RandomFile) => AsyncIterable<DataRecord>> = {
  '.jsonl': readJsonl,
  '.ndjson': readJsonl,
  '.json': readJsonArray,
  '.csv': readCsv,
  '.parquet': readParquet,
};

/** The records of the data file `path`, in order, in a stream; anything wrong is a UserError with file and line. */
export async function* readRecords(path: string): AsyncGenerator<DataRecord> {
  const ending = extname(path).toLowerCase();
  const reader = Object.hasOwn(READERS, ending) ? READERS[ending] : undefined;
  if (reader === undefined) {
    throw new UserError(
      `data file '${path}': expected an ending of ${Object.keys(READERS).join(', ')}, got '${ending}'`,
    );
  }
  const file = await openFile(path, 'data file');
  let count = 0;
  try {
    for await (const record of reader(file)) {
      count++;
      yield record;
    }
  } finally {
    await file.close();
  }
  if (count === 0) throw new UserError(`data file '${path}': expected at least one record, got none`);
}
