// INT4: matrices in blocks of 4-bit numbers for com.microsoft.MatMulNBits, rounded as ONNX Runtime's own quantiser rounds them.
import { checkFinite } from '../codec/plain.ts';
import { matrixShape } from '../codec/quantize-codec.ts';
import { blockCount, quantizeBlocks } from './blocks.ts';
import type { OnnxBuilder, Value } from './graph.ts';
import type { StoreMatrix } from './linear.ts';
import { type BlockShape, blockProduct, type StoredBlocks, storeBlocks } from './nbits.ts';

/** How MatMulNBits is to work. */
export interface Int4Settings {
  /** Columns of a row that share a scale. */
  readonly group_size: number;
  /** The least precision of the products: 0 the runtime's choice, 1 float32, 2 float16, 3 bfloat16, 4 int8. */
  readonly accuracy_level: number;
}

/** Stores matrices in blocks of 4-bit numbers with float32 scales. */
export function storeInt4({ group_size, accuracy_level }: Int4Settings): StoreMatrix {
  return async (graph, matrix) => {
    const { name } = matrix;
    const values = await matrix.values();
    checkFinite(name, values);
    const [rows, columns] = matrixShape(matrix.shape);
    const shape = { rows, columns, bits: 4, block_size: group_size } as const;
    const stored = await storeBlocks(graph, name, shape, quantizeBlocks(values, rows, columns, group_size));
    return {
      ...blockProduct(graph, stored, shape, accuracy_level),
      whole: () => dequantized(graph, stored, shape),
    };
  };
}

/** The matrix [rows, columns] of the same codes, read as 4-bit numbers by ONNX's own operator. */
function dequantized(
  graph: OnnxBuilder,
  { codes, scales }: StoredBlocks,
  { rows, columns, block_size }: BlockShape,
): Value {
  const blocks = blockCount(block_size, columns);
  const whole = graph.view(codes, `${codes}.uint4`, 'uint4', [rows, blocks * block_size]);
  const zeros = graph.constant(
    `zeros/${rows}x${blocks}`,
    'uint4',
    [rows, blocks],
    new Uint8Array(Math.ceil((rows * blocks) / 2)).fill(0x88),
  );
  const values = graph.add('DequantizeLinear', [whole, scales, zeros], {
    attributes: { axis: { int: 1 }, block_size: { int: block_size } },
  });
  if (columns % block_size === 0) return values;
  return graph.add('Slice', [values, graph.ints(0), graph.ints(columns), graph.ints(1)]);
}
