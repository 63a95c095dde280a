// Gradient checkpointing (arXiv 1604.06174): what a function computed on the way is computed again for its gradient, not kept.
import { tf } from './tf.ts';

/**
 * f(x), of which nothing but x is kept for the gradient. `read`: what else f may read that gets a gradient, each once; a
 * tensor that is left out gets none.
 */
export function recomputed<T extends tf.Tensor>(f: (x: T) => tf.Tensor, x: T, read: readonly tf.Tensor[]): T {
  const forward = (x: tf.Tensor, ...rest: unknown[]) => {
    (rest.at(-1) as tf.GradSaveFunc)([x]);
    const gradFunc = (dy: tf.Tensor, [x]: tf.Tensor[]) => gradientsAgain(f, x as T, read, dy);
    const made = f(x as T);
    // an output that is the input itself would be given its gradient twice
    return { value: made === x ? tf.clone(made) : made, gradFunc };
  };
  return tf.customGrad(forward as unknown as Parameters<typeof tf.customGrad>[0])(x, ...read) as T;
}

/** Of x, then of what is read. TensorFlow.js forgets the tape that it is walking when another one ends: it is given back to it. */
function gradientsAgain<T extends tf.Tensor>(
  f: (x: T) => tf.Tensor,
  x: T,
  read: readonly tf.Tensor[],
  dy: tf.Tensor,
): tf.Tensor[] {
  const { state } = tf.engine();
  const outer = state.activeTape;
  try {
    const inputs = [x, ...read];
    const { grads } = tf.engine().gradients(() => f(x), inputs, dy, true);
    return inputs.map((input, i) => grads[i] ?? tf.zerosLike(input));
  } finally {
    state.activeTape = outer;
  }
}
