// One matrix of a layer on TensorFlow.js, as a method makes it.
import { tf } from '../../tensor/tf.ts';
import { type MatrixRole, writesHidden } from '../architecture/roles.ts';
import type { TimesTransposed } from '../architecture/weights.ts';
import { atKnown } from '../methods/known.ts';
import type { MatrixParameters } from '../methods/method.ts';
import { methodNamed } from '../methods/registry.ts';
import type { Product } from '../operators/operators.ts';
import { tensorOperators } from '../operators/tensor-operators.ts';

/** The parameters of one matrix by name. */
export type ParameterOf = (name: string) => tf.Tensor;

/** The stored matrix [out, in], which is asked for where it is used: a method that stands alone needs none. `input` is what its product sees of x, `times` how they are multiplied. */
export function tensorProduct(
  weight: () => tf.Tensor2D,
  input: (x: tf.Tensor) => tf.Tensor = (x) => x,
  times: TimesTransposed = (x, matrix) => tf.matMul(x, matrix, false, true),
): Product<tf.Tensor> {
  return { input, times: (x) => times(x as tf.Tensor2D, weight()), whole: weight };
}

/** A product that is known: that of the stored matrix and x [n, in], as the product sees it -> [n, out]. */
export type KnownProduct = () => tf.Tensor2D;

/** One matrix of a layer as `candidate` makes it: x [n, in] -> [n, out]; `known` is the stored matrix's own product with x. */
export function applyMatrix(
  candidate: string,
  role: MatrixRole,
  x: tf.Tensor2D,
  product: Product<tf.Tensor>,
  parameter: ParameterOf,
  known?: KnownProduct,
): tf.Tensor2D {
  const isTransposed = writesHidden(role);
  const matrix = { operators: tensorOperators, isTransposed, product, parameters: parametersOf(parameter) };
  const at = known === undefined ? matrix : atKnown<tf.Tensor>(matrix, x, known);
  return methodNamed(candidate).apply<tf.Tensor>(at, x) as tf.Tensor2D;
}

/** The whole matrix as one, [out, in] like the reference's `weight`; the caller frees it. */
export function expandMatrix(
  candidate: string,
  role: MatrixRole,
  weight: tf.Tensor2D,
  parameter: ParameterOf,
): tf.Tensor2D {
  return tf.tidy(() => {
    const bySize = (matrix: tf.Tensor) => (writesHidden(role) ? tf.clone(matrix) : tf.transpose(matrix));
    const parameters = parametersOf(parameter);
    return bySize(methodNamed(candidate).whole<tf.Tensor>(tensorOperators, bySize(weight), parameters)) as tf.Tensor2D;
  });
}

function parametersOf(parameter: ParameterOf): MatrixParameters<tf.Tensor> {
  return { get: parameter, scaled: (x, name) => tensorOperators.scale(x, parameter(name)) };
}
