// A method's operators on tensors of TensorFlow.js, and one matrix of a layer at work there.
import { tf } from '../../tensor/tf.ts';
import { type MatrixRole, writesHidden } from '../architecture/roles.ts';
import type { MatrixOperators, MatrixParameters, Product } from '../methods/operators.ts';
import { methodNamed } from '../methods/registry.ts';

/** Values are tensors; those of float32 stay as they are where a graph would widen them. */
export const tensorOperators: MatrixOperators<tf.Tensor2D> = {
  matMul: (a, b, transposeA = false, transposeB = false) => tf.matMul(a, b, transposeA, transposeB),
  add: (a, b) => tf.add(a, b),
  mul: (a, b) => tf.mul(a, b),
  widened: (value) => value,
  narrowed: (value) => value,
};

/** The parameters of one matrix by name. */
export type ParameterOf = (name: string) => tf.Tensor;

/** The stored matrix `weight` [out, in]; `input` is what its product sees of x. */
export function tensorProduct(
  weight: tf.Tensor2D,
  input: (x: tf.Tensor2D) => tf.Tensor2D = (x) => x,
): Product<tf.Tensor2D> {
  return { input, times: (x) => tf.matMul(x, weight, false, true), whole: () => weight };
}

/** One matrix of a layer as `candidate` makes it: x [n, in] -> [n, out]. */
export function applyMatrix(
  candidate: string,
  role: MatrixRole,
  x: tf.Tensor2D,
  product: Product<tf.Tensor2D>,
  parameter: ParameterOf,
): tf.Tensor2D {
  const isTransposed = writesHidden(role);
  const parameters = parametersOf(parameter);
  return methodNamed(candidate).apply({ operators: tensorOperators, isTransposed, product, parameters }, x);
}

/** The whole matrix as one, [out, in] like the reference's `weight`; the caller frees it. */
export function expandMatrix(
  candidate: string,
  role: MatrixRole,
  weight: tf.Tensor2D,
  parameter: ParameterOf,
): tf.Tensor2D {
  return tf.tidy(() => {
    const bySize = (matrix: tf.Tensor2D) => (writesHidden(role) ? tf.clone(matrix) : tf.transpose(matrix));
    return bySize(methodNamed(candidate).whole(tensorOperators, bySize(weight), parametersOf(parameter)));
  });
}

function parametersOf(parameter: ParameterOf): MatrixParameters<tf.Tensor2D> {
  return {
    get: (name) => parameter(name) as tf.Tensor2D,
    scaled: (x, name) => tf.mul(x, parameter(name)),
  };
}
