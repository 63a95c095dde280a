// The weights of a Llama as tensors by name: held, made at random for pretraining, and freed.
import { tf } from '../../tensor/tf.ts';
import type { Random } from '../../util/random.ts';
import type { ModelConfig } from './config.ts';
import { embeddingName, tensorShapes } from './names.ts';

/** The tensors of one Llama, float32, by their Hugging Face names. */
export interface Weights {
  readonly config: ModelConfig;
  readonly names: string[];
  /** The tensor called `name`; an unknown name is a bug. */
  get(name: string): tf.Tensor;
  /** What the input [N, in] of matrix `name` becomes before their product; by default it stays as it is. */
  readonly input?: InputOf | undefined;
  /** Frees every tensor. */
  dispose(): void;
}

/** Looks at or changes the input x [N, in] of matrix `name`. */
export type InputOf = (name: string, x: tf.Tensor2D) => tf.Tensor2D;

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

/** Float32 values of every tensor at the start of pretraining: matrices random, norms 1. */
export function initWeights(config: ModelConfig, random: Random, settings: InitSettings): Map<string, Values> {
  const weights = new Map<string, Values>();
  for (const [name, shape] of tensorShapes(config)) {
    const std = stdOf(name, settings, config.num_hidden_layers);
    const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
    if (shape.length === 1) values.fill(1);
    else for (let i = 0; i < values.length; i++) values[i] = std * random.normal();
    weights.set(name, { shape, values });
  }
  return weights;
}

function stdOf(name: string, settings: InitSettings, layers: number): number {
  const { init_std, init_embedding_std = init_std, init_residual_std = init_std / Math.sqrt(2 * layers) } = settings;
  if (name === embeddingName) return init_embedding_std;
  const residual = /layers\.(\d+)\..*(o_proj|down_proj)/.exec(name); // Hugging Face counts layers from 0
  return residual ? init_residual_std * (settings.init_residual_growth ?? 1) ** Number(residual[1]) : init_std;
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
