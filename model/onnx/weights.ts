// The weights of an ONNX graph: read when the graph first needs them, written once, and then known by name.
import { UserError } from '../../util/errors.ts';
import type { MatrixRole } from '../architecture/roles.ts';
import { embeddingName, tensorShapes } from '../architecture/tensors.ts';
import type { OnProgress } from '../export/huggingface.ts';
import type { ExportSource } from '../export/source.ts';
import { recoveryName, recoveryShapes } from '../sharing/recovery-shapes.ts';
import { ownTensors, tensorSources } from '../sharing/sources.ts';
import type { OnnxBuilder, Value } from './graph.ts';
import type { Matrix, Product, Table } from './linear.ts';
import type { Factors } from './matrix-operators.ts';
import type { OnnxPrecision } from './precision.ts';

/** Where a graph's weights come from. */
export interface OnnxWeights {
  /** A norm, in the type that the graph computes in. */
  vector(name: string): Promise<Value>;
  /** The embedding, which a tied head multiplies with. */
  embedding(): Promise<Table>;
  /** A matrix at work, by name. */
  matrix(name: string): Promise<Product>;
  /** The recovery parameters of one matrix of layer `target` (from 1). */
  factors(target: number, role: MatrixRole): Promise<Factors>;
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
  const factor = async (target: number, role: MatrixRole, parameter: string) => {
    const name = recoveryName(target, role, parameter);
    const values = () => source.parameter(target, role, parameter);
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
  const factors = async (target: number, role: MatrixRole): Promise<Factors> => {
    const name = recoveryName(target, role, 'alpha');
    const [alpha = 1] = recovery.parameters.has(name) ? await source.parameter(target, role, 'alpha') : [];
    if (!Number.isFinite(alpha)) {
      throw new UserError(`'${name}' must be a finite number to be exported, got ${alpha}`);
    }
    return { alpha, factor: (name) => factor(target, role, name) };
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
