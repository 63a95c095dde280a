// The product of the stored matrix and an input that never changes: made once, and given to the method in place of the product.
import { type MatrixRole, writesHidden } from '../architecture/roles.ts';
import type { MatrixAt } from './method.ts';
import { methodNamed } from './registry.ts';

/**
 * `matrix` for the one input `x`, whose product with the stored matrix `known` gives (asked for only where the method takes that
 * product). c x for a scalar parameter c makes c times `known`; everything else is computed as before. Gradients of parameters
 * then pass the stored matrix nowhere, since neither x nor the product depends on them.
 */
export function atKnown<V>(matrix: MatrixAt<V>, x: V, known: () => V): MatrixAt<V> {
  const { product, parameters } = matrix;
  const seen = product.input(x);
  const multiples = new Map<V, string>();
  const times = (given: V) => {
    if (given === seen) return known();
    const factor = multiples.get(given);
    return factor === undefined ? product.times(given) : parameters.scaled(known(), factor);
  };
  const scaled = (given: V, name: string) => {
    const multiple = parameters.scaled(given, name);
    if (given === seen) multiples.set(multiple, name);
    return multiple;
  };
  return {
    ...matrix,
    product: { ...product, input: (given) => (given === x ? seen : product.input(given)), times },
    parameters: { ...parameters, scaled },
  };
}

/** True where `candidate` multiplies its input at `role`, or a multiple of it, by the stored matrix itself: `atKnown` is then asked. */
export function takesKnown(candidate: string, role: MatrixRole): boolean {
  let asked = false;
  const next = () => ({});
  const operators = {
    ...{ add: next, mul: next, matmul: next, addDiagonal: next, identity: next },
    ...{ wide: next, narrow: next },
  };
  const product = { input: (x: object) => x, times: next, whole: next };
  const matrix = { operators, isTransposed: writesHidden(role), product, parameters: { get: next, scaled: next } };
  const x = next();
  const known = () => {
    asked = true;
    return next();
  };
  methodNamed(candidate).apply<object>(atKnown<object>(matrix, x, known), x);
  return asked;
}
