// STORED: a quantised checkpoint in ONNX with the very codes that it was measured with. Nothing is rounded again.

import { blockSizeOf, checkOnnxCodes } from './codes-fit.ts';
import type { ExportSource } from './export-source.ts';
import { embeddingName } from './names.ts';
import { packNibbles } from './nibbles.ts';
import { storeInt4Groups, tokenRounding } from './onnx-8da4w.ts';
import type { OnnxBuilder, StoredFloat, Value } from './onnx-graph.ts';
import {
  type StoreFactor,
  type StoreMatrix,
  type StoreTable,
  storeFloat,
  storeValues,
  type Table,
} from './onnx-linear.ts';
import { type BlockShape, type Blocks, blockProduct, microsoft, storeBlocks } from './onnx-nbits.ts';
import { storeNf4 } from './onnx-nf4.ts';
import type { OnnxPrecision } from './onnx-precision.ts';
import type { Quantization } from './quantization.ts';
import {
  type Codec,
  type IntegerCodec,
  matrixShape,
  type Parts,
  storedBytes,
  unpackInteger,
} from './quantize-codec.ts';
import { groupWidth } from './quantize-integer.ts';

/** The precision of a quantised checkpoint as it lies there; a UserError where it is none, or no operator knows its codes. */
export function storedPrecision(
  {
    checkpoint: { quantization, tensors, storedAs },
    recoveryParts,
  }: Pick<ExportSource, 'checkpoint' | 'recoveryParts'>,
  accuracy_level: number,
): OnnxPrecision {
  const known = checkOnnxCodes(quantization);
  const { codecs, activations, absent } = known;
  const linear = [...codecs].find(([name]) => name !== embeddingName)?.[1];
  const codecOf = (name: string) => (absent.has(name) ? linear : codecs.get(storedAs(name)));
  const floatOf = (name: string) => floatTypes[tensors.get(name)?.dtype ?? ''];
  const stores = codeStores(known, accuracy_level);
  return {
    float: 'float32',
    codes: { scheme: known.scheme, operator: operatorOf(known, linear) },
    opsets: activations === null || codecs.has(embeddingName) ? microsoft : {},
    isAbsent: (name) => absent.has(storedAs(name)),
    quantizes: (name) => codecs.has(storedAs(name)),
    storeOf(name) {
      const codec = codecOf(name);
      return codec === undefined ? storeFloat(floatOf(name)) : stores.matrix(codec);
    },
    storeTable(name) {
      const codec = codecOf(name);
      return codec === undefined ? storeFloat(floatOf(name)) : stores.table(codec as IntegerCodec);
    },
    storeVector: (name) => storeValues(floatOf(name)),
    storeFactor(name) {
      const codec = recoveryParts.codecOf(name);
      return codec === undefined
        ? storeValues(floatTypes[recoveryParts.dtypeOf(name) ?? ''])
        : storeRows(codec as IntegerCodec);
    },
    bytesOf(name, shape) {
      const codec = codecOf(name);
      if (codec === undefined) return shape.reduce((a, b) => a * b, floatBytesOf[floatOf(name) ?? 'float32']);
      return activations === null || name === embeddingName ? blockBytes(codec, shape) : storedBytes(codec, shape);
    },
  };
}

function operatorOf({ activations }: Quantization, linear: Codec | undefined): string {
  if (activations !== null) return 'DequantizeLinear';
  return linear?.type === 'nf4' ? 'MatMulBnb4' : 'MatMulNBits';
}

const floatTypes: Readonly<Record<string, StoredFloat>> = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' };
const floatBytesOf = { float32: 4, float16: 2, bfloat16: 2 } as const;

/** How matrices with codes are stored, by codec. */
function codeStores({ activations }: Quantization, accuracy_level: number) {
  const groups = storeInt4Groups();
  const rounding = tokenRounding();
  const table = (codec: IntegerCodec): StoreTable => {
    return async (graph, { name, shape, parts }) => {
      const product = await storeInteger(graph, name, { codec, shape, accuracy_level }, await parts());
      return activations === null ? product : { ...product, input: (x: Value) => rounding(graph, x) };
    };
  };
  const matrix = (codec: Codec): StoreMatrix => {
    if (codec.type === 'nf4') {
      return async (graph, { name, shape, parts }) => storeNf4(graph, name, codec, shape, await parts());
    }
    if (activations === null) return table(codec);
    return async (graph, { name, shape, parts }) => {
      const [rows, columns] = matrixShape(shape);
      const { group_size } = codec;
      return groups(graph, { name, rows, columns, group_size }, unpackInteger(codec, shape, await parts()));
    };
  };
  return { table, matrix };
}

