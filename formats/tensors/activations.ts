// Activations: one row per token and one fixed-width float column per captured place, in an Arrow IPC file.
import { type Data, Field, FixedSizeList, Float16, Float32, makeData, RecordBatch, Schema, Struct } from 'apache-arrow';
import { UserError } from '../../util/errors.ts';
import { ArrowFileReader } from '../arrow/reader.ts';
import { ArrowFileWriter } from '../arrow/writer.ts';
import { allocate } from '../files/file.ts';
import { float16ToFloat32, float32ToFloat16 } from './dtype.ts';

const FORMAT = 'lamina-activations';
const VERSION = '1';
/** Batches hold about this many bytes unless the caller says how many rows. */
const BATCH_BYTES = 32 * 2 ** 20;

/** A column: `width` floats per token, stored as float32 or rounded to float16. */
export interface ActivationColumn {
  width: number;
  dtype: 'F32' | 'F16';
}

/** What an activations file holds. */
export interface ActivationsOptions {
  columns: Readonly<Record<string, ActivationColumn>>;
  metadata?: Readonly<Record<string, string>> | undefined;
  /** Rows per record batch; by default as many as fill 32 MiB. */
  rowsPerBatch?: number | undefined;
}

/** Writes rows in batches of a fixed size, so that the bytes do not depend on how the rows were appended. */
export interface ActivationsWriter {
  /** Appends `rows` rows; `values[name]` holds [rows, width] floats for every column. */
  append(values: Readonly<Record<string, Float32Array>>, rows: number): Promise<void>;
  /** Writes what is left, finishes the file and flushes it to the disk. */
  close(): Promise<void>;
  /** Closes the file unfinished; no reader accepts it. */
  abort(): Promise<void>;
}

/** An open activations file; `metadata` is what its writer was given. */
export interface ActivationsReader {
  readonly rows: number;
  readonly columns: ReadonlyMap<string, ActivationColumn>;
  readonly metadata: Readonly<Record<string, string>>;
  /** [count, width] floats of one column; reads these rows and nothing else. */
  readRows(start: number, count: number, column: string): Promise<Float32Array>;
  close(): Promise<void>;
}

/** Creates the activations file `path`; memory stays at one batch. */
export async function createActivations(path: string, options: ActivationsOptions): Promise<ActivationsWriter> {
  const columns = Object.entries(options.columns);
  const bytesPerRow = columns.reduce((sum, [, column]) => sum + rowBytes(column), 0);
  const rowsPerBatch = options.rowsPerBatch ?? Math.max(1, Math.floor(BATCH_BYTES / bytesPerRow));
  const own = { format: FORMAT, version: VERSION, rows_per_batch: String(rowsPerBatch) };
  const schema = new Schema(
    columns.map(([name, column]) => new Field(name, listType(column), false)),
    new Map(Object.entries({ ...options.metadata, ...own })),
  );
  const file = await ArrowFileWriter.open(path, schema);
  const buffers = columns.map(([, { width }]) => new Float32Array(width * rowsPerBatch));
  let filled = 0;
  const flush = async () => {
    if (filled === 0) return;
    const children = columns.map(([, column], k) => columnData(column, filled, buffers[k] as Float32Array));
    const struct = makeData({ type: new Struct(schema.fields), length: filled, nullCount: 0, children });
    filled = 0;
    await file.write(new RecordBatch(schema, struct));
  };
  const append: ActivationsWriter['append'] = async (values, rows) => {
    for (const [name, { width }] of columns) checkValues(name, values[name], rows, width);
    for (let done = 0; done < rows; ) {
      const count = Math.min(rows - done, rowsPerBatch - filled);
      for (const [k, [name, { width }]] of columns.entries()) {
        const part = values[name]?.subarray(done * width, (done + count) * width) ?? [];
        buffers[k]?.set(part, filled * width);
      }
      done += count;
      filled += count;
      if (filled === rowsPerBatch) await flush();
    }
  };
  const close = async () => {
    await flush();
    await file.close();
  };
  return { append, close, abort: () => file.abort() };
}

/** Opens the activations file `path`; a wrong or damaged file is a UserError. */
export async function openActivations(path: string): Promise<ActivationsReader> {
  const file = await ArrowFileReader.open(path, 'activations file');
  try {
    const { format = 'none', version = 'none' } = file.metadata;
    if (format !== FORMAT || version !== VERSION) {
      throw new UserError(
        `activations file '${path}': expected format '${FORMAT}' version '${VERSION}', got '${format}' version '${version}'`,
      );
    }
    return await activationsReader(file);
  } catch (error) {
    await file.close();
    throw error;
  }
}

