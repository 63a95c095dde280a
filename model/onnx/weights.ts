// The weights of an ONNX graph: read when the graph first needs them, written once, and then known by name.
import { UserError } from '../../util/errors.ts';
import type { Projection } from '../architecture/roles.ts';
import { embeddingName, tensorShapes } from '../architecture/tensors.ts';
import type { OnProgress } from '../export/huggingface.ts';
import type { ExportSource } from '../export/source.ts';
import type { Product } from '../operators/operators.ts';
import { matrixShapes } from '../sharing/candidates/forms.ts';
import { recoveryName, recoveryShapes } from '../sharing/recovery.ts';
import { droppedMatrices, type Replacement } from '../sharing/replacement.ts';
import type { Factors } from './candidates.ts';
import type { OnnxBuilder, Value } from './graph.ts';
import type { Matrix, Table } from './linear.ts';
import type { OnnxPrecision } from './precision.ts';

/** Where a graph's weights come from. */
export interface OnnxWeights {
  /** A norm or a bias, in the type that the graph computes in. */
  vector(name: string): Promise<Value>;
  /** The embedding, which a tied head multiplies with. */
  embedding(): Promise<Table>;
  /** A matrix at work, by name. */
  matrix(name: string): Promise<Product<Value>>;
  /** The recovery parameters of one matrix of a replacement's target. */
  factors(replacement: Pick<Replacement, 'target' | 'candidate'>, projection: Projection): Promise<Factors>;
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
  const total = shapes.size - droppedMatrices(stored, recovery.replacements).size;
  const factorShapes = recoveryShapes(stored, recovery.replacements);
  const read = new Set<string>();
  const reading = async <T>(name: string, content: () => Promise<T>) => {
    const found = await content();
    onProgress(Math.min(read.add(name).size, total), total);
    return found;
  };
  const valuesOf = (name: string) => reading(name, () => source.readStored(name));
  const factor = async (target: number, projection: Projection, parameter: string) => {
    const name = recoveryName(target, projection, parameter);
    const values = () => source.parameter(target, projection, parameter);
    const parts = () => source.recoveryParts.readParts(name);
    return precision.storeFactor(name)(graph, { name, shape: factorShapes.get(name) as number[], values, parts });
  };
  const matrixOf = (name: string): Matrix => ({
    name,
    shape: shapes.get(name) as number[],
    values: () => valuesOf(name),
    parts: () => reading(name, () => source.checkpoint.readParts(name)),
  });
  const vector = (name: string) => precision.storeVector(name)(graph, matrixOf(name));
  const matrix = (name: string) => precision.storeOf(name)(graph, matrixOf(name));
  const table = (name: string) => precision.storeTable(name)(graph, matrixOf(name));
  const factors: OnnxWeights['factors'] = async ({ target, candidate }, projection) => {
    const [alpha = 1] = await source.parameter(target, projection, 'alpha');
    if (!Number.isFinite(alpha)) {
      const name = recoveryName(target, projection, 'alpha');
      throw new UserError(`'${name}' must be a finite number to be exported, got ${alpha}`);
    }
    const made = new Map<string, Value>();
    for (const name of Object.keys(matrixShapes(candidate, 1, 1, 1))) {
      if (name !== 'alpha') made.set(name, await factor(target, projection, name));
    }
    return { alpha, factor: (name) => made.get(name) as Value };
  };
  const embedding = kept(table);
  return { vector: kept(vector), matrix: kept(matrix), embedding: () => embedding(embeddingName), factors };
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
