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

/** Float32 values of every tensor at the start of pretraining: normal(0, 0.02), norms 1, and the projections that
 * write into the residual stream smaller by sqrt(2L) (GPT-2, section 2.3). */
export function initWeights(config: LlamaConfig, random: Random): Map<string, { shape: number[]; values: Float32Array }> {
  const residualScale = 1 / Math.sqrt(2 * config.num_hidden_layers);
  const weights = new Map<string, { shape: number[]; values: Float32Array }>();
  for (const [name, shape] of tensorShapes(config)) {
    const std = /(o_proj|down_proj)/.test(name) ? 0.02 * residualScale : 0.02;
    const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
    if (shape.length === 1) values.fill(1);
    else for (let i = 0; i < values.length; i++) values[i] = std * random.normal();
    weights.set(name, { shape, values });
  }
  return weights;
}

/** Variables, trainable, from values by name; the caller owns them. */
export function variablesOf(
  entries: ReadonlyMap<string, { shape: number[]; values: Float32Array }>,
): Map<string, tf.Variable> {
  const variables = new Map<string, tf.Variable>();
  for (const [name, { shape, values }] of entries) {
    variables.set(name, tf.tidy(() => tf.variable(tf.tensor(values, shape, 'float32'))));
  }
  return variables;
}
