// Parquet files (the hub's usual kind), read one row group at a time, large ones in slices.
import * as zlib from 'node:zlib';
import {
  type AsyncBuffer,
  type Compressors,
  type FileMetaData,
  type ParquetReadOptions,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
  type RowGroup,
} from 'hyparquet';
import { UserError } from '../../util/errors.ts';
import { fileError } from '../../util/system-error.ts';
import type { RandomFile } from '../files/file.ts';
import { type DataRecord, MAX_LEVELS, tooDeep } from '../text/record.ts';

/** The columns of a row group are held compressed, all at once; more would not fit a laptop's memory. */
const MAX_GROUP_BYTES = 2 ** 31;
/** The values of a page are decoded all at once, and equal ones take next to no bytes: 20 million rows fit 500 bytes. */
const MAX_GROUP_ROWS = 2 ** 24;
/** A larger row group is decoded in slices of about this size: rows as objects take several times as much. */
const SLICE_BYTES = 2 ** 26;
const SLICE_ROWS = 2 ** 20;

/** Node's own decompressors beside hyparquet's Snappy; zstd only where this Node has it. */
const COMPRESSORS: Compressors = {
  GZIP: (input, outputLength) => zlib.gunzipSync(input, { maxOutputLength: outputLength }),
  BROTLI: (input, outputLength) => zlib.brotliDecompressSync(input, { maxOutputLength: outputLength }),
  ...zstd(),
};

/**
 * The rows of a Parquet file; integers of 64 bits become numbers, timestamps ISO texts. Of a file that has some of the columns
 * `fields`, only these are read. A row group of more than `slice_bytes` is decoded in slices.
 */
export async function* readParquet(
  file: RandomFile,
  fields: readonly string[] = [],
  slice_bytes = SLICE_BYTES,
): AsyncGenerator<DataRecord> {
  const metadata = await readMetadata(file);
  const columns = await guard(file, async () => columnsOf(metadata, fields));
  const chosen = columns === undefined ? {} : { columns };
  let row = 0;
  for (const group of metadata.row_groups) {
    const rows = rowsOf(file, group);
    const slices = slicesOf(file, group, columns, slice_bytes);
    const rowEnd = row + rows;
    const buffer = slices > 1 ? keeping(asyncBuffer(file)) : asyncBuffer(file);
    const step = Math.max(1, Math.ceil(rows / slices));
    for (let start = row; start < rowEnd; start += step) {
      const end = Math.min(rowEnd, start + step);
      for (const value of await readSlice(file, { file: buffer, metadata, ...chosen, rowStart: start, rowEnd: end })) {
        const where = `${file.path}: row ${++row}`;
        yield { value: plain(value, where) as Record<string, unknown>, where };
      }
      if (row !== end) throw new UserError(`data file '${file.path}': expected ${end} rows, got ${row}`);
    }
  }
}

/** The number of rows, by the file's own account. */
export async function countParquet(file: RandomFile): Promise<number> {
  const { row_groups } = await readMetadata(file);
  return row_groups.reduce((sum, group) => sum + rowsOf(file, group), 0);
}

function readMetadata(file: RandomFile): Promise<FileMetaData> {
  return guard(file, () => parquetMetadataAsync(asyncBuffer(file)));
}

type SliceOptions = Pick<ParquetReadOptions, 'file' | 'metadata' | 'columns' | 'rowStart' | 'rowEnd'>;

function readSlice(file: RandomFile, options: SliceOptions) {
  return guard(file, () => parquetReadObjects({ ...options, compressors: COMPRESSORS }));
}

/** The columns to read; all when the file has none of `fields`, so that a message can name what it has. */
function columnsOf(metadata: FileMetaData, fields: readonly string[]): string[] | undefined {
  const names = parquetSchema(metadata).children.map(({ element }) => element.name);
  const wanted = names.filter((name) => fields.includes(name));
  return wanted.length === 0 ? undefined : wanted;
}

function rowsOf(file: RandomFile, { num_rows }: RowGroup): number {
  const rows = Number(num_rows);
  if (rows >= 0 && rows <= MAX_GROUP_ROWS) return rows;
  throw new UserError(
    `data file '${file.path}': expected row groups of at most ${MAX_GROUP_ROWS} rows, got one of ${rows} (write it with smaller row groups)`,
  );
}

/** In how many parts a row group is decoded. */
function slicesOf(
  file: RandomFile,
  { columns, num_rows }: RowGroup,
  wanted: readonly string[] | undefined,
  slice_bytes: number,
): number {
  let [compressed, decoded] = [0, 0];
  for (const { meta_data } of columns) {
    if (meta_data === undefined || wanted?.includes(meta_data.path_in_schema[0] ?? '') === false) continue;
    compressed += Number(meta_data.total_compressed_size);
    decoded += Number(meta_data.total_uncompressed_size);
  }
  if (compressed > MAX_GROUP_BYTES) {
    throw new UserError(
      `data file '${file.path}': expected row groups of at most ${MAX_GROUP_BYTES} bytes, got one of ${compressed} (write it with smaller row groups)`,
    );
  }
  return Math.max(1, Math.ceil(decoded / slice_bytes), Math.ceil(Number(num_rows) / SLICE_ROWS));
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

/** Keeps what was read: every slice of a row group asks for the same column chunks. */
function keeping(buffer: AsyncBuffer): AsyncBuffer {
  const kept = new Map<string, ReturnType<AsyncBuffer['slice']>>();
  return {
    byteLength: buffer.byteLength,
    slice: (start, end) => {
      const key = `${start}:${end}`;
      const part = kept.get(key) ?? buffer.slice(start, end);
      kept.set(key, part);
      return part;
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
function plain(value: unknown, where: string, levels = MAX_LEVELS): unknown {
  if (levels < 0) throw tooDeep(where);
  if (typeof value === 'bigint') {
    const number = Number(value);
    if (Number.isSafeInteger(number)) return number;
    throw new UserError(`${where}: the integer ${value} is too large to be exact`);
  }
  if (value instanceof Date) return isoText(value, where);
  if (Array.isArray(value)) return value.map((item) => plain(item, where, levels - 1));
  if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item, where, levels - 1)]));
}

function isoText(date: Date, where: string): string {
  if (!Number.isNaN(date.getTime())) return date.toISOString();
  throw new UserError(`${where}: expected a time between the years -271821 and 275760`);
}

function zstd(): Compressors {
  const { zstdDecompressSync } = zlib as { zstdDecompressSync?: typeof zlib.gunzipSync };
  if (zstdDecompressSync === undefined) return {};
  return { ZSTD: (input, outputLength) => zstdDecompressSync(input, { maxOutputLength: outputLength }) };
}
