// Candidate transformations as operators: recovery parameters stay factors beside the reference's matrix (methods A.3).

import type { Projection } from '../architecture/roles.ts';
import { checkCandidate } from '../sharing/candidates/forms.ts';
import type { OnnxBuilder, Value } from './graph.ts';
import { type Product, timesTransposed } from './linear.ts';

/** The recovery parameters of one matrix of a target. */
export interface Factors {
  readonly alpha: number;
  /** The initialiser of a factor: A [d, r], B [r, f], and the candidate's own. */
  factor(name: string): Promise<Value>;
}

/** What `applyMatrix` computes (model/sharing/candidates/registry.ts), for one projection: x [N, in] -> [N, out]. */
export async function applyFactors(
  graph: OnnxBuilder,
  { candidate, projection }: { candidate: string; projection: Projection },
  x: Value,
  product: Product,
  { alpha, factor }: Factors,
): Promise<Value> {
  checkCandidate(candidate);
  const side = { graph, isDown: projection === 'down', factor };
  const scaled = (y: Value) => (alpha === 1 ? y : graph.add('Mul', [y, graph.number(alpha)]));
  const carry = carries[candidate] as Carry;
  const shared = product.input(x);
  const carried = side.isDown ? scaled(await carry(side, shared, product)) : await carry(side, scaled(shared), product);
  return graph.add('Add', [carried, await lowRank(side, x, ['A', 'B'])]);
}

/** The side on which the factors of a projection stand: down is applied transposed. */
interface Side {
  readonly graph: OnnxBuilder;
  readonly isDown: boolean;
  factor(name: string): Promise<Value>;
}

/** x through the transformed Theta. */
type Carry = (side: Side, x: Value, product: Product) => Promise<Value>;

const carries: Readonly<Record<string, Carry>> = {
  g0: async (_side, x, product) => product.times(x),
  g1: (side, x, product) => onRight(side, x, product, (y) => rightSide(side, y)),
  g1_plus: (side, x, product) => onRight(side, x, product, async (y) => added(side, y, await rightSide(side, y))),
  g2: (side, x, product) => onLeft(side, x, product, (y) => leftSide(side, y)),
  g2_plus: (side, x, product) => onLeft(side, x, product, async (y) => added(side, y, await leftSide(side, y))),
  g3: elementwise,
};

type Through = (y: Value) => Promise<Value>;

/** gate and up: Theta, then the factor on its right; down the other way about. */
async function onRight({ isDown }: Side, x: Value, product: Product, through: Through): Promise<Value> {
  return isDown ? product.times(await through(x)) : through(product.times(x));
}

/** gate and up: the factor on the left of Theta first; down the other way about. */
async function onLeft({ isDown }: Side, x: Value, product: Product, through: Through): Promise<Value> {
  return isDown ? through(product.times(x)) : product.times(await through(x));
}

/** y C^T D, down y D^T C. */
async function rightSide({ graph, isDown, factor }: Side, y: Value): Promise<Value> {
  const [first, second] = isDown ? (['D', 'C'] as const) : (['C', 'D'] as const);
  return graph.add('MatMul', [timesTransposed(graph, y, await factor(first)), await factor(second)]);
}

/** y E F^T, down y F E^T. */
async function leftSide({ graph, isDown, factor }: Side, y: Value): Promise<Value> {
  const [first, second] = isDown ? (['F', 'E'] as const) : (['E', 'F'] as const);
  return timesTransposed(graph, graph.add('MatMul', [y, await factor(first)]), await factor(second));
}

/** x through A B, down through its transpose. */
async function lowRank({ graph, isDown, factor }: Side, x: Value, [a, b]: readonly [string, string]): Promise<Value> {
  if (isDown) return timesTransposed(graph, timesTransposed(graph, x, await factor(b)), await factor(a));
  return graph.add('MatMul', [graph.add('MatMul', [x, await factor(a)]), await factor(b)]);
}

/** (U V) * Theta has no cheap form: it is made from its factors in float32, by ONNX Runtime once when it loads the model. */
async function elementwise({ graph, isDown, factor }: Side, x: Value, product: Product): Promise<Value> {
  const wide = (value: Value) => graph.cast(value, graph.float, 'float32');
  const [u, v] = [wide(await factor('U')), wide(await factor('V'))];
  // [out, in]: U V for down, its transpose for gate and up
  const scale = isDown
    ? graph.add('MatMul', [u, v])
    : graph.add('Gemm', [v, u], { attributes: { transA: { int: 1 }, transB: { int: 1 } } });
  const whole = graph.add('Mul', [wide(product.whole()), scale]);
  return timesTransposed(graph, x, graph.cast(whole, 'float32', graph.float));
}

function added({ graph }: Side, a: Value, b: Value): Value {
  return graph.add('Add', [a, b]);
}
