// Checkpoints: named tensors and text metadata in one Arrow IPC file, one record batch of one row per piece of a tensor.
import { Schema } from 'apache-arrow';
import { UserError } from '../../util/errors.ts';
import { ArrowFileReader } from '../arrow/reader.ts';
import { ArrowFileWriter } from '../arrow/writer.ts';
import { allocate } from '../files/file.ts';
import { COLUMNS, FIELDS, type Piece, readRow, rowBatch } from './checkpoint-row.ts';
import { type Dtype, tensorBytes, toFloat32 } from './dtype.ts';
import type { TensorEntry, TensorReader } from './tensor-reader.ts';

const FORMAT = 'lamina-checkpoint';
const VERSION = '1';

/** A tensor larger than this spans several batches; a multiple of every element size, below the limit of one batch. */
const MAX_PIECE_BYTES = 960 * 2 ** 20;
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
  /** `length` of the tensor's bytes from `offset` on; both must lie inside it. */
  readRange(name: string, offset: number, length: number): Promise<Uint8Array>;
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
  const readRange = async (name: string, offset: number, length: number) => {
    const { byteLength, pieces } = find(name);
    const end = offset + length;
    if (!(offset >= 0 && length >= 0 && end <= byteLength)) {
      throw new Error(`tensor '${name}' has ${byteLength} bytes, got a range from ${offset} to ${end}`);
    }
    const into = allocate(file.path, length);
    let start = 0; // of the piece within the tensor
    for (const piece of pieces) {
      const [from, to] = [Math.max(offset, start), Math.min(end, start + piece.length)];
      if (from < to) await file.readInto(into.subarray(from - offset, to - offset), piece.fileOffset + from - start);
      start += piece.length;
    }
    return into;
  };
  const readBytes = async (name: string) => readRange(name, 0, find(name).byteLength);
  return {
    metadata,
    tensors,
    readBytes,
    readRange,
    readFloat32: async (name) => toFloat32(name, find(name).dtype, await readBytes(name)),
    location: (name) => {
      const [piece, ...more] = find(name).pieces;
      if (piece === undefined || more.length > 0) return undefined;
      return { path: file.path, offset: piece.fileOffset, length: piece.length };
    },
    close: () => file.close(),
  };
}
