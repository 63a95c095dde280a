// How a quantised matrix is stored: which arrays, of which type and shape, and how they become float32 again.
import { type Dtype, dtypeBytes, fromFloat32, toFloat32 } from '../../formats/tensors/dtype.ts';
import { type NibbleOrder, packNibbles, unpackNibbles } from './nibbles.ts';
import { dequantizeInteger, groupCount, type IntegerMatrix } from './quantize-integer.ts';
import { type BlockMatrix, dequantizeNf4, nestedBlock, nestMagnitudes, unnestMagnitudes } from './quantize-nf4.ts';

/** Integers with a scale per row and group of columns, in one or half a byte; symmetric ones store no zeros. */
export interface IntegerCodec {
  readonly type: 'integer';
  readonly bits: 4 | 8;
  readonly symmetric: boolean;
  /** 0: one group per row. */
  readonly group_size: number;
  /** Of codes in half a byte; zeros are always `even_low`. */
  readonly order: NibbleOrder;
  /** Type of the scales; default F32. */
  readonly scale_dtype?: 'F16' | undefined;
}

/** NF4 with bitsandbytes' layout: flat, the even code in the high half. */
export interface Nf4Codec {
  readonly type: 'nf4';
  readonly block_size: number;
  /** The magnitudes are quantised too. */
  readonly nested: boolean;
}

export type Codec = IntegerCodec | Nf4Codec;

/** One stored array. */
export interface PartShape {
  readonly dtype: Extract<Dtype, 'U8' | 'F16' | 'F32'>;
  readonly shape: readonly number[];
}

/** A part's bytes as they are stored, little-endian. */
export type Parts = ReadonlyMap<string, Uint8Array>;

/** Names, types and shapes of the parts of a matrix [rows, columns]; a part is stored as `tensor name.part`. */
export function partShapes(codec: Codec, shape: readonly number[]): Map<string, PartShape> {
  const [rows, columns] = matrixShape(shape);
  return codec.type === 'nf4' ? nf4Shapes(codec, rows * columns) : integerShapes(codec, rows, columns);
}

/** Bytes of all parts. */
export function storedBytes(codec: Codec, shape: readonly number[]): number {
  const size = ({ dtype, shape }: PartShape) => shape.reduce((a, b) => a * b, dtypeBytes(dtype));
  return [...partShapes(codec, shape).values()].reduce((sum, part) => sum + size(part), 0);
}

function nf4Shapes({ block_size, nested }: Nf4Codec, count: number): Map<string, PartShape> {
  const blocks = Math.ceil(count / block_size);
  const codes: [string, PartShape] = ['codes', { dtype: 'U8', shape: [Math.ceil(count / 2)] }];
  if (!nested) return new Map([codes, ['absmax', { dtype: 'F32', shape: [blocks] }]]);
  return new Map([
    codes,
    ['absmax', { dtype: 'U8', shape: [blocks] }],
    ['nested_absmax', { dtype: 'F32', shape: [Math.ceil(blocks / nestedBlock)] }],
    ['nested_offset', { dtype: 'F32', shape: [1] }],
  ]);
}

function integerShapes(codec: IntegerCodec, rows: number, columns: number): Map<string, PartShape> {
  const groups = groupCount(codec.group_size, columns);
  const bytes = (codes: number) => Math.ceil((codes * codec.bits) / 8);
  return new Map<string, PartShape>([
    ['codes', { dtype: 'U8', shape: [rows, bytes(columns)] }],
    ['scales', { dtype: codec.scale_dtype ?? 'F32', shape: [rows, groups] }],
    ...(codec.symmetric ? [] : [['zeros', { dtype: 'U8', shape: [rows, bytes(groups)] }] as const]),
  ]);
}

/** The parts of an integer matrix. */
export function packInteger(codec: IntegerCodec, shape: readonly number[], matrix: IntegerMatrix): Parts {
  const [rows, columns] = matrixShape(shape);
  const groups = groupCount(codec.group_size, columns);
  const pack = (codes: Uint8Array, width: number, order: NibbleOrder) =>
    codec.bits === 8 ? codes : packNibbles(codes, rows, width, order);
  return new Map([
    ['codes', pack(matrix.codes, columns, codec.order)],
    ['scales', fromFloat32(codec.scale_dtype ?? 'F32', matrix.scales)],
    ...(codec.symmetric ? [] : [['zeros', pack(matrix.zeros, groups, 'even_low')] as const]),
  ]);
}

