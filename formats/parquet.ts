// Parquet files (the hub's usual kind), read one row group at a time.
import * as zlib from 'node:zlib';
import {
  type AsyncBuffer,
  type Compressors,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  type RowGroup,
} from 'hyparquet';
import { UserError } from '../util/errors.ts';
import { fileError, type RandomFile } from './file.ts';
import type { DataRecord } from './record.ts';

/** A row group is decoded whole; a larger one would not fit a laptop's memory. */
const MAX_GROUP_BYTES = 2 ** 30;

/** Node's own decompressors beside hyparquet's Snappy; zstd only where this Node has it. */
const COMPRESSORS: Compressors = {
  GZIP: (input, outputLength) => zlib.gunzipSync(input, { maxOutputLength: outputLength }),
  BROTLI: (input, outputLength) => zlib.brotliDecompressSync(input, { maxOutputLength: outputLength }),
  ...zstd(),
};

/** The rows of a Parquet file; integers of 64 bits become numbers, timestamps ISO texts. */
export async function* readParquet(file: RandomFile): AsyncGenerator<DataRecord> {
  const buffer = asyncBuffer(file);
  const metadata = await guard(file, () => parquetMetadataAsync(buffer));
  let row = 0;
  for (const group of metadata.row_groups) {
    checkGroup(file, group);
    const rowEnd = row + Number(group.num_rows);
    for (const value of await readGroup(file, buffer, metadata, row, rowEnd)) {
      const where = `${file.path}: row ${++row}`;
      yield { value: plain(value, where) as Record<string, unknown>, where };
    }
    if (row !== rowEnd) throw new UserError(`data file '${file.path}': expected ${rowEnd} rows, got ${row}`);
  }
}

function readGroup(file: RandomFile, buffer: AsyncBuffer, metadata: FileMetaData, rowStart: number, rowEnd: number) {
  return guard(file, () => parquetReadObjects({ file: buffer, metadata, rowStart, rowEnd, compressors: COMPRESSORS }));
}

function asyncBuffer(file: RandomFile): AsyncBuffer {
  const size = file.sizeBytes;
  return {
    byteLength: size,
    slice: (start, end = size) => {
      const from = start < 0 ? size + start : start;
      return quiet(file.read(from, Math.min(end, size) - from).then((bytes) => bytes.buffer));
    },
  };
}

/**
 * The promise, with itself and all that is derived from it marked as handled: hyparquet 1.31.5 reads columns side by side
 * and, when one fails, forgets the others, whose failures would then end the process.
 */
function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  const derive = promise.then.bind(promise) as (...callbacks: unknown[]) => Promise<unknown>;
  return Object.defineProperty(promise, 'then', { value: (...callbacks: unknown[]) => quiet(derive(...callbacks)) });
}

function checkGroup(file: RandomFile, group: RowGroup): void {
  const bytes = Number(group.total_byte_size);
  if (bytes > MAX_GROUP_BYTES) {
    throw new UserError(
      `data file '${file.path}': expected row groups of at most ${MAX_GROUP_BYTES} bytes, got one of ${bytes} (write it with smaller row groups)`,
    );
  }
}

/** hyparquet throws plain errors for what it cannot read. */
async function guard<T>(file: RandomFile, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const known = fileError(error, file.path, 'data file');
    if (known instanceof UserError) throw known;
    throw new UserError(`data file '${file.path}': expected a Parquet file, got ${(error as Error).message}`);
  }
}

/** A decoded value with bigints and dates in the form JSON would give them. */
function plain(value: unknown, where: string): unknown {
  if (typeof value === 'bigint') {
    const number = Number(value);
    if (Number.isSafeInteger(number)) return number;
    throw new UserError(`${where}: the integer ${value} is too large to be exact`);
  }
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map((item) => plain(item, where));
  if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item, where)]));
}

function zstd(): Compressors {
  const { zstdDecompressSync } = zlib as { zstdDecompressSync?: typeof zlib.gunzipSync };
  if (zstdDecompressSync === undefined) return {};
  return { ZSTD: (input, outputLength) => zstdDecompressSync(input, { maxOutputLength: outputLength }) };
}
