// INT4: matrices in blocks of 4-bit numbers for com.microsoft.MatMulNBits, which multiplies with them as they are.
import { quantizeBlocks } from './onnx-blocks.ts';
import { floatBytes, type OnnxBuilder, type Value } from './onnx-graph.ts';
import type { StoreMatrix } from './onnx-linear.ts';
import { matrixShape } from './quantize-codec.ts';
import { checkFinite } from './quantize-llama.ts';

/** The domain of MatMulNBits and the version of its set of operators. */
export const microsoft = { 'com.microsoft': 1 } as const;

/** How MatMulNBits is to work. */
export interface Int4Settings {
  /** Columns of a row that share a scale. */
  readonly group_size: number;
  /** The least precision of the products: 0 the runtime's choice, 1 float32, 2 float16, 3 bfloat16, 4 int8. */
  readonly accuracy_level: number;
}

/** Stores matrices in blocks of 4-bit numbers with float32 scales. */
export function storeInt4({ group_size, accuracy_level }: Int4Settings): StoreMatrix {
  return async (graph, { name, shape, values }) => {
    checkFinite(name, values);
    const [rows, columns] = matrixShape(shape);
    const { codes, scales } = quantizeBlocks(values, rows, columns, group_size);
    const blocks = scales.length / rows;
    const stored = {
      codes: await graph.weight({
        name: `${name}.codes`,
        type: 'uint8',
        dims: [rows, blocks, group_size / 2],
        bytes: codes,
      }),
      scales: await graph.weight({
        name: `${name}.scales`,
        type: 'float32',
        dims: [rows, blocks],
        bytes: floatBytes('float32', scales),
      }),
    };
    const sizes = { K: columns, N: rows, bits: 4, block_size: group_size, accuracy_level };
    const attributes = Object.fromEntries(Object.entries(sizes).map(([key, int]) => [key, { int }]));
    return {
      input: (x) => x,
      times: (x) => graph.add('MatMulNBits', [x, stored.codes, stored.scales], { domain: 'com.microsoft', attributes }),
      whole: () => dequantized(graph, stored, { rows, columns, group_size }),
    };
  };
}

/** The matrix [rows, columns] of the same codes, read as 4-bit numbers by ONNX's own operator. */
function dequantized(
  graph: OnnxBuilder,
  { codes, scales }: { codes: Value; scales: Value },
  { rows, columns, group_size }: { rows: number; columns: number; group_size: number },
): Value {
  const blocks = Math.ceil(columns / group_size);
  const whole = graph.view(codes, `${codes}.uint4`, 'uint4', [rows, blocks * group_size]);
  const zeros = graph.constant(
    `zeros/${rows}x${blocks}`,
    'uint4',
    [rows, blocks],
    new Uint8Array(Math.ceil((rows * blocks) / 2)).fill(0x88),
  );
  const values = graph.add('DequantizeLinear', [whole, scales, zeros], {
    attributes: { axis: { int: 1 }, block_size: { int: group_size } },
  });
  if (columns % group_size === 0) return values;
  return graph.add('Slice', [values, graph.ints(0), graph.ints(columns), graph.ints(1)]);
}
