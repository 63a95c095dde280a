// Adam with decoupled weight decay (AdamW), by PyTorch's formula.
import { adamStep } from '../../tensor/adam.ts';
import { type AdamMemory, adamInPlace, createAdamMemory } from '../../tensor/adam-in-place.ts';
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
  const held = new Map(
    [...variables].map(([name, variable]) => {
      const [first, second] = ['first', 'second'].map((moment) => state.get(`${moment}/${name}`) as tf.Variable);
      return [name, { variable, first: first as tf.Variable, second: second as tf.Variable }];
    }),
  );
  const all = [...held.values()].flatMap(({ variable, first, second }) => [variable, first, second]);
  const own = ownArrays(createAdamMemory(all.map(({ size }) => size)));
  // before a step needs the memory
  if (hasArrays()) for (const variable of all) own(variable);
  const apply: Adam['apply'] = (gradients, learningRate, step) =>
    tf.tidy(() => {
      const factors = stepFactors(settings, learningRate, step);
      if (hasArrays()) writeSteps(held, gradients, { settings, factors }, own);
      else assignSteps(held, gradients, settings, factors);
    });
  return { apply, state, dispose: () => [...state.values()].forEach((variable) => void variable.dispose()) };
}

/** A parameter and its moments. */
export interface Held<V> {
  readonly variable: V;
  readonly first: V;
  readonly second: V;
}

/** The numbers of a step; `keep` where weights decay. */
export interface StepFactors<N> {
  readonly rate: N;
  readonly eps: N;
  readonly keep?: N;
}

/** The new parameter and moments of each of `held`, by one step with these gradients. */
export function adamUpdate(
  held: ReadonlyMap<string, Held<tf.Tensor>>,
  gradients: ReadonlyMap<string, tf.Tensor>,
  { rate, eps, keep }: StepFactors<tf.Scalar>,
  settings: AdamSettings,
): Map<string, [tf.Tensor, tf.Tensor, tf.Tensor]> {
  const clip = clipOf(gradients, settings);
  const updated = [...held].map(([name, tensors]): [string, [tf.Tensor, tf.Tensor, tf.Tensor]] => {
    const gradient = gradientOf(name, gradients);
    const own = { rate, eps, clip, keep: tensors.variable.rank > 1 ? keep : undefined };
    return [name, adamStep({ ...tensors, gradient }, own, settings)];
  });
  return new Map(updated);
}

function gradientOf(name: string, gradients: ReadonlyMap<string, tf.Tensor>): tf.Tensor {
  const gradient = gradients.get(name);
  if (!gradient) throw new Error(`no gradient for '${name}'`);
  return gradient;
}

/** By the backend's operators. */
function assignSteps(
  held: ReadonlyMap<string, Held<tf.Variable>>,
  gradients: ReadonlyMap<string, tf.Tensor>,
  settings: AdamSettings,
  factors: StepFactors<number>,
): void {
  const numbers = Object.entries(factors).map(([name, number]) => [name, tf.scalar(number)]);
  const scalars: StepFactors<tf.Scalar> = Object.fromEntries(numbers);
  for (const [name, updated] of adamUpdate(held, gradients, scalars, settings)) {
    const { variable, first, second } = held.get(name) as Held<tf.Variable>;
    [variable, first, second].forEach((target, i) => void target.assign(updated[i] as tf.Tensor));
  }
}

/** In the arrays themselves, which `own` makes the variables' own first: each as soon as its gradient is there, which is then used up. */
function writeSteps(
  held: ReadonlyMap<string, Held<tf.Variable>>,
  gradients: ReadonlyMap<string, tf.Tensor>,
  { settings, factors }: { settings: AdamSettings; factors: StepFactors<number> },
  own: (variable: tf.Variable) => Float32Array,
): void {
  const { beta1, beta2 } = settings;
  const { rate, eps, keep: decay } = factors;
  const scale = clipOf(gradients, settings);
  const clip = scale && backingArray(scale)[0];
  const steps = [...held].map(([name, { variable, first, second }]) => {
    const arrays = { variable: own(variable), first: own(first), second: own(second) };
    const keep = variable.rank > 1 ? decay : undefined;
    const step = (gradient: Float32Array) =>
      adamInPlace({ ...arrays, gradient }, { beta1, beta2, rate, eps, clip, keep });
    return [gradientOf(name, gradients), step] as const;
  });
  consumeArrays(steps);
}

/** Gives the array behind a variable, at first a copy of it in `memory`: whoever made the variable may still read what it was made of. */
function ownArrays(memory: AdamMemory): (variable: tf.Variable) => Float32Array {
  const known = new WeakSet<Float32Array>();
  const places = new Map<tf.Variable, Float32Array>();
  return (variable) => {
    if (!known.has(backingArray(variable))) {
      const place = places.get(variable) ?? memory.array(variable.size);
      places.set(variable, place);
      place.set(backingArray(variable));
      tf.tidy(() => variable.assign(tf.tensor(place, variable.shape, 'float32')));
      known.add(backingArray(variable));
    }
    return backingArray(variable);
  };
}

function clipOf(gradients: ReadonlyMap<string, tf.Tensor>, { clip_norm }: AdamSettings): tf.Scalar | undefined {
  return clip_norm > 0 ? clipFactor([...gradients.values()], clip_norm) : undefined;
}

/** lr (1-b1)/c1 * m / (sqrt((1-b2) v / c2) + eps) = rate * m / (sqrt(v) + eps'), with c = 1 - b^step. */
export function stepFactors(
  { beta1, beta2, eps, weight_decay }: AdamSettings,
  lr: number,
  step: number,
): StepFactors<number> {
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
