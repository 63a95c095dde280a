// The weights of a model as tensors by name: held, made at random for pretraining, and freed.
import { tf } from '../../tensor/tf.ts';
import type { Random } from '../../util/random.ts';
import type { ModelConfig } from './model-config.ts';
import { isBiasRole } from './roles.ts';
import { type TensorSpec, tensorSpecs } from './tensors.ts';

/** The tensors of one model, float32, by their Hugging Face names. */
export interface Weights {
  readonly config: ModelConfig;
  readonly names: string[];
  /** The tensor called `name`; an unknown name is a bug. */
  get(name: string): tf.Tensor;
  /** What the input [N, in] of matrix `name` becomes before their product; by default it stays as it is. */
  readonly input?: InputOf | undefined;
  /** How x [N, in] is multiplied with a matrix [out, in], transposed; by default as TensorFlow.js does it, with a gradient. */
  readonly times?: TimesTransposed | undefined;
  /** Frees every tensor. */
  dispose(): void;
}

/** Looks at or changes the input x [N, in] of matrix `name`. */
export type InputOf = (name: string, x: tf.Tensor2D) => tf.Tensor2D;

/** x [N, in] times a matrix [out, in], transposed -> [N, out]. */
export type TimesTransposed = (x: tf.Tensor2D, weight: tf.Tensor2D) => tf.Tensor2D;

/** The values of one tensor, row-major. */
export interface Values {
  readonly shape: number[];
  readonly values: Float32Array;
}

/** Weights made of `tensors`, which they own from now on. */
export function createWeights(config: ModelConfig, tensors: ReadonlyMap<string, tf.Tensor>, input?: InputOf): Weights {
  return {
    config,
    input,
    names: [...tensors.keys()],
    get(name) {
      const tensor = tensors.get(name);
      if (!tensor) throw new Error(`the model has no tensor '${name}'`);
      return tensor;
    },
    dispose() {
      for (const tensor of tensors.values()) tensor.dispose();
    },
  };
}

/** How the matrices of a new model start: normal, with these standard deviations. */
export interface InitSettings {
  readonly init_std: number;
  /** Of the token embedding; default: init_std. */
  readonly init_embedding_std?: number | undefined;
  /** Of what writes into the residual stream, o_proj and down_proj; default: init_std / sqrt(2L) (GPT-2, section 2.3). */
  readonly init_residual_std?: number | undefined;
  /** Factor of the latter from one layer to the next, so that each adds a like share to a growing residual stream; default 1. */
  readonly init_residual_growth?: number | undefined;
}

/** Float32 values of every tensor at the start of pretraining: matrices random, norms 1, biases 0. */
export function initWeights(config: ModelConfig, random: Random, settings: InitSettings): Map<string, Values> {
  const weights = new Map<string, Values>();
  for (const tensor of tensorSpecs(config)) {
    const { name, shape } = tensor;
    const std = stdOf(tensor, settings, config.num_hidden_layers);
    weights.set(name, { shape, values: startValues(tensor, std, random) });
  }
  return weights;
}

/** A matrix of normal numbers with deviation `std`; a norm of ones, a bias of zeros. */
export function startValues({ shape, role }: TensorSpec, std: number, random: Random): Float32Array {
  const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
  if (shape.length === 1) return values.fill(isBiasRole(role) ? 0 : 1);
  for (let i = 0; i < values.length; i++) values[i] = std * random.normal();
  return values;
}

function stdOf({ role, layer }: TensorSpec, settings: InitSettings, layers: number): number {
  const { init_std, init_embedding_std = init_std, init_residual_std = init_std / Math.sqrt(2 * layers) } = settings;
  if (role === 'embedding') return init_embedding_std;
  if ((role !== 'o' && role !== 'down') || layer === null) return init_std;
  return init_residual_std * (settings.init_residual_growth ?? 1) ** (layer - 1);
}

/** Variables, trainable, from values by name; the caller owns them. */
export function variablesOf(entries: ReadonlyMap<string, Values>): Map<string, tf.Variable> {
  const variables = new Map<string, tf.Variable>();
  for (const [name, { shape, values }] of entries) {
    variables.set(
      name,
      tf.tidy(() => tf.variable(tf.tensor(values, shape, 'float32'))),
    );
  }
  return variables;
}
