// The weights of an ONNX graph: read when the graph first needs them, written once, and then known by name.
import { UserError } from '../util/errors.ts';
import type { OnProgress } from './export-huggingface.ts';
import type { ExportSource } from './export-source.ts';
import { type Projection, tensorShapes } from './names.ts';
import type { Factors } from './onnx-candidates.ts';
import { floatBytes, type OnnxBuilder, type Value } from './onnx-graph.ts';
import type { Product } from './onnx-linear.ts';
import type { OnnxPrecision } from './onnx-precision.ts';
import { recoveryName, recoveryShapes } from './recovery.ts';
import { droppedMatrices } from './replacement.ts';

/** Where a graph's weights come from. */
export interface OnnxWeights {
  /** A norm or the embedding, as an initialiser. */
  vector(name: string): Promise<Value>;
  /** A matrix at work, by name. */
  matrix(name: string): Promise<Product>;
  /** The recovery parameters of one matrix of layer `target` (from 1). */
  factors(target: number, projection: Projection): Promise<Factors>;
}

/** The weights of `source` in `precision`; one matrix is in memory at a time. */
export function onnxWeights(
  source: ExportSource,
  graph: OnnxBuilder,
  precision: OnnxPrecision,
  onProgress: OnProgress,
): OnnxWeights {
  const { stored, recovery } = source;
  const shapes = tensorShapes(stored);
  const total = shapes.size - droppedMatrices(recovery.replacements).size;
  const factorShapes = recoveryShapes(stored, recovery.replacements);
  const read = new Set<string>();
  const valuesOf = async (name: string) => {
    const values = await source.readStored(name);
    onProgress(Math.min(read.add(name).size, total), total);
    return values;
  };
  const vector = async (name: string) => {
    const dims = shapes.get(name) as number[];
    return graph.weight({ name, type: graph.float, dims, bytes: floatBytes(graph.float, await valuesOf(name)) });
  };
  const factor = async (target: number, projection: Projection, parameter: string) => {
    const name = recoveryName(target, projection, parameter);
    const bytes = floatBytes(graph.float, await source.parameter(target, projection, parameter));
    return graph.weight({ name, type: graph.float, dims: factorShapes.get(name) as number[], bytes });
  };
  const matrix = async (name: string) => {
    const shape = shapes.get(name) as number[];
    return precision.storeOf(name)(graph, { name, shape, values: await valuesOf(name) });
  };
  const factors = async (target: number, projection: Projection): Promise<Factors> => {
    const [alpha = 1] = await source.parameter(target, projection, 'alpha');
    if (!Number.isFinite(alpha)) {
      const name = recoveryName(target, projection, 'alpha');
      throw new UserError(`'${name}' must be a finite number to be exported, got ${alpha}`);
    }
    return { alpha, factor: (name) => factor(target, projection, name) };
  };
  return { vector: kept(vector), matrix: kept(matrix), factors };
}

/** A function of a name that is called once for each. */
function kept<T>(make: (name: string) => Promise<T>): (name: string) => Promise<T> {
  const made = new Map<string, Promise<T>>();
  return (name) => {
    const promise = made.get(name) ?? make(name);
    made.set(name, promise);
    return promise;
  };
}
