// Candidate transformations as operators: recovery parameters stay factors beside the reference's matrix (methods A.3).

import type { Projection } from '../architecture/roles.ts';
import type { Product } from '../operators/operators.ts';
import { checkCandidate } from '../sharing/candidates/forms.ts';
import type { OnnxBuilder, Value } from './graph.ts';
import { timesTransposed } from './linear.ts';

/** The recovery parameters of one matrix of a target. */
export interface Factors {
  readonly alpha: number;
  /** The initialiser of a factor: A [d, r], B [r, f], and the candidate's own. */
  factor(name: string): Value;
}

/** What `applyMatrix` computes (model/sharing/candidates/registry.ts), for one projection: x [N, in] -> [N, out]. */
export function applyFactors(
  graph: OnnxBuilder,
  { candidate, projection }: { candidate: string; projection: Projection },
  x: Value,
  product: Product<Value>,
  { alpha, factor }: Factors,
): Value {
  checkCandidate(candidate);
  const side = { graph, isDown: projection === 'down', factor };
  const scaled = (y: Value) => (alpha === 1 ? y : graph.add('Mul', [y, graph.number(alpha)]));
  const carry = carries[candidate] as Carry;
  const shared = product.input(x);
  const carried = side.isDown ? scaled(carry(side, shared, product)) : carry(side, scaled(shared), product);
  return graph.add('Add', [carried, lowRank(side, x, ['A', 'B'])]);
}

/** The side on which the factors of a projection stand: down is applied transposed. */
interface Side {
  readonly graph: OnnxBuilder;
  readonly isDown: boolean;
  factor(name: string): Value;
}

/** x through the transformed Theta. */
type Carry = (side: Side, x: Value, product: Product<Value>) => Value;

const carries: Readonly<Record<string, Carry>> = {
  g0: (_side, x, product) => product.times(x),
  g1: (side, x, product) => onRight(side, x, product, (y) => rightSide(side, y)),
  g1_plus: (side, x, product) => onRight(side, x, product, (y) => added(side, y, rightSide(side, y))),
  g2: (side, x, product) => onLeft(side, x, product, (y) => leftSide(side, y)),
  g2_plus: (side, x, product) => onLeft(side, x, product, (y) => added(side, y, leftSide(side, y))),
  g3: elementwise,
};

type Through = (y: Value) => Value;

/** gate and up: Theta, then the factor on its right; down the other way about. */
function onRight({ isDown }: Side, x: Value, product: Product<Value>, through: Through): Value {
  return isDown ? product.times(through(x)) : through(product.times(x));
}

/** gate and up: the factor on the left of Theta first; down the other way about. */
function onLeft({ isDown }: Side, x: Value, product: Product<Value>, through: Through): Value {
  return isDown ? through(product.times(x)) : product.times(through(x));
}

/** y C^T D, down y D^T C. */
function rightSide({ graph, isDown, factor }: Side, y: Value): Value {
  const [first, second] = isDown ? (['D', 'C'] as const) : (['C', 'D'] as const);
  return graph.add('MatMul', [timesTransposed(graph, y, factor(first)), factor(second)]);
}

/** y E F^T, down y F E^T. */
function leftSide({ graph, isDown, factor }: Side, y: Value): Value {
  const [first, second] = isDown ? (['F', 'E'] as const) : (['E', 'F'] as const);
  return timesTransposed(graph, graph.add('MatMul', [y, factor(first)]), factor(second));
}

/** x through A B, down through its transpose. */
function lowRank({ graph, isDown, factor }: Side, x: Value, [a, b]: readonly [string, string]): Value {
  if (isDown) return timesTransposed(graph, timesTransposed(graph, x, factor(b)), factor(a));
  return graph.add('MatMul', [graph.add('MatMul', [x, factor(a)]), factor(b)]);
}

/** (U V) * Theta has no cheap form: it is made from its factors in float32, by ONNX Runtime once when it loads the model. */
function elementwise({ graph, isDown, factor }: Side, x: Value, product: Product<Value>): Value {
  const wide = (value: Value) => graph.cast(value, graph.float, 'float32');
  const [u, v] = [wide(factor('U')), wide(factor('V'))];
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
