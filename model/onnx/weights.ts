// The weights of an ONNX graph: read when the graph first needs them, written once, and then known by name.
import { UserError } from '../../util/errors.ts';
import type { MatrixRole } from '../architecture/roles.ts';
import { embeddingName, tensorShapes } from '../architecture/tensors.ts';
import type { OnProgress } from '../export/huggingface.ts';
import type { ExportSource } from '../export/source.ts';
import type { MatrixParameters } from '../methods/method.ts';
import { methodNamed } from '../methods/registry.ts';
import type { Product } from '../operators/operators.ts';
import { parameterName, recoveryShapes } from '../sharing/recovery-shapes.ts';
import type { Replacement } from '../sharing/replacement.ts';
import { ownTensors, tensorSources } from '../sharing/sources.ts';
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
  parameters(replacement: Replacement, role: MatrixRole): Promise<MatrixParameters<Value>>;
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
  const total = ownTensors(tensorSources(stored, recovery.replacements)).length;
  const factorShapes = recoveryShapes(stored, recovery.replacements);
  const read = new Set<string>();
  const reading = async <T>(name: string, content: () => Promise<T>) => {
    const found = await content();
    onProgress(Math.min(read.add(name).size, total), total);
    return found;
  };
  const valuesOf = (name: string) => reading(name, () => source.readStored(name));
  const factor = async (replacement: Replacement, role: MatrixRole, parameter: string) => {
    const name = parameterName(replacement, role, parameter);
    const values = () => source.parameter(replacement, role, parameter);
    const parts = () => source.recoveryParts.readParts(name);
    return precision.storeFactor(name)(graph, { name, shape: factorShapes.get(name) as number[], values, parts });
  };
  const scalar = async (replacement: Replacement, role: MatrixRole, parameter: string) => {
    const [value = 1] = await source.parameter(replacement, role, parameter);
    if (Number.isFinite(value)) return value;
    throw new UserError(
      `'${parameterName(replacement, role, parameter)}' must be a finite number to be exported, got ${value}`,
    );
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
  const parameters: OnnxWeights['parameters'] = async (replacement, role) => {
    const scalars = new Map<string, number>();
    const made = new Map<string, Value>();
    for (const [name, shape] of Object.entries(methodNamed(replacement.candidate).shapes({ d: 1, f: 1, rank: 1 }))) {
      if (shape.length === 0) scalars.set(name, await scalar(replacement, role, name));
      else made.set(name, await factor(replacement, role, name));
    }
    return {
      get: (name) => made.get(name) as Value,
      scaled: (x, name) =>
        scalars.get(name) === 1 ? x : graph.add('Mul', [x, graph.number(scalars.get(name) as number)]),
    };
  };
  const embedding = kept(table);
  return { vector: kept(vector), matrix: kept(matrix), embedding: () => embedding(embeddingName), parameters };
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
