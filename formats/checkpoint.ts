// Checkpoints: named tensors and text metadata in one Arrow IPC file, one record batch of one row per piece of a tensor.
import { Binary, Field, Int32, Int64, List, makeData, RecordBatch, Schema, Struct, Utf8 } from 'apache-arrow';
import { UserError } from '../util/errors.ts';
import { ArrowFileReader, ArrowFileWriter } from './arrow-file.ts';
import { type Dtype, isDtype, tensorBytes, toFloat32 } from './dtype.ts';
import { allocate } from './file.ts';
import type { TensorEntry, TensorReader } from './tensor-reader.ts';

const FORMAT = 'lamina-checkpoint';
const VERSION = '1';

/** A tensor larger than this spans several batches; a multiple of every element size, below the limit of one batch. */
const MAX_PIECE_BYTES = 960 * 2 ** 20;
/** Name, type and shape of one row together; more is hostile. */
const MAX_ROW_HEAD_BYTES = 2 ** 16;

const INT32_LIST = new List(new Field('item', new Int32(), false));
const FIELDS = [
  new Field('name', new Utf8(), false),
  new Field('dtype', new Utf8(), false),
  new Field('shape', INT32_LIST, false),
  new Field('offset', new Int64(), false),
  new Field('bytes', new Binary(), false),
];
const COLUMNS = 'name utf8, dtype utf8, shape list<int32>, offset int64, bytes binary';
/** Numbers of the buffers in {@link FIELDS}' order; every column brings an empty validity buffer first. */
const BUFFER = { name: 1, dtype: 4, shape: 7, shape_items: 9, offset: 11, bytes: 13, count: 15 };

/** Writes tensors one after the other; each is on its way to the disk when `write` resolves. */
export interface CheckpointWriter {
  /** Appends a tensor; `bytes` are its little-endian elements in row-major order. */
  write(name: string, dtype: Dtype, shape: readonly number[], bytes: Uint8Array): Promise<void>;
  /** Finishes the file and flushes it to the disk. */
  close(): Promise<void>;
  /** Closes the file unfinished; no reader accepts it. */
  abort(): Promise<void>;
}

/** An open checkpoint; `metadata` is what its writer was given. */
export interface CheckpointReader extends TensorReader {
  readonly metadata: Readonly<Record<string, string>>;
}

interface Piece {
  fileOffset: number;
  length: number;
}

type StoredTensor = TensorEntry & { pieces: Piece[]; storedBytes: number };

/** Creates the checkpoint `path`. Equal metadata and writes give equal bytes; `maxPieceBytes` is for tests. */
export async function createCheckpoint(
  path: string,
  metadata: Readonly<Record<string, string>>,
  maxPieceBytes = MAX_PIECE_BYTES,
): Promise<CheckpointWriter> {
  const schema = new Schema(FIELDS, new Map(Object.entries({ ...metadata, format: FORMAT, version: VERSION })));
  const file = await ArrowFileWriter.open(path, schema);
  const names = new Set<string>();
  const write: CheckpointWriter['write'] = async (name, dtype, shape, bytes) => {
    if (names.has(name)) throw new Error(`tensor '${name}' is written twice to '${path}'`);
    checkTensor(name, dtype, shape, bytes.byteLength);
    names.add(name);
    let offset = 0;
    do {
      const piece = bytes.subarray(offset, offset + maxPieceBytes);
      await file.write(rowBatch(schema, name, dtype, shape, offset, piece));
      offset += piece.byteLength;
    } while (offset < bytes.byteLength);
  };
  return { write, close: () => file.close(), abort: () => file.abort() };
}

/** Opens the checkpoint `path`; reads names, shapes and places only. A wrong or damaged file is a UserError. */
export async function openCheckpoint(path: string): Promise<CheckpointReader> {
  const file = await ArrowFileReader.open(path, 'checkpoint');
  try {
    checkFormat(file);
    const tensors = await readEntries(file);
    return checkpointReader(file, tensors);
  } catch (error) {
    await file.close();
    throw error;
  }
}

