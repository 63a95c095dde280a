// The passages of a transformer as differentiable functions with hand-written gradients: few passes over memory on
// backend `onnx`, the same numbers from ordinary TensorFlow.js operators on the others.
//
// Shapes: B batch, T tokens, N = B T rows, D hidden, V vocabulary, H heads, K key/value heads, d width of a head.
import { runOr } from './run-or.ts';
import { tf } from './tf.ts';

/** Rows of `table` [V, D] at `ids` (int32, any shape) -> [...ids, D]; equal ids add up in the gradient. */
export function gatherRows(table: tf.Tensor2D, ids: tf.Tensor): tf.Tensor {
  const forward = (table: tf.Tensor, save: tf.GradSaveFunc) => {
    save([ids]);
    const shape = table.shape;
    return {
      value: tf.gather(table, ids),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const at = saved[0] as tf.Tensor;
        const rows = tf.reshape(dy, [at.size, shape[1] as number]);
        return tf.scatterND(tf.reshape(at, [at.size, 1]), rows, shape);
      },
    };
  };
  return tf.customGrad(forward as CustomGradient)(table);
}

/** `x` [..., D] times `weight` [D] over its root mean square: x / sqrt(mean(x^2) + eps) * weight (arXiv 1910.07467). */
export function rmsNorm<T extends tf.Tensor>(x: T, weight: tf.Tensor, eps: number): T {
  const width = x.shape[x.rank - 1] as number;
  const rows = tf.reshape(x, [-1, width]);
  const forward = (x: tf.Tensor, weight: tf.Tensor, save: tf.GradSaveFunc) => {
    const [value, rstd] = runOr('LaminaRmsNorm', { x, weight }, { eps }, () => plainRmsNorm(x, weight, eps)) as [
      tf.Tensor,
      tf.Tensor,
    ];
    save([x, weight, rstd]);
    return { value, gradFunc: rmsNormGrad };
  };
  return tf.reshape(tf.customGrad(forward as CustomGradient)(rows, weight), x.shape) as T;
}

function plainRmsNorm(x: tf.Tensor, weight: tf.Tensor, eps: number): tf.Tensor[] {
  const rstd = tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), eps));
  return [tf.mul(tf.mul(x, rstd), weight), rstd];
}

/** With t = dy x: dw = rstd^T t, and dx = rstd (dy w - x rstd^2 (t w) / D); sums as products with a vector. */
function rmsNormGrad(dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] {
  const [x, weight, rstd] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
  const width = weight.size;
  const t = tf.mul(dy, x);
  const dot = exactMatMul(t, tf.reshape(weight, [width, 1]), { alpha: 1 / width });
  const along = tf.mul(x, tf.mul(tf.mul(rstd, rstd), dot));
  const dx = tf.mul(tf.sub(tf.mul(dy, weight), along), rstd);
  const dw = tf.reshape(exactMatMul(rstd, t, { transposeA: true }), [width]);
  return [dx, dw];
}

/** silu(gate) * up with silu(x) = x sigmoid(x) (arXiv 2002.05202), both of the same shape. */
export function swiglu<T extends tf.Tensor>(gate: T, up: T): T {
  const forward = (gate: tf.Tensor, up: tf.Tensor, save: tf.GradSaveFunc) => {
    const sigmoid = tf.sigmoid(gate);
    const activated = tf.mul(gate, sigmoid);
    save([sigmoid, activated, up]);
    return { value: tf.mul(activated, up), gradFunc: swigluGrad };
  };
  return tf.customGrad(forward as CustomGradient)(gate, up) as T;
}

/** With s = sigmoid(x) and y = silu(x): silu'(x) = s + y (1 - s). */
function swigluGrad(dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] {
  const [sigmoid, activated, up] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
  const slope = tf.add(sigmoid, tf.mul(activated, tf.sub(1, sigmoid)));
  return [tf.mul(tf.mul(dy, up), slope), tf.mul(dy, activated)];
}

/**
 * Turns the pairs (x[i], x[i + d/2]) of `x` [B, T, H, d] by the angles whose cosines and sines [T, d/2] are given
 * (RoPE in Llama's pairing, arXiv 2104.09864). The angles are constants: they get no gradient.
 */