/** The integer matrix in `parts`, whose sizes are those of {@link partShapes}. */
export function unpackInteger(codec: IntegerCodec, shape: readonly number[], parts: Parts): IntegerMatrix {
  const [rows, columns] = matrixShape(shape);
  const codes = part(parts, 'codes');
  return {
    codes: codec.bits === 8 ? codes : unpackNibbles(codes, rows, columns, codec.order),
    ...unpackGroups(codec, shape, parts),
  };
}

/** Scales and zeros alone, [rows, groups]. */
export function unpackGroups(
  codec: IntegerCodec,
  shape: readonly number[],
  parts: Parts,
): Pick<IntegerMatrix, 'scales' | 'zeros'> {
  const [rows, columns] = matrixShape(shape);
  const groups = groupCount(codec.group_size, columns);
  const zeros = () => {
    const stored = part(parts, 'zeros');
    return codec.bits === 8 ? stored : unpackNibbles(stored, rows, groups, 'even_low');
  };
  return {
    scales: toFloat32('scales', codec.scale_dtype ?? 'F32', aligned(part(parts, 'scales'))),
    zeros: codec.symmetric ? new Uint8Array(rows * groups).fill(2 ** (codec.bits - 1)) : zeros(),
  };
}

/** The code of 0 in NF4, which fills the last half byte. */
const zeroCode = 7;

/** The parts of an NF4 matrix. */
export function packNf4({ nested }: Nf4Codec, { codes, absmax }: BlockMatrix): Parts {
  const even = codes.length % 2 === 0 ? codes : withZero(codes);
  const packed: [string, Uint8Array] = ['codes', packNibbles(even, 1, even.length, 'even_high')];
  if (!nested) return new Map([packed, ['absmax', bytesOf(absmax)]]);
  const magnitudes = nestMagnitudes(absmax);
  return new Map([
    packed,
    ['absmax', magnitudes.codes],
    ['nested_absmax', bytesOf(magnitudes.absmax)],
    ['nested_offset', bytesOf(Float32Array.of(magnitudes.offset))],
  ]);
}

function withZero(codes: Uint8Array): Uint8Array {
  const longer = new Uint8Array(codes.length + 1).fill(zeroCode);
  longer.set(codes);
  return longer;
}

/** Codes and magnitudes of an NF4 matrix; the magnitudes as double quantisation left them. */
export function unpackNf4({ nested }: Nf4Codec, shape: readonly number[], parts: Parts): BlockMatrix {
  const [rows, columns] = matrixShape(shape);
  const codes = unpackNibbles(part(parts, 'codes'), 1, rows * columns, 'even_high');
  if (!nested) return { codes, absmax: floats(part(parts, 'absmax')) };
  const [offset = 0] = floats(part(parts, 'nested_offset'));
  const magnitudes = { codes: part(parts, 'absmax'), absmax: floats(part(parts, 'nested_absmax')), offset };
  return { codes, absmax: unnestMagnitudes(magnitudes) };
}

/** The float32 values of a stored matrix. */
export function decode(codec: Codec, shape: readonly number[], parts: Parts): Float32Array {
  if (codec.type === 'nf4') return dequantizeNf4(unpackNf4(codec, shape, parts), codec.block_size);
  const [rows, columns] = matrixShape(shape);
  return dequantizeInteger(unpackInteger(codec, shape, parts), rows, columns, codec.group_size);
}

/** Rows and columns; all axes but the last are rows, and a vector is one row. */
export function matrixShape(shape: readonly number[]): [rows: number, columns: number] {
  const columns = shape.at(-1) ?? 1;
  return [shape.slice(0, -1).reduce((a, b) => a * b, 1), columns];
}

function part(parts: Parts, name: string): Uint8Array {
  const bytes = parts.get(name);
  if (bytes === undefined) throw new Error(`the quantised matrix has no part '${name}'`);
  return bytes;
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function floats(bytes: Uint8Array): Float32Array {
  const { buffer, byteOffset, byteLength } = aligned(bytes);
  return new Float32Array(buffer, byteOffset, byteLength / 4);
}

function aligned(bytes: Uint8Array): Uint8Array {
  return bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
}