function checkTensor(name: string, dtype: Dtype, shape: readonly number[], byteLength: number): void {
  const expected = tensorBytes(dtype, shape);
  if (expected === byteLength && shape.every((size) => size < 2 ** 31)) return;
  throw new Error(`tensor '${name}': ${dtype} of [${shape}] takes ${expected} bytes, got ${byteLength}`);
}

/** One row: a piece of a tensor that begins `offset` bytes into it. */
function rowBatch(
  schema: Schema,
  name: string,
  dtype: Dtype,
  shape: readonly number[],
  offset: number,
  bytes: Uint8Array,
): RecordBatch {
  const item = makeData({ type: new Int32(), length: shape.length, nullCount: 0, data: Int32Array.from(shape) });
  const children = [
    textData(name),
    textData(dtype),
    makeData({ type: INT32_LIST, ...ROW, valueOffsets: Int32Array.of(0, shape.length), child: item }),
    makeData({ type: new Int64(), ...ROW, data: BigInt64Array.of(BigInt(offset)) }),
    makeData({ type: new Binary(), ...ROW, valueOffsets: Int32Array.of(0, bytes.byteLength), data: bytes }),
  ];
  return new RecordBatch(schema, makeData({ type: new Struct(schema.fields), ...ROW, children }));
}

const ROW = { length: 1, nullCount: 0 };

function textData(text: string) {
  const data = new TextEncoder().encode(text);
  return makeData({ type: new Utf8(), ...ROW, valueOffsets: Int32Array.of(0, data.byteLength), data });
}

function checkFormat(file: ArrowFileReader): void {
  const { format = 'none', version = 'none' } = file.metadata;
  if (format !== FORMAT) throw new UserError(`checkpoint '${file.path}': expected format '${FORMAT}', got '${format}'`);
  if (version !== VERSION) {
    throw new UserError(
      `checkpoint '${file.path}': expected version '${VERSION}', got '${version}' (it was written by another release of lamina)`,
    );
  }
  const columns = file.fields.map((field) => `${field.name} ${field.type}`).join(', ');
  if (columns !== COLUMNS) throw file.damaged(`expected the columns ${COLUMNS}, got ${columns}`);
}

async function readEntries(file: ArrowFileReader): Promise<Map<string, StoredTensor>> {
  const tensors = new Map<string, StoredTensor>();
  let last: StoredTensor | undefined;
  let total = 0;
  for (let i = 0; i < file.numBatches; i++) {
    const { entry, offset, piece } = await readRow(file, i);
    if (offset === 0 && !tensors.has(entry.name)) {
      last = { ...entry, pieces: [], storedBytes: 0 };
      tensors.set(entry.name, last);
    }
    if (last?.name !== entry.name || last.storedBytes !== offset) {
      throw file.damaged(`tensor '${entry.name}': a piece at ${offset} is out of place`);
    }
    last.pieces.push(piece);
    last.storedBytes += piece.length;
    total += piece.length;
    if (total > file.sizeBytes) throw file.damaged(`its tensors claim more than its ${file.sizeBytes} bytes`);
  }
  for (const { name, byteLength, storedBytes } of tensors.values()) {
    if (byteLength !== storedBytes) {
      throw file.damaged(`tensor '${name}': expected ${byteLength} bytes, got ${storedBytes}`);
    }
  }
  return tensors;
}

