// NF4 in ONNX: com.microsoft.MatMulBnb4 multiplies with bitsandbytes' own codes; magnitudes in 8 bits are worked out when the model is loaded.
import { matrixShape, type Nf4Codec, type Parts, partShapes } from '../codec/quantize-codec.ts';
import { dynamicMap, nestedBlock, nf4Codebook } from '../codec/quantize-nf4.ts';
import type { Product } from '../operators/operators.ts';
import { floatBytes, type OnnxBuilder, type Value } from './graph.ts';
import { nibblesOf } from './nibbles.ts';

const onnxTypes = { U8: 'uint8', F16: 'float16', F32: 'float32' } as const;
/** MatMulBnb4's number for the codebook. */
const nf4 = 1;

/** Stores the arrays of the matrix `name` as they are. */
export async function storeNf4(
  graph: OnnxBuilder,
  name: string,
  codec: Nf4Codec,
  shape: readonly number[],
  parts: Parts,
): Promise<Product<Value>> {
  const values = new Map<string, Value>();
  for (const [part, { dtype, shape: dims }] of partShapes(codec, shape)) {
    const bytes = parts.get(part) as Uint8Array;
    values.set(part, await graph.weight({ name: `${name}.${part}`, type: onnxTypes[dtype], dims, bytes }));
  }
  const stored = (part: string) => values.get(part) as Value;
  const [rows, columns] = matrixShape(shape);
  const { block_size, nested } = codec;
  const blocks = Math.ceil((rows * columns) / block_size);
  const absmax = nested ? unnested(graph, stored, blocks) : stored('absmax');
  const sizes = { K: columns, N: rows, block_size, quant_type: nf4 };
  const attributes = Object.fromEntries(Object.entries(sizes).map(([key, int]) => [key, { int }]));
  return {
    input: (x) => x,
    times: (x) => graph.add('MatMulBnb4', [x, stored('codes'), absmax], { domain: 'com.microsoft', attributes }),
    whole() {
      const count = rows * columns;
      const codes = graph.add('Reshape', [nibblesOf(graph, stored('codes'), 'even_high'), graph.ints(-1)]);
      const values = looked(graph, 'nf4', nf4Codebook, first(graph, codes, count));
      const flat = graph.add('Mul', [values, repeated(graph, absmax, block_size, count)]);
      return graph.add('Reshape', [flat, graph.ints(rows, columns)]);
    },
  };
}

/** dynamicMap[code] nested_absmax + offset. */
function unnested(graph: OnnxBuilder, stored: (part: string) => Value, blocks: number): Value {
  const steps = looked(graph, 'nf4.nested', dynamicMap, stored('absmax'));
  const scaled = graph.add('Mul', [steps, repeated(graph, stored('nested_absmax'), nestedBlock, blocks)]);
  return graph.add('Add', [scaled, stored('nested_offset')]);
}

/** The values of a codebook that `codes` name. */
function looked(graph: OnnxBuilder, name: string, book: Float32Array, codes: Value): Value {
  const values = graph.constant(`codebook/${name}`, 'float32', [book.length], floatBytes('float32', book));
  return graph.add('Gather', [values, graph.cast(codes, 'uint8', 'int32')]);
}

/** Each value of a vector `times` times, `count` in all. */
function repeated(graph: OnnxBuilder, vector: Value, times: number, count: number): Value {
  const column = graph.add('Unsqueeze', [vector, graph.ints(1)]);
  const rows = graph.add('Expand', [column, graph.ints(1, times)]);
  return first(graph, graph.add('Reshape', [rows, graph.ints(-1)]), count);
}

function first(graph: OnnxBuilder, vector: Value, count: number): Value {
  return graph.add('Slice', [vector, graph.ints(0), graph.ints(count)]);
}
