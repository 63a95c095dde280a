// One step of Adam for one parameter, as one kernel on backend `onnx`: a dozen operators for each of a hundred parameters
// were most of what a step recorded, and TensorFlow.js takes longer to record a small operator than it takes to run.
import { runOr } from './run-or.ts';
import { tf } from './tf.ts';

/** A parameter, its moments and its gradient, all of one shape. */
export interface AdamTensors {
  readonly variable: tf.Tensor;
  /** sum of beta1^(age) g. */
  readonly first: tf.Tensor;
  /** sum of beta2^(age) g^2. */
  readonly second: tf.Tensor;
  readonly gradient: tf.Tensor;
}

/** The numbers of a step, the same for every parameter; tensors, because they change from step to step. */
export interface AdamFactors {
  /** The learning rate and `eps` with the bias corrections in them. */
  readonly rate: tf.Scalar;
  readonly eps: tf.Scalar;
  /** What the gradient is multiplied by first; none: 1. */
  readonly clip?: tf.Scalar | undefined;
  /** What is left of the parameter after weight decay; none: all of it. */
  readonly keep?: tf.Scalar | undefined;
}

/** The same numbers, and the decay rates of the moments, outside of a graph. */
export interface AdamNumbers {
  readonly beta1: number;
  readonly beta2: number;
  readonly rate: number;
  readonly eps: number;
  readonly clip?: number | undefined;
  readonly keep?: number | undefined;
}

/** The new values of variable, first and second: first = beta1 first + g, second = beta2 second + g^2, variable -= rate first / (sqrt(second) + eps). */
export function adamStep(
  tensors: AdamTensors,
  factors: AdamFactors,
  betas: { readonly beta1: number; readonly beta2: number },
): [tf.Tensor, tf.Tensor, tf.Tensor] {
  const given = Object.entries({ ...tensors, ...factors }).filter(([, tensor]) => tensor !== undefined);
  const inputs = Object.fromEntries(given) as Record<string, tf.Tensor>;
  const plain = () => plainStep(tensors, factors, betas);
  return runOr('LaminaAdam', inputs, betas, plain) as [tf.Tensor, tf.Tensor, tf.Tensor];
}

function plainStep(
  tensors: AdamTensors,
  { rate, eps, clip, keep }: AdamFactors,
  { beta1, beta2 }: { readonly beta1: number; readonly beta2: number },
): tf.Tensor[] {
  const gradient = clip ? tf.mul(tensors.gradient, clip) : tensors.gradient;
  const first = tf.add(tf.mul(tensors.first, beta1), gradient);
  const second = tf.add(tf.mul(tensors.second, beta2), tf.square(gradient));
  const change = tf.mul(tf.div(first, tf.add(tf.sqrt(second), eps)), rate);
  return [tf.sub(keep ? tf.mul(tensors.variable, keep) : tensors.variable, change), first, second];
}
