// One row of a checkpoint, which is one record batch: a tensor's name, type and shape and a piece of its bytes.
import { Binary, Field, Int32, Int64, List, makeData, RecordBatch, type Schema, Struct, Utf8 } from 'apache-arrow';
import type { ArrowFileReader } from '../arrow/reader.ts';
import { type Dtype, isDtype, tensorBytes } from './dtype.ts';
import type { TensorEntry } from './tensor-reader.ts';

/** Name, type and shape of one row together; more is hostile. */
const MAX_ROW_HEAD_BYTES = 2 ** 16;

const INT32_LIST = new List(new Field('item', new Int32(), false));
/** The columns of a checkpoint. */
export const FIELDS = [
  new Field('name', new Utf8(), false),
  new Field('dtype', new Utf8(), false),
  new Field('shape', INT32_LIST, false),
  new Field('offset', new Int64(), false),
  new Field('bytes', new Binary(), false),
];
/** The same in the words of the reader. */
export const COLUMNS = 'name utf8, dtype utf8, shape list<int32>, offset int64, bytes binary';
/** Numbers of the buffers in {@link FIELDS}' order; every column brings an empty validity buffer first. */
const BUFFER = { name: 1, dtype: 4, shape: 7, shape_items: 9, offset: 11, bytes: 13, count: 15 };

/** A part of a tensor's bytes, in one piece of the file. */
export interface Piece {
  fileOffset: number;
  length: number;
}

/** One row: a piece of a tensor that begins `offset` bytes into it. */
export function rowBatch(
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

/** Reads a row's small columns, which lie before its `bytes`, in one read. */
export async function readRow(
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
