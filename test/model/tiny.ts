// Random Llamas of a few thousand parameters, made in the test.
import { parseConfig } from '../../model/architecture/config.ts';
import type { ModelConfig } from '../../model/architecture/model-config.ts';
import { createWeights, initWeights, variablesOf, type Weights } from '../../model/architecture/weights.ts';
import { createRandom } from '../../util/random.ts';

/** A small config; `over` replaces fields of its config.json. */
export function tinyConfig(over: object = {}): ModelConfig {
  const json = {
    model_type: 'llama',
    hidden_size: 8,
    intermediate_size: 12,
    num_hidden_layers: 4,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    vocab_size: 20,
    max_position_embeddings: 64,
    ...over,
  };
  return parseConfig(json, 'config.json');
}

/** Weights ten times as large as pretraining starts with, so that every part shows. */
export function tinyWeights(config: ModelConfig, seed = 1): Weights {
  const settings = { init_std: 0.2 };
  return createWeights(config, variablesOf(initWeights(config, createRandom('tiny', seed), settings)));
}

/** `count` normal numbers. */
export function normals(count: number, seed: string | number): Float32Array {
  const random = createRandom('normals', seed);
  return Float32Array.from({ length: count }, () => random.normal());
}
