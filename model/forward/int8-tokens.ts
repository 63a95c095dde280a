// Activations rounded to int8, each token with a scale and a zero of its own, as the kernels of 8da4w do (methods E.1; torchao).
import { tf } from '../../tensor/tf.ts';
import { UserError } from '../../util/errors.ts';

const low = -128;
const high = 127;
/** The smallest scale: float32's epsilon. */
const smallestScale = 2 ** -23;

/**
 * x [N, in] as int8 would carry it: q = clamp(round(x / s + zero)), value (q - zero) s, with s = range / 255 and 0 inside the range.
 * It has no gradient: training through it is a UserError.
 */
export function roundTokens(x: tf.Tensor2D): tf.Tensor2D {
  const forward = (x: tf.Tensor) => ({ value: rounded(x), gradFunc: refuseGradient });
  return tf.customGrad(forward as Parameters<typeof tf.customGrad>[0])(x) as tf.Tensor2D;
}

function rounded(x: tf.Tensor): tf.Tensor {
  const least = tf.minimum(tf.min(x, 1, true), 0);
  const most = tf.maximum(tf.max(x, 1, true), 0);
  const scale = tf.maximum(tf.div(tf.sub(most, least), high - low), smallestScale);
  const zero = zeroOf(tf.div(least, scale), tf.div(most, scale));
  const q = tf.clipByValue(tf.round(tf.add(tf.mul(x, tf.div(1, scale)), zero)), low, high);
  return tf.mul(tf.sub(q, zero), scale);
}

/** The zero that errs less at the end of the range that is farther off. */
function zeroOf(least: tf.Tensor, most: tf.Tensor): tf.Tensor {
  const error = tf.add(tf.add(least, low), tf.add(most, high));
  const zero = tf.where(tf.greater(error, 0), tf.sub(low, least), tf.sub(high, most));
  return tf.round(tf.clipByValue(zero, low, high));
}

function refuseGradient(): never {
  throw new UserError(
    "this model rounds its activations to int8 (scheme '8da4w'), which has no gradient: it can be measured but not trained, so train before 'quantize'",
  );
}
