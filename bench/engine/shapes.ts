// Shapes of models that people have, by name: what the engine is measured at where no folder is given.
import type { JsonObject } from '../../util/json.ts';

/** A shape: its config.json, and what the tables call it. */
export interface Shape {
  label: string;
  config: JsonObject;
}

const llama = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_act: 'silu',
  attention_bias: false,
  mlp_bias: false,
  bos_token_id: 0,
  eos_token_id: 1,
  rms_norm_eps: 1e-5,
};

/** Few layers of the large two: a layer costs what it costs, and vocabulary and width are those of the whole model. */
export const shapes: Readonly<Record<string, Shape>> = {
  'smollm2-135m': {
    label: 'the shape of SmolLM2-135M (30 layers, D 576, V 49,152), random weights',
    config: {
      ...llama,
      hidden_size: 576,
      intermediate_size: 1536,
      num_hidden_layers: 30,
      num_attention_heads: 9,
      num_key_value_heads: 3,
      vocab_size: 49152,
      max_position_embeddings: 8192,
      rope_theta: 100000,
      tie_word_embeddings: true,
    },
  },
  'llama-3.2-1b': {
    label: '4 layers of Llama-3.2-1B (D 2048, F 8192, V 128,256), random weights',
    config: {
      ...llama,
      hidden_size: 2048,
      intermediate_size: 8192,
      num_hidden_layers: 4,
      num_attention_heads: 32,
      num_key_value_heads: 8,
      head_dim: 64,
      vocab_size: 128256,
      max_position_embeddings: 131072,
      rope_theta: 500000,
      rope_scaling: {
        rope_type: 'llama3',
        factor: 32,
        low_freq_factor: 1,
        high_freq_factor: 4,
        original_max_position_embeddings: 8192,
      },
      tie_word_embeddings: true,
    },
  },
  'llama-2-7b': {
    label: '2 layers of Llama-2-7b (D 4096, F 11008, V 32,000), random weights',
    config: {
      ...llama,
      hidden_size: 4096,
      intermediate_size: 11008,
      num_hidden_layers: 2,
      num_attention_heads: 32,
      num_key_value_heads: 32,
      vocab_size: 32000,
      max_position_embeddings: 4096,
      rope_theta: 10000,
      tie_word_embeddings: false,
    },
  },
};

/** models/tiny has weights of its own. */
export const tinyName = 'tiny';

/** Every name that `--model` takes beside folders. */
export const modelNames: readonly string[] = [tinyName, ...Object.keys(shapes)];