interface IntegerSettings {
  readonly codec: IntegerCodec;
  readonly shape: readonly number[];
  readonly accuracy_level: number;
}

async function storeInteger(
  graph: OnnxBuilder,
  name: string,
  { codec, shape, accuracy_level }: IntegerSettings,
  parts: Parts,
): Promise<Table> {
  const sizes = blockShape(codec, shape);
  const scale_type = codec.scale_dtype === 'F16' ? 'float16' : 'float32';
  const stored = await storeBlocks(graph, name, sizes, blocksOf(codec, sizes, parts), scale_type);
  return blockProduct(graph, stored, sizes, accuracy_level);
}

function blockShape({ bits, group_size }: IntegerCodec, shape: readonly number[]): BlockShape {
  const [rows, columns] = matrixShape(shape);
  return { rows, columns, bits, block_size: blockSizeOf(group_size, columns) };
}

/** Codes that no product reads: a row is one block of any width, and ONNX Runtime works the values out when it loads the model. */
function storeRows(codec: IntegerCodec): StoreFactor {
  return async (graph, { name, shape, parts }) => {
    const [rows, columns] = matrixShape(shape);
    const sizes = { rows, columns, bits: codec.bits, block_size: codec.bits === 8 ? columns : columns + (columns % 2) };
    const stored = await storeBlocks(graph, name, sizes, blocksOf(codec, sizes, await parts()));
    return blockProduct(graph, stored, sizes, 0).whole();
  };
}

/** The codes as they are, a short last block filled up; scales and zeros once for each block of their group. */
function blocksOf(codec: IntegerCodec, { rows, columns, bits, block_size }: BlockShape, parts: Parts): Blocks {
  const matrix = unpackInteger(codec, [rows, columns], parts);
  const blocks = Math.ceil(columns / block_size);
  const width = groupWidth(codec.group_size, columns);
  const groups = matrix.scales.length / rows;
  const ofBlock = (i: number) => Math.floor(i / blocks) * groups + Math.floor(((i % blocks) * block_size) / width);
  const pack = (codes: Uint8Array, width: number) => (bits === 8 ? codes : packNibbles(codes, rows, width, 'even_low'));
  const spread = <T extends Float32Array | Uint8Array>(values: T, made: T) =>
    made.map((_, i) => values[ofBlock(i)] as number) as T;
  return {
    codes: pack(widened(matrix.codes, rows, columns, blocks * block_size), blocks * block_size),
    scales: spread(matrix.scales, new Float32Array(rows * blocks)),
    zeros: codec.symmetric ? undefined : pack(spread(matrix.zeros, new Uint8Array(rows * blocks)), blocks),
  };
}

/** Rows of `columns` codes as rows of `width`. */
function widened(codes: Uint8Array, rows: number, columns: number, width: number): Uint8Array {
  if (columns === width) return codes;
  const wide = new Uint8Array(rows * width);
  for (let row = 0; row < rows; row++) wide.set(codes.subarray(row * columns, (row + 1) * columns), row * width);
  return wide;
}

/** Bytes of a matrix as `storeInteger` and `storeNf4` lay it out. */
function blockBytes(codec: Codec, shape: readonly number[]): number {
  if (codec.type === 'nf4') return storedBytes(codec, shape);
  const { rows, columns, bits, block_size } = blockShape(codec, shape);
  const blocks = Math.ceil(columns / block_size);
  const scales = blocks * (codec.scale_dtype === 'F16' ? 2 : 4);
  const zeros = codec.symmetric ? 0 : Math.ceil((blocks * bits) / 8);
  return rows * ((blocks * block_size * bits) / 8 + scales + zeros);
}