function listType({ width, dtype }: ActivationColumn): FixedSizeList<Float32 | Float16> {
  return new FixedSizeList(width, new Field('item', dtype === 'F32' ? new Float32() : new Float16(), false));
}

function rowBytes({ width, dtype }: ActivationColumn): number {
  return width * (dtype === 'F32' ? 4 : 2);
}

function checkValues(name: string, values: Float32Array | undefined, rows: number, width: number): void {
  if (values?.length === rows * width) return;
  throw new Error(`column '${name}' needs ${rows} x ${width} values, got ${values?.length ?? 'none'}`);
}

function columnData(column: ActivationColumn, rows: number, buffer: Float32Array): Data {
  const values = buffer.subarray(0, rows * column.width);
  const shared = { length: values.length, nullCount: 0 };
  const child =
    column.dtype === 'F32'
      ? makeData({ type: new Float32(), ...shared, data: values })
      : makeData({ type: new Float16(), ...shared, data: float32ToFloat16(values) });
  return makeData({ type: listType(column), length: rows, nullCount: 0, child });
}

async function activationsReader(file: ArrowFileReader): Promise<ActivationsReader> {
  const columns = new Map(file.fields.map((field) => [field.name, parseColumn(file, field.name, field.type)]));
  const names = [...columns.keys()];
  const { format: _format, version: _version, rows_per_batch, ...metadata } = file.metadata;
  const rowsPerBatch = Number(rows_per_batch);
  if (
    !Number.isSafeInteger(rowsPerBatch) ||
    rowsPerBatch < 1 ||
    names.length === 0 ||
    names.length !== file.fields.length
  ) {
    throw file.damaged(`its metadata gives ${rows_per_batch} rows per batch for ${file.fields.length} columns`);
  }
  const last = file.numBatches - 1;
  const batchRows = async (index: number) => {
    const layout = await file.layout(index);
    checkRows(file, index, layout.rows, rowsPerBatch, index === last);
    return layout;
  };
  const rows = last < 0 ? 0 : last * rowsPerBatch + (await batchRows(last)).rows;
  const columnBytes = [...columns.values()].map(rowBytes).reduce((sum, bytes) => sum + bytes, 0);
  if (rows * columnBytes > file.sizeBytes)
    throw file.damaged(`${rows} rows claim more than its ${file.sizeBytes} bytes`);
  const readRows: ActivationsReader['readRows'] = async (start, count, name) => {
    const column = columns.get(name);
    if (column === undefined)
      throw new UserError(`activations file '${file.path}': no column '${name}', expected one of ${names.join(', ')}`);
    if (start < 0 || count < 0 || start + count > rows) {
      throw new RangeError(`rows ${start} to ${start + count} of ${rows} in '${file.path}'`);
    }
    const stride = rowBytes(column);
    const target = allocate(file.path, count * stride);
    for (let done = 0; done < count; ) {
      const index = Math.floor((start + done) / rowsPerBatch);
      const skip = start + done - index * rowsPerBatch;
      const take = Math.min(count - done, rowsPerBatch - skip);
      const layout = await batchRows(index);
      const data = layout.buffers[names.indexOf(name) * 3 + 2];
      if (data?.length !== layout.rows * stride) throw file.damaged(`column '${name}' of batch ${index} is cut short`);
      await file.readInto(target.subarray(done * stride, (done + take) * stride), data.offset + skip * stride);
      done += take;
    }
    return column.dtype === 'F32' ? new Float32Array(target.buffer) : float16ToFloat32(new Uint16Array(target.buffer));
  };
  return { rows, columns, metadata, readRows, close: () => file.close() };
}

/** Every batch is full but the last, which holds at least one row. */
function checkRows(file: ArrowFileReader, index: number, rows: number, rowsPerBatch: number, isLast: boolean): void {
  if (isLast ? rows >= 1 && rows <= rowsPerBatch : rows === rowsPerBatch) return;
  throw file.damaged(`batch ${index} holds ${rows} rows, expected ${rowsPerBatch}`);
}

function parseColumn(file: ArrowFileReader, name: string, type: string): ActivationColumn {
  const [, bits, width] = /^fixed_size_list<float(16|32)>\[(\d+)\]$/.exec(type) ?? [];
  if (bits === undefined || Number(width) === 0) {
    throw file.damaged(`column '${name}' is ${type}, expected a fixed-size list of floats`);
  }
  return { width: Number(width), dtype: bits === '32' ? 'F32' : 'F16' };
}
