// The weights of a Llama as tensors by name: held, made at random for pretraining, and freed.
import { tf } from '../tensor/tf.ts';
import type { Random } from '../util/random.ts';
import type { LlamaConfig } from './config.ts';
import { tensorShapes } from './names.ts';

/** The tensors of one Llama, float32, by their Hugging Face names. */
export interface Weights {
  readonly config: LlamaConfig;
  readonly names: string[];
  /** The tensor called `name`; an unknown name is a bug. */
  get(name: string): tf.Tensor;
  /** Frees every tensor. */
  dispose(): void;
}

/** The values of one tensor, row-major. */
export interface Values {
  readonly shape: number[];
  readonly values: Float32Array;
}

/** Weights made of `tensors`, which they own from now on. */
export function createWeights(config: LlamaConfig, tensors: ReadonlyMap<string, tf.Tensor>): Weights {
  return {
    config,
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

/** How the matrices of a new model start. */
export interface InitSettings {
  /** Standard deviation of every matrix. */
  readonly init_std: number;
  /** Divide the projections that write into the residual stream by sqrt(2L) (GPT-2, section 2.3). */
  readonly init_scale_residual: boolean;
}

/** Float32 values of every tensor at the start of pretraining: matrices normal(0, init_std), norms 1. */
export function initWeights(config: LlamaConfig, random: Random, settings: InitSettings): Map<string, Values> {
  const residual = settings.init_scale_residual ? 1 / Math.sqrt(2 * config.num_hidden_layers) : 1;
  const weights = new Map<string, Values>();
  for (const [name, shape] of tensorShapes(config)) {
    const std = settings.init_std * (/(o_proj|down_proj)/.test(name) ? residual : 1);
    const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
    if (shape.length === 1) values.fill(1);
    else for (let i = 0; i < values.length; i++) values[i] = std * random.normal();
    weights.set(name, { shape, values });
  }
  return weights;
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