/** Reads a row's small columns, which lie before its `bytes`, in one read. */
async function readRow(
  file: ArrowFileReader,
  index: number,
): Promise<{ entry: TensorEntry; offset: number; piece: Piece }> {
  const { rows, buffers } = await file.layout(index);
  const start = buffers[0]?.offset ?? 0;
  const lengths = buffers[BUFFER.bytes];
  const data = buffers[BUFFER.bytes + 1];
  const head = lengths === undefined ? -1 : lengths.offset + 8 - start;
  if (rows !== 1 || buffers.length !== BUFFER.count || data === undefined || head < 0 || head > MAX_ROW_HEAD_BYTES) {
    throw file.damaged(`record batch ${index} is not one row of a checkpoint`);
  }
  const bytes = await file.read(start, head);
  const column = (k: number) => {
    const { offset, length } = buffers[k] as { offset: number; length: number };
    const view = bytes.subarray(offset - start, offset - start + length);
    if (offset < start || view.byteLength !== length) throw file.damaged(`record batch ${index} is out of order`);
    return view;
  };
  const name = rowText(column(BUFFER.name), column(BUFFER.name + 1));
  const dtype = rowText(column(BUFFER.dtype), column(BUFFER.dtype + 1));
  const shape = rowShape(column(BUFFER.shape), column(BUFFER.shape_items));
  const byteLength = isDtype(dtype) && shape ? tensorBytes(dtype, shape) : undefined;
  const [begin, end] = rowRange(column(BUFFER.bytes));
  const offset = int64(column(BUFFER.offset));
  if (
    name === undefined ||
    !isDtype(dtype) ||
    shape === undefined ||
    byteLength === undefined ||
    offset === undefined
  ) {
    throw file.damaged(`record batch ${index} names no tensor`);
  }
  if (begin !== 0 || end !== data.length) throw file.damaged(`tensor '${name}': its bytes are out of place`);
  return { entry: { name, dtype, shape, byteLength }, offset, piece: { fileOffset: data.offset, length: end } };
}

/** Begin and end of a row's value from its two int32 offsets; (-1, -1) when they are not there. */
function rowRange(offsets: Uint8Array): [number, number] {
  if (offsets.byteLength < 8) return [-1, -1];
  const view = new DataView(offsets.buffer, offsets.byteOffset);
  return [view.getInt32(0, true), view.getInt32(4, true)];
}

function rowText(offsets: Uint8Array, data: Uint8Array): string | undefined {
  const [begin, end] = rowRange(offsets);
  return begin === 0 && end <= data.byteLength ? new TextDecoder().decode(data.subarray(0, end)) : undefined;
}

function rowShape(offsets: Uint8Array, items: Uint8Array): number[] | undefined {
  const [begin, end] = rowRange(offsets);
  if (begin !== 0 || end < 0 || end * 4 > items.byteLength) return undefined;
  const view = new DataView(items.buffer, items.byteOffset);
  return Array.from({ length: end }, (_, i) => view.getInt32(i * 4, true));
}

function int64(bytes: Uint8Array): number | undefined {
  if (bytes.byteLength < 8) return undefined;
  const value = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(0, true));
  return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

function checkpointReader(file: ArrowFileReader, stored: Map<string, StoredTensor>): CheckpointReader {
  const { format: _format, version: _version, ...metadata } = file.metadata;
  const tensors = new Map(
    [...stored].map(([key, { name, dtype, shape, byteLength }]) => [key, { name, dtype, shape, byteLength }]),
  );
  const find = (name: string) => {
    const tensor = stored.get(name);
    if (tensor === undefined) throw new UserError(`checkpoint '${file.path}': no tensor '${name}'`);
    return tensor;
  };
  const readBytes = async (name: string) => {
    const { byteLength, pieces } = find(name);
    const target = allocate(file.path, byteLength);
    let done = 0;
    for (const { fileOffset, length } of pieces) {
      await file.readInto(target.subarray(done, done + length), fileOffset);
      done += length;
    }
    return target;
  };
  return {
    metadata,
    tensors,
    readBytes,
    readFloat32: async (name) => toFloat32(name, find(name).dtype, await readBytes(name)),
    location: (name) => {
      const [piece, ...more] = find(name).pieces;
      if (piece === undefined || more.length > 0) return undefined;
      return { path: file.path, offset: piece.fileOffset, length: piece.length };
    },
    close: () => file.close(),
  };
}
