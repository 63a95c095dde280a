// The functions that deserve their own gradients: automatic ones would take twice the passes over memory.
import { tf } from '../tensor/tf.ts';

/** RMSNorm: x [N, D] * rsqrt(mean(x^2) + eps) * weight [D]. */
export function rmsNorm(x: tf.Tensor2D, weight: tf.Tensor1D, eps: number): tf.Tensor2D {
  const normed = tf.customGrad((...inputs) => {
    const [x, weight, save] = inputs as [tf.Tensor2D, tf.Tensor1D, tf.GradSaveFunc];
    const scale = tf.rsqrt(tf.add(tf.mean(tf.square(x), 1, true), eps));
    const unit = tf.mul(x, scale);
    save([unit, scale, weight]);
    return { value: tf.mul(unit, weight), gradFunc: rmsNormGradient };
  });
  return normed(x, weight) as tf.Tensor2D;
}

/** With u = x * scale and g = dy * weight: dx = scale * (g - u * mean(g * u)), dweight = sum over rows of dy * u. */
function rmsNormGradient(dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] {
  const [unit, scale, weight] = saved as [tf.Tensor2D, tf.Tensor2D, tf.Tensor1D];
  const g = tf.mul(dy, weight);
  const along = tf.mul(unit, tf.mean(tf.mul(g, unit), 1, true));
  return [tf.mul(scale, tf.sub(g, along)), tf.sum(tf.mul(dy, unit), 0)];
}

/** log of the sum of exponentials of each row: x [N, V] -> [N]. */
export function logSumExp(x: tf.Tensor2D): tf.Tensor1D {
  const reduced = tf.customGrad((...inputs) => {
    const [x, save] = inputs as [tf.Tensor2D, tf.GradSaveFunc];
    const greatest = tf.max(x, 1, true);
    const exponentials = tf.exp(tf.sub(x, greatest));
    const sum = tf.sum(exponentials, 1, true);
    save([exponentials, sum]);
    return { value: tf.reshape(tf.add(tf.log(sum), greatest), [-1]), gradFunc: softmaxTimes };
  });
  return reduced(x) as tf.Tensor1D;
}

/** dx = dy * softmax(x), from the exponentials and their sums that the forward pass made. */
function softmaxTimes(dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] {
  const [exponentials, sum] = saved as [tf.Tensor2D, tf.Tensor2D];
  return [tf.mul(exponentials, tf.div(tf.reshape(dy, [-1, 1]), sum))];
}

/** Mean over all elements of (x - target)^2; `target` has no gradient. */
export function meanSquaredError(x: tf.Tensor2D, target: tf.Tensor2D): tf.Scalar {
  const error = tf.customGrad((...inputs) => {
    const [x, save] = inputs as [tf.Tensor2D, tf.GradSaveFunc];
    const difference = tf.sub(x, target);
    save([difference]);
    const gradFunc = (dy: tf.Tensor, [difference]: tf.Tensor[]) =>
      tf.mul(difference as tf.Tensor, tf.mul(dy, 2 / x.size));
    return { value: tf.mul(tf.sum(tf.square(difference)), 1 / x.size), gradFunc };
  });
  return error(x) as tf.Scalar;
}

/**
 * Attention weights applied to values: softmax(q k^T + mask) v, with q [B, K, R, hd] (scaled already), k and v
 * [B, K, T, hd], mask [R, T] -> [B, K, R, hd].
 */
export function attend(q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D, mask: tf.Tensor2D): tf.Tensor4D {
  const attended = tf.customGrad((...inputs) => {
    const [q, k, v, save] = inputs as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D, tf.GradSaveFunc];
    const weights = tf.softmax(tf.add(tf.matMul(q, k, false, true), mask));
    const value = tf.matMul(weights, v);
    save([q, k, v, weights, value]);
    return { value, gradFunc: attendGradient };
  });
  return attended(q, k, v) as tf.Tensor4D;
}

/** The softmax's row sum of dweights * weights is that of dy * y, which is narrower (FlashAttention, appendix B.2). */
function attendGradient(dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] {
  const [q, k, v, weights, y] = saved as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
  const dot = tf.sum(tf.mul(dy, y), -1, true);
  const dscores = tf.mul(weights, tf.sub(tf.matMul(dy, v, false, true), dot));
  return [tf.matMul(dscores, k), tf.matMul(dscores, q, true), tf.matMul(weights, dy, true)];
}

/** silu(gate) * up, elementwise: the gated activation of the MLP, both [N, F]. */
export function swiglu(gate: tf.Tensor2D, up: tf.Tensor2D): tf.Tensor2D {
  const gated = tf.customGrad((...inputs) => {
    const [gate, up, save] = inputs as [tf.Tensor2D, tf.Tensor2D, tf.GradSaveFunc];
    const sigmoid = tf.sigmoid(gate);
    const silu = tf.mul(gate, sigmoid);
    save([sigmoid, silu, up]);
    return { value: tf.mul(silu, up), gradFunc: swigluGradient };
  });
  return gated(gate, up) as tf.Tensor2D;
}

/** silu' = s + silu (1 - s) with s = sigmoid(gate). */
function swigluGradient(dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] {
  const [sigmoid, silu, up] = saved as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
  const slope = tf.add(sigmoid, tf.mul(silu, tf.sub(1, sigmoid)));
  return [tf.mul(tf.mul(dy, up), slope), tf.mul(dy, silu)];
}
