// Matrices in blocks of 4 or 8 bits: com.microsoft.MatMulNBits multiplies with them as they are, ONNX's own operators give single rows.
import { floatBytes, type OnnxBuilder, type OnnxFloat, type Value } from './graph.ts';
import type { Table } from './linear.ts';
import { nibblesOf } from './nibbles.ts';

/** The domain of MatMulNBits and the version of its set of operators. */
export const microsoft = { 'com.microsoft': 1 } as const;

/** The numbers of a matrix [rows, columns] in blocks of columns; the last block of a row may reach beyond the columns. */
export interface Blocks {
  /** [rows, blocks, block_size bits / 8], the even one of two codes in the low half. */
  readonly codes: Uint8Array;
  /** [rows, blocks]. */
  readonly scales: Float32Array;
  /** [rows, blocks bits / 8], each row from a byte on; without them code 2^(bits - 1) is 0. */
  readonly zeros?: Uint8Array | undefined;
}

/** Sizes of such a matrix. */
export interface BlockShape {
  readonly rows: number;
  readonly columns: number;
  readonly bits: 4 | 8;
  /** A power of two, at least 16. */
  readonly block_size: number;
}

/** The initialisers of such a matrix. */
export interface StoredBlocks {
  readonly codes: Value;
  /** float32. */
  readonly scales: Value;
  readonly zeros?: Value | undefined;
}

/** Stores the matrix `name`, its scales in `scale_type`. */
export async function storeBlocks(
  graph: OnnxBuilder,
  name: string,
  { rows, bits, block_size }: BlockShape,
  { codes, scales, zeros }: Blocks,
  scale_type: OnnxFloat = 'float32',
): Promise<StoredBlocks> {
  const blocks = scales.length / rows;
  const weight = (part: string, dims: number[], bytes: Uint8Array) =>
    graph.weight({ name: `${name}.${part}`, type: 'uint8', dims, bytes });
  const stored = await weight('codes', [rows, blocks, (block_size * bits) / 8], codes);
  const bytes = floatBytes(scale_type, scales);
  const scale = await graph.weight({ name: `${name}.scales`, type: scale_type, dims: [rows, blocks], bytes });
  return {
    codes: stored,
    scales: graph.cast(scale, scale_type, 'float32'),
    zeros: zeros && (await weight('zeros', [rows, Math.ceil((blocks * bits) / 8)], zeros)),
  };
}

/** The matrix at work; `accuracy_level` is the least precision of the products: 0 the runtime's choice, 1 float32, 4 int8. */
export function blockProduct(
  graph: OnnxBuilder,
  stored: StoredBlocks,
  shape: BlockShape,
  accuracy_level: number,
): Table {
  const { rows, columns, bits, block_size } = shape;
  const sizes = { K: columns, N: rows, bits, block_size, accuracy_level };
  const attributes = Object.fromEntries(Object.entries(sizes).map(([key, int]) => [key, { int }]));
  const { codes, scales, zeros } = stored;
  const weights = zeros === undefined ? [codes, scales] : [codes, scales, zeros];
  return {
    input: (x) => x,
    times: (x) => graph.add('MatMulNBits', [x, ...weights], { domain: 'com.microsoft', attributes }),
    whole: () => dequantized(graph, stored, shape),
    rows(ids) {
      const picked = (value: Value) => graph.add('Gather', [value, ids]);
      return dequantized(graph, { codes: picked(codes), scales: picked(scales), zeros: zeros && picked(zeros) }, shape);
    },
  };
}

/** (code - zero) scale of n rows of a matrix: [n, columns]. */
function dequantized(
  graph: OnnxBuilder,
  { codes, scales, zeros }: StoredBlocks,
  { columns, bits, block_size }: BlockShape,
): Value {
  const blocks = Math.ceil(columns / block_size);
  const floats = (packed: Value, ...dims: number[]) => {
    const whole =
      bits === 8 ? packed : graph.add('Reshape', [nibblesOf(graph, packed, 'even_low'), graph.ints(...dims)]);
    return graph.cast(whole, 'uint8', 'float32');
  };
  const column = (value: Value) => graph.add('Unsqueeze', [value, graph.ints(2)]);
  const zero =
    zeros === undefined ? graph.number(2 ** (bits - 1), 'float32') : column(cut(graph, floats(zeros, 0, -1), blocks));
  const steps = graph.add('Sub', [floats(codes, 0, 0, -1), zero]); // [n, blocks, block_size]
  const values = graph.add('Mul', [steps, column(scales)]);
  return cut(graph, graph.add('Reshape', [values, graph.ints(0, -1)]), columns);
}

/** The first `columns` of the rows of a matrix. */
function cut(graph: OnnxBuilder, matrix: Value, columns: number): Value {
  return graph.add('Slice', [matrix, graph.ints(0), graph.ints(columns), graph.ints(1)]);
}
