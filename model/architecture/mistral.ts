// Mistral: a Llama whose layers may all slide.
import type { Architecture } from './architecture.ts';
import { llamaDefaults, llamaGguf, llamaNames } from './llama-parts.ts';
import { readWindow } from './sliding-window.ts';

const usualWindow = 4096;

export const mistral: Architecture = {
  model_type: 'mistral',
  name: 'Mistral',
  classes: ['MistralForCausalLM', 'MistralModel'],
  defaults: { ...llamaDefaults, num_key_value_heads: 8, max_position_embeddings: 131_072 },
  keys: ['sliding_window'],
  readOwn(fields) {
    const sliding_window = readWindow(fields, usualWindow);
    return sliding_window === null ? {} : { sliding_window };
  },
  writeOwn: ({ sliding_window = null }) => ({ sliding_window }),
  names: llamaNames,
  biases: () => [],
  head_norms: false,
  mlp_input: 'mlp_norm',
  gguf: llamaGguf,
};
