// Corrects gradients that TensorFlow.js 4.22 gets wrong, refuses, or computes with needless memory; for every backend.
import { tf } from './tf.ts';

/**
 * Replaces TensorFlow.js's gradients of the kernels below. They are kept for the whole process, and a package that brings its own
 * copy of TensorFlow.js registers them anew: to be called whenever one may have been loaded.
 */
export function correctGradients(): void {
  for (const config of corrected()) {
    tf.unregisterGradient(config.kernelName);
    tf.registerGradient(config);
  }
}

function corrected(): tf.GradConfig[] {
  const extremes = [extremeGradient('Maximum', tf.greaterEqual), extremeGradient('Minimum', tf.lessEqual)];
  const products = [batchMatMulGradient, squaredDifferenceGradient];
  return [sumGradient, meanGradient, ...products, cumsumGradient, tileGradient, ...extremes];
}

/** To `a` where it is chosen (ties are its), to `b` elsewhere, summed over broadcast axes; TensorFlow.js throws at those. */
function extremeGradient(kernelName: string, chooses: typeof tf.greaterEqual): tf.GradConfig {
  const gradFunc: tf.GradFunc = (dy, saved) => {
    const [a, b] = saved as [tf.Tensor, tf.Tensor];
    const chosen = tf.cast(chooses(a, b), 'float32');
    return {
      a: () => unbroadcast(tf.mul(one(dy), chosen), a.shape),
      b: () => unbroadcast(tf.mul(one(dy), tf.sub(1, chosen)), b.shape),
    };
  };
  return { kernelName, inputsToSave: ['a', 'b'], gradFunc };
}

/** `dy` with the reduced axes put back, spread over the input; TensorFlow.js multiplies by an array of ones instead. */
function spread(dy: tf.Tensor, shape: number[], axis: unknown): tf.Tensor {
  const axes = tf.util.parseAxisParam(axis as number[], shape);
  const kept = shape.map((n, i) => (axes.includes(i) ? 1 : n));
  if (tf.util.sizeFromShape(shape) === 0) return tf.zeros(shape);
  return tf.broadcastTo(tf.reshape(dy, kept), shape);
}

const sumGradient: tf.GradConfig = {
  kernelName: 'Sum',
  inputsToSave: ['x'],
  gradFunc: (dy, saved, attrs) => ({ x: () => spread(one(dy), (saved[0] as tf.Tensor).shape, attrs.axis) }),
};

const meanGradient: tf.GradConfig = {
  kernelName: 'Mean',
  inputsToSave: ['x'],
  gradFunc: (dy, saved, attrs) => {
    const shape = (saved[0] as tf.Tensor).shape;
    const count = tf.util.sizeFromShape(shape) / one(dy).size;
    return { x: () => spread(tf.div(one(dy), count), shape, attrs.axis) };
  },
};

/** With the batch axes that broadcasting repeated summed again; TensorFlow.js throws there. */
const batchMatMulGradient: tf.GradConfig = {
  kernelName: 'BatchMatMul',
  inputsToSave: ['a', 'b'],
  gradFunc: (dy, saved, attrs) => {
    const [a, b] = saved as [tf.Tensor, tf.Tensor];
    const d = one(dy);
    const ta = attrs.transposeA === true;
    const tb = attrs.transposeB === true;
    const gradA = () => (ta ? tf.matMul(b, d, tb, true) : tf.matMul(d, b, false, !tb));
    const gradB = () => (tb ? tf.matMul(d, a, true, ta) : tf.matMul(a, d, !ta, false));
    return { a: () => unbroadcast(gradA(), a.shape), b: () => unbroadcast(gradB(), b.shape) };
  },
};

/** TensorFlow.js throws where the operands broadcast. */
const squaredDifferenceGradient: tf.GradConfig = {
  kernelName: 'SquaredDifference',
  inputsToSave: ['a', 'b'],
  gradFunc: (dy, saved) => {
    const [a, b] = saved as [tf.Tensor, tf.Tensor];
    const slope = () => tf.mul(one(dy), tf.mul(tf.sub(a, b), 2));
    return { a: () => unbroadcast(slope(), a.shape), b: () => unbroadcast(tf.neg(slope()), b.shape) };
  },
};

function unbroadcast(gradient: tf.Tensor, shape: number[]): tf.Tensor {
  const axes = tf.broadcast_util.getReductionAxes(shape, gradient.shape);
  return axes.length === 0 ? gradient : tf.reshape(tf.sum(gradient, axes), shape);
}

/** The scan in the other direction along the same axis; TensorFlow.js also transposes when the axis is not the last. */
const cumsumGradient: tf.GradConfig = {
  kernelName: 'Cumsum',
  inputsToSave: [],
  gradFunc: (dy, _saved, attrs) => {
    const axis = attrs.axis as number;
    const rank = one(dy).rank;
    const last = axis < 0 ? axis + rank : axis;
    return { x: () => tf.cumsum(one(dy), last, attrs.exclusive === true, attrs.reverse !== true) };
  },
};

/** The sum over repetitions, at any rank. */
const tileGradient: tf.GradConfig = {
  kernelName: 'Tile',
  inputsToSave: ['x'],
  gradFunc: (dy, saved, attrs) => {
    const shape = (saved[0] as tf.Tensor).shape;
    const reps = attrs.reps as number[];
    const split = shape.flatMap((n, i) => [reps[i] as number, n]);
    const repeated = shape.map((_, i) => 2 * i).filter((i) => split[i] !== 1);
    return { x: () => tf.reshape(tf.sum(tf.reshape(one(dy), split), repeated), shape) };
  },
};

function one(dy: tf.Tensor | tf.Tensor[]): tf.Tensor {
  return dy as tf.Tensor;
}
