// Adam with decoupled weight decay (AdamW), by PyTorch's formula.
import { adamStep } from '../../tensor/adam.ts';
import { adamInPlace } from '../../tensor/adam-in-place.ts';
import { backingArray, consumeArrays, hasArrays } from '../../tensor/backend/backing.ts';
import { tf } from '../../tensor/tf.ts';

/** Adam's settings; names as in PyTorch. weight_decay 0 is Adam, and norms and scalars never decay; clip_norm 0 does not clip. */
export interface AdamSettings {
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weight_decay: number;
  /** Greatest L2 norm of all gradients together. */
  readonly clip_norm: number;
}

/** PyTorch's defaults, without weight decay and clipping. */
export const adamDefaults: AdamSettings = { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0, clip_norm: 0 };

/** Adam over named variables. */
export interface Adam {
  /** One update; `step` counts from 1. Gradients are by the variables' names; they may be used up, and the caller frees them. */
  apply(gradients: ReadonlyMap<string, tf.Tensor>, learningRate: number, step: number): void;
  /** The two moments, `first/<name>` and `second/<name>`, for saving and restoring. */
  readonly state: ReadonlyMap<string, tf.Variable>;
  dispose(): void;
}

/**
 * Makes an optimizer for `variables`. The moments are kept without their factors, m = beta1 m + g and v = beta2 v + g^2;
 * the factors (1 - beta) go, with the bias corrections, into two numbers per step that enter the graph as tensors.
 */
export function createAdam(variables: ReadonlyMap<string, tf.Variable>, settings: AdamSettings): Adam {
  const state = new Map<string, tf.Variable>();
  for (const [name, variable] of variables) {
    for (const moment of ['first', 'second']) {
      state.set(
        `${moment}/${name}`,
        tf.tidy(() => tf.variable(tf.tensor(new Float32Array(variable.size), variable.shape, 'float32'), false)),
      );
    }
  }
  const held = [...variables].map(([name, variable]): Held => {
    const [first, second] = ['first', 'second'].map((moment) => state.get(`${moment}/${name}`) as tf.Variable);
    return { name, variable, first: first as tf.Variable, second: second as tf.Variable };
  });
  const own = ownArrays();
  if (hasArrays()) held.forEach(({ variable }) => void own(variable)); // before a step needs the memory
  const apply: Adam['apply'] = (gradients, learningRate, step) =>
    tf.tidy(() => {
      const updates = held.map((tensors): [Held, tf.Tensor] => {
        const gradient = gradients.get(tensors.name);
        if (!gradient) throw new Error(`no gradient for '${tensors.name}'`);
        return [tensors, gradient];
      });
      const factors = stepFactors(settings, learningRate, step);
      const clip = settings.clip_norm > 0 ? clipFactor([...gradients.values()], settings.clip_norm) : undefined;
      if (hasArrays()) writeSteps(updates, { settings, factors, clip: clip && backingArray(clip)[0] }, own);
      else assignSteps(updates, settings, factors, clip);
    });
  return { apply, state, dispose: () => [...state.values()].forEach((variable) => void variable.dispose()) };
}

/** A parameter and its moments. */
interface Held {
  readonly name: string;
  readonly variable: tf.Variable;
  readonly first: tf.Variable;
  readonly second: tf.Variable;
}

/** By the backend's operators. */
function assignSteps(
  updates: readonly [Held, tf.Tensor][],
  settings: AdamSettings,
  factors: StepFactors,
  clip: tf.Scalar | undefined,
): void {
  const rate = tf.scalar(factors.rate);
  const eps = tf.scalar(factors.eps);
  const decay = factors.keep === undefined ? undefined : tf.scalar(factors.keep);
  for (const [{ variable, first, second }, gradient] of updates) {
    const keep = variable.rank > 1 ? decay : undefined;
    const updated = adamStep({ variable, first, second, gradient }, { rate, eps, clip, keep }, settings);
    [variable, first, second].forEach((target, i) => void target.assign(updated[i] as tf.Tensor));
  }
}

/** The numbers of a step in place. */
interface WrittenStep {
  readonly settings: AdamSettings;
  readonly factors: StepFactors;
  readonly clip: number | undefined;
}

/** In the arrays themselves, which `own` makes the variables' own first: each as soon as its gradient is there, which is then used up. */
function writeSteps(
  updates: readonly [Held, tf.Tensor][],
  { settings, factors: { rate, eps, keep: decay }, clip }: WrittenStep,
  own: (variable: tf.Variable) => Float32Array,
): void {
  const { beta1, beta2 } = settings;
  const steps = updates.map(([held, tensor]) => {
    const moments = { first: backingArray(held.first), second: backingArray(held.second) };
    const arrays = { variable: own(held.variable), ...moments };
    const keep = held.variable.rank > 1 ? decay : undefined;
    const step = (gradient: Float32Array) =>
      adamInPlace({ ...arrays, gradient }, { beta1, beta2, rate, eps, clip, keep });
    return [tensor, step] as const;
  });
  consumeArrays(steps);
}

/** Gives the array behind a variable, at first a copy of it: whoever made the variable may still read the array that it was made of. */
function ownArrays(): (variable: tf.Variable) => Float32Array {
  const known = new WeakSet<Float32Array>();
  return (variable) => {
    if (!known.has(backingArray(variable))) {
      tf.tidy(() => variable.assign(tf.tensor(backingArray(variable).slice(), variable.shape, 'float32')));
      known.add(backingArray(variable));
    }
    return backingArray(variable);
  };
}

/** The numbers of a step; `keep` where weights decay. */
interface StepFactors {
  readonly rate: number;
  readonly eps: number;
  readonly keep?: number;
}

/** lr (1-b1)/c1 * m / (sqrt((1-b2) v / c2) + eps) = rate * m / (sqrt(v) + eps'), with c = 1 - b^step. */
function stepFactors({ beta1, beta2, eps, weight_decay }: AdamSettings, lr: number, step: number): StepFactors {
  const first = (1 - beta1) / (1 - beta1 ** step);
  const second = Math.sqrt((1 - beta2) / (1 - beta2 ** step));
  const decay = weight_decay > 0 && { keep: 1 - lr * weight_decay };
  return { rate: (lr * first) / second, eps: eps / second, ...decay };
}

/** min(1, clip_norm / norm), PyTorch's clip_grad_norm_. */
function clipFactor(gradients: tf.Tensor[], clipNorm: number): tf.Scalar {
  const squares = gradients.map((gradient) => tf.sum<tf.Scalar>(tf.square(gradient)));
  return tf.minimum(tf.div(clipNorm, tf.add(tf.sqrt(tf.addN(squares)), 1e-6)), 1);
}
