// Integers of a quantised checkpoint in an ONNX graph: laid out in blocks as MatMulNBits reads them, no code changed.
import { blockSizeOf } from '../codec/codes-fit.ts';
import { packNibbles } from '../codec/nibbles.ts';
import { type IntegerCodec, matrixShape, type Parts, unpackGroups, unpackInteger } from '../codec/quantize-codec.ts';
import { groupCount, groupWidth } from '../codec/quantize-integer.ts';
import type { OnnxBuilder } from './graph.ts';
import type { Table } from './linear.ts';
import { type BlockShape, type Blocks, blockProduct, storeBlocks } from './nbits.ts';

/** Sizes of a matrix that MatMulNBits multiplies with: its blocks fill its groups. */
export function productShape({ bits, group_size }: IntegerCodec, shape: readonly number[]): BlockShape {
  const [rows, columns] = matrixShape(shape);
  return { rows, columns, bits, block_size: blockSizeOf(group_size, columns) };
}

/** Sizes of a matrix that is dequantised: a block is a group, and ends with a byte. */
export function lookupShape({ bits, group_size }: IntegerCodec, shape: readonly number[]): BlockShape {
  const [rows, columns] = matrixShape(shape);
  const width = groupWidth(group_size, columns);
  const isWhole = bits === 8 || groupCount(group_size, columns) > 1; // such a group is even, after `checkOnnxCodes`
  return { rows, columns, bits, block_size: isWhole ? width : width + (width % 2) };
}

/** Bytes of a matrix that lies there in `sizes`. */
export function integerBytes(codec: IntegerCodec, { rows, columns, bits, block_size }: BlockShape): number {
  const blocks = Math.ceil(columns / block_size);
  const scales = blocks * (codec.scale_dtype === 'F16' ? 2 : 4);
  const zeros = codec.symmetric ? 0 : Math.ceil((blocks * bits) / 8);
  return rows * ((blocks * block_size * bits) / 8 + scales + zeros);
}

/** Stores the matrix `name`; `accuracy_level` is MatMulNBits'. */
export async function storeInteger(
  graph: OnnxBuilder,
  name: string,
  { codec, sizes, accuracy_level }: { codec: IntegerCodec; sizes: BlockShape; accuracy_level: number },
  parts: Parts,
): Promise<Table> {
  const scale_type = codec.scale_dtype === 'F16' ? 'float16' : 'float32';
  const stored = await storeBlocks(graph, name, sizes, blocksOf(codec, sizes, parts), scale_type);
  return blockProduct(graph, stored, sizes, accuracy_level);
}

/** The codes as they are, a short last block filled up; scales and zeros once for each block of their group. */
function blocksOf(codec: IntegerCodec, sizes: BlockShape, parts: Parts): Blocks {
  const { rows, columns, bits, block_size } = sizes;
  const { scales, zeros } = unpackGroups(codec, [rows, columns], parts);
  const blocks = Math.ceil(columns / block_size);
  const width = groupWidth(codec.group_size, columns);
  const groups = scales.length / rows;
  const groupOf = (i: number) => Math.floor(i / blocks) * groups + Math.floor(((i % blocks) * block_size) / width);
  const perBlock = <T extends Float32Array | Uint8Array>(values: T, made: T) =>
    made.map((_, i) => values[groupOf(i)] as number) as T;
  const spread = () => perBlock(zeros, new Uint8Array(rows * blocks));
  return {
    codes: codesOf(codec, sizes, blocks * block_size, parts),
    scales: perBlock(scales, new Float32Array(rows * blocks)),
    zeros: codec.symmetric ? undefined : bits === 8 ? spread() : packNibbles(spread(), rows, blocks, 'even_low'),
  };
}

/** Rows of `columns` codes as rows of `width`. */
function codesOf(codec: IntegerCodec, { rows, columns, bits }: BlockShape, width: number, parts: Parts): Uint8Array {
  if (columns === width && (bits === 8 || codec.order === 'even_low')) return parts.get('codes') as Uint8Array;
  const { codes } = unpackInteger(codec, [rows, columns], parts);
  const wide = columns === width ? codes : widened(codes, rows, columns, width);
  return bits === 8 ? wide : packNibbles(wide, rows, width, 'even_low');
}

function widened(codes: Uint8Array, rows: number, columns: number, width: number): Uint8Array {
  const wide = new Uint8Array(rows * width);
  for (let row = 0; row < rows; row++) wide.set(codes.subarray(row * columns, (row + 1) * columns), row * width);
  return wide;
}