export function rotary(x: tf.Tensor, cos: tf.Tensor, sin: tf.Tensor): tf.Tensor {
  const forward = (x: tf.Tensor, save: tf.GradSaveFunc) => {
    save([cos, sin]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) =>
      turn(dy, saved[0] as tf.Tensor, tf.neg(saved[1] as tf.Tensor));
    return { value: turn(x, cos, sin), gradFunc };
  };
  return tf.customGrad(forward as CustomGradient)(x);
}

function turn(x: tf.Tensor, cos: tf.Tensor, sin: tf.Tensor): tf.Tensor {
  return first(runOr('LaminaRotary', { x, cos, sin }, {}, () => [plainTurn(x, cos, sin)]));
}

function plainTurn(x: tf.Tensor, cos: tf.Tensor, sin: tf.Tensor): tf.Tensor {
  const [left, right] = tf.split(x, 2, -1) as [tf.Tensor, tf.Tensor];
  const c = tf.expandDims(cos, 1);
  const s = tf.expandDims(sin, 1);
  return tf.concat([tf.sub(tf.mul(left, c), tf.mul(right, s)), tf.add(tf.mul(right, c), tf.mul(left, s))], -1);
}

/**
 * softmax(scale q k^T + mask) v for `q` [B, H, T, d] and `k`, `v` [B, K, S, d] with K dividing H: query head h reads
 * key/value head floor(h K / H), as in Llama. `mask` broadcasts to [B, H, T, S] and gets no gradient. -> [B, H, T, d]
 */
export function attention(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, mask: tf.Tensor, scale: number): tf.Tensor {
  const [batch, heads, length, width] = q.shape as [number, number, number, number];
  const [, groups, keys] = k.shape as [number, number, number, number];
  const stacked = [batch, groups, (heads / groups) * length];
  const forward = (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, save: tf.GradSaveFunc) => {
    const scores = scaledMatMul(q, k, false, true, scale);
    const masked = tf.add(tf.reshape(scores, [batch, heads, length, keys]), mask);
    const probs = tf.reshape(tf.softmax(masked), [...stacked, keys]);
    const value = tf.matMul(probs, v);
    save([q, k, v, probs, value]);
    return { value, gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => attentionGrad(dy, saved, scale) };
  };
  const result = tf.customGrad(forward as CustomGradient)(tf.reshape(q, [...stacked, width]), k, v);
  return tf.reshape(result, q.shape);
}

/** The row sums of dP P are those of dO O, which are shorter rows (arXiv 2205.14135, appendix B). */
function attentionGrad(dy: tf.Tensor, saved: tf.Tensor[], scale: number): tf.Tensor[] {
  const [q, k, v, probs, value] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
  const dot = tf.sum(tf.mul(dy, value), -1, true);
  const dScores = tf.mul(probs, tf.sub(tf.matMul(dy, v, false, true), dot));
  return [
    scaledMatMul(dScores, k, false, false, scale),
    scaledMatMul(dScores, q, true, false, scale),
    tf.matMul(probs, dy, true, false),
  ];
}

/** `alpha` times a matrix product, without a gradient of its own. */
export function scaledMatMul(
  a: tf.Tensor,
  b: tf.Tensor,
  transposeA: boolean,
  transposeB: boolean,
  alpha: number,
): tf.Tensor {
  return productOf(a, b, { transposeA, transposeB, alpha });
}

/** The same in float32 whatever the precision: for sums that are written as products, and for statistics. */
export function exactMatMul(
  a: tf.Tensor,
  b: tf.Tensor,
  { transposeA = false, transposeB = false, alpha = 1 }: Partial<ProductAttributes> = {},
): tf.Tensor {
  return productOf(a, b, { transposeA, transposeB, alpha, exact: true });
}

interface ProductAttributes {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly alpha: number;
}

function productOf(a: tf.Tensor, b: tf.Tensor, attrs: ProductAttributes & { exact?: boolean }): tf.Tensor {
  const plain = () => [tf.mul(tf.matMul(a, b, attrs.transposeA, attrs.transposeB), attrs.alpha)];
  return first(runOr('LaminaMatMul', { a, b }, { ...attrs }, plain));
}

