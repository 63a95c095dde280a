// The products of an ONNX graph with the model's matrices: how a matrix is stored decides which operators multiply with it.
import type { Parts } from '../codec/quantize-codec.ts';
import type { Product } from '../operators/operators.ts';
import { floatBytes, type OnnxBuilder, type StoredFloat, type Value } from './graph.ts';

/** A matrix of the model, [out, in]. */
export interface Matrix {
  readonly name: string;
  readonly shape: readonly number[];
  values(): Promise<Float32Array>;
  /** The stored arrays of a quantised one. */
  parts(): Promise<Parts>;
}

/** A matrix whose rows are looked up as well, as the embedding's are. */
export interface Table extends Product<Value> {
  /** The rows of W that `ids` [N] names: [N, in], in the type that the graph computes in. */
  rows(ids: Value): Value;
}

/** Stores a recovery parameter; its value is in the type that the graph computes in. */
export type StoreFactor = (graph: OnnxBuilder, matrix: Matrix) => Promise<Value>;

/** Stores a matrix in one precision. */
export type StoreMatrix = (graph: OnnxBuilder, matrix: Matrix) => Promise<Product<Value>>;
export type StoreTable = (graph: OnnxBuilder, matrix: Matrix) => Promise<Table>;

/** As it is, in `type`; default: the type that the graph computes in. */
export function storeFloat(stored?: StoredFloat): StoreTable {
  return async (graph, matrix) => {
    const type = stored ?? graph.float;
    const weight = await floatWeight(graph, matrix, type);
    const whole = () => graph.cast(weight, type, graph.float);
    return {
      input: (x) => x,
      times: (x) => timesTransposed(graph, x, whole()),
      whole,
      rows: (ids) => graph.cast(graph.add('Gather', [weight, ids]), type, graph.float),
    };
  };
}

/** As `storeFloat`, for what is no matrix of the model: a norm or a recovery parameter. */
export function storeValues(stored?: StoredFloat): StoreFactor {
  return async (graph, matrix) => {
    const type = stored ?? graph.float;
    return graph.cast(await floatWeight(graph, matrix, type), type, graph.float);
  };
}

async function floatWeight(graph: OnnxBuilder, { name, shape, values }: Matrix, type: StoredFloat): Promise<Value> {
  return graph.weight({ name, type, dims: shape, bytes: floatBytes(type, await values(), name) });
}

/** x [N, in] times w^T, w [out, in] as Hugging Face stores it. */
export function timesTransposed(graph: OnnxBuilder, x: Value, w: Value): Value {
  return graph.add('Gemm', [x, w], { attributes: { transB: { int: 1 } } });
}
