// The products of an ONNX graph with the model's matrices: how a matrix is stored decides which operators multiply with it.

import { floatBytes, type OnnxBuilder, type Value } from './onnx-graph.ts';
import { matrixShape } from './quantize-codec.ts';

/** A matrix of the model and its values, [out, in]. */
export interface Matrix {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** A stored matrix W [out, in] at work. */
export interface Product {
  /** What the product sees of x [N, in]; x itself where activations are not rounded. */
  input(x: Value): Value;
  /** x [N, in] times W^T -> [N, out]; x as `input` gave it. */
  times(x: Value): Value;
  /** W itself [out, in], in the type that the graph computes in. */
  whole(): Value;
}

/** Stores a matrix in one precision. */
export type StoreMatrix = (graph: OnnxBuilder, matrix: Matrix) => Promise<Product>;

/** As it is, in the type that the graph computes in. */
export const storeFloat: StoreMatrix = async (graph, { name, shape, values }) => {
  const bytes = floatBytes(graph.float, values);
  const weight = await graph.weight({ name, type: graph.float, dims: matrixShape(shape), bytes });
  return {
    input: (x) => x,
    times: (x) => timesTransposed(graph, x, weight),
    whole: () => weight,
  };
};

/** x [N, in] times w^T, w [out, in] as Hugging Face stores it. */
export function timesTransposed(graph: OnnxBuilder, x: Value, w: Value): Value {
  return graph.add('Gemm', [x, w], { attributes: { transB: { int: 1 } } });
}