/** -log p(label) of each row: `logits` [N, V], `labels` int32 [N] (negative ones are read as 0: mask them) -> [N]. */
export function tokenLosses(logits: tf.Tensor, labels: tf.Tensor): tf.Tensor1D {
  const forward = (logits: tf.Tensor, save: tf.GradSaveFunc) => {
    const at = tf.maximum(labels, tf.scalar(0, 'int32'));
    const [value, probs] = lossesOf(logits, at);
    save([probs, at]);
    const gradFunc = (dy: tf.Tensor, [probs, at]: tf.Tensor[]) =>
      lossesGradient(probs as tf.Tensor, at as tf.Tensor, dy);
    return { value, gradFunc };
  };
  return tf.customGrad(forward as CustomGradient)(logits) as tf.Tensor1D;
}

/** `tokenLosses` of labels from 0, with the probabilities [N, V]; without a gradient. */
export function lossesOf(logits: tf.Tensor, labels: tf.Tensor): [tf.Tensor, tf.Tensor] {
  return runOr('LaminaTokenLosses', { logits, labels }, {}, () => plainLosses(logits, labels)) as [
    tf.Tensor,
    tf.Tensor,
  ];
}

function plainLosses(logits: tf.Tensor, labels: tf.Tensor): tf.Tensor[] {
  const logProbs = tf.logSoftmax(logits);
  const hits = tf.oneHot(labels as tf.Tensor1D, logits.shape[1] as number);
  return [tf.neg(tf.sum(tf.mul(logProbs, hits), 1)), tf.exp(logProbs)];
}

/** The gradient of the logits [N, V] where that of each loss is `dy` [N]. */
export function lossesGradient(probs: tf.Tensor, labels: tf.Tensor, dy: tf.Tensor): tf.Tensor {
  return first(
    runOr('LaminaTokenLossesGrad', { probs, labels, dy }, {}, () => [
      tf.mul(tf.sub(probs, tf.oneHot(labels as tf.Tensor1D, probs.shape[1] as number)), tf.expandDims(dy, 1)),
    ]),
  );
}

/** Mean over all elements of (x - target)^2, of equal shape; `target` gets no gradient. */
export function meanSquaredError(x: tf.Tensor, target: tf.Tensor): tf.Scalar {
  const forward = (x: tf.Tensor, save: tf.GradSaveFunc) => {
    const difference = tf.sub(x, target);
    save([difference]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => tf.mul(saved[0] as tf.Tensor, tf.mul(dy, 2 / x.size));
    return { value: tf.mul(tf.sum(tf.square(difference)), 1 / x.size), gradFunc };
  };
  return tf.customGrad(forward as CustomGradient)(x) as tf.Scalar;
}

/** What a masked score gets added: far below any score, and finite, so that a fully masked row has no NaN. */
export const MASKED = -1e9;

/** [T, T] with 0 where key s may be seen by query t (t - window < s <= t) and `MASKED` elsewhere. */
export function causalMask(length: number, window = length): tf.Tensor2D {
  return tf.tensor2d(causalMaskValues(length, window), [length, length]);
}

/** The same, row-major. */
export function causalMaskValues(length: number, window = length): Float32Array {
  const values = new Float32Array(length * length);
  for (let t = 0; t < length; t++) {
    values.fill(MASKED, t * length, t * length + Math.max(0, t - window + 1));
    values.fill(MASKED, t * length + t + 1, (t + 1) * length);
  }
  return values;
}

/**
 * `x` as it is, behind a boundary: backend `onnx` may run what was recorded before it apart from what follows, and likewise what its
 * gradient waits for apart from what it leads to. Between layers, so that all of them share one small graph (graph/pieces.ts).
 */
export function boundary<T extends tf.Tensor>(x: T): T {
  const cut = (x: tf.Tensor) => first(runOr('LaminaBoundary', { x }, {}, () => [tf.clone(x)]));
  const forward = (x: tf.Tensor) => ({ value: cut(x), gradFunc: cut });
  return tf.customGrad(forward as CustomGradient)(x) as T;
}

/** TensorFlow.js's types know custom gradients of plain tensors only. */
type CustomGradient = Parameters<typeof tf.customGrad>[0];

function first(tensors: tf.Tensor[]): tf.Tensor {
  return tensors[0] as tf.Tensor;
}
