// A method's operators as nodes of a graph, and one matrix of a layer at work there: recovery parameters stay factors beside the
// reference's matrix (methods A.3).
import { type MatrixRole, writesHidden } from '../architecture/roles.ts';
import type { MatrixOperators, MatrixParameters } from '../methods/method.ts';
import { methodNamed } from '../methods/registry.ts';
import type { OnnxBuilder, Value } from './graph.ts';
import { type Product, timesTransposed } from './linear.ts';

/** The recovery parameters of one matrix of a target. */
export interface Factors {
  /** 1 where the method has none. */
  readonly alpha: number;
  /** The initialiser of a factor: A [d, r], B [r, f], and the method's own. */
  factor(name: string): Promise<Value>;
}

/** Values are names; what a graph holds in fewer bits is widened to float32 for arithmetic that asks for it. */
export function graphOperators(graph: OnnxBuilder): MatrixOperators<Value> {
  return {
    matmul(a, b, { a: turnA = false, b: turnB = false } = {}) {
      if (!turnA && !turnB) return graph.add('MatMul', [a, b]);
      if (!turnA) return timesTransposed(graph, a, b);
      return graph.add('Gemm', [a, b], { attributes: { transA: { int: 1 }, ...(turnB && { transB: { int: 1 } }) } });
    },
    add: (a, b) => graph.add('Add', [a, b]),
    mul: (a, b) => graph.add('Mul', [a, b]),
    wide: (value) => graph.cast(value, graph.float, 'float32'),
    narrow: (value) => graph.cast(value, 'float32', graph.float),
  };
}

/** One matrix of a layer as `candidate` makes it: x [N, in] -> [N, out]. */
export async function applyFactors(
  graph: OnnxBuilder,
  { candidate, role }: { candidate: string; role: MatrixRole },
  x: Value,
  product: Product,
  { alpha, factor }: Factors,
): Promise<Value> {
  const isTransposed = writesHidden(role);
  const loaded = new Map<string, Value>();
  for (const name of namesInUse(candidate, isTransposed)) loaded.set(name, await factor(name));
  const parameters: MatrixParameters<Value> = {
    get: (name) => loaded.get(name) as Value,
    scaled: (y) => (alpha === 1 ? y : graph.add('Mul', [y, graph.number(alpha)])),
  };
  return methodNamed(candidate).apply({ operators: graphOperators(graph), isTransposed, product, parameters }, x);
}

/** The factors that a method reads, in the order in which it does: files hold them so. */
function namesInUse(candidate: string, isTransposed: boolean): Set<string> {
  const names = new Set<string>();
  const nothing = () => null;
  const operators = { matmul: nothing, add: nothing, mul: nothing, wide: nothing, narrow: nothing };
  const product = { input: nothing, times: nothing, whole: nothing };
  const parameters = {
    get(name: string) {
      names.add(name);
      return null;
    },
    scaled: nothing,
  };
  methodNamed(candidate).apply<null>({ operators, isTransposed, product, parameters }, null);
  return names;
}
