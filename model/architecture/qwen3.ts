// Qwen3: a Qwen2 whose queries and keys are normed head by head, with a head size of its own and biases only where asked for.
import type { Architecture } from './architecture.ts';
import { biasesIfAsked, llamaDefaults, llamaNames, readBias } from './llama-parts.ts';
import { readUpperWindows, writeUpperWindows } from './qwen-windows.ts';

export const qwen3: Architecture = {
  model_type: 'qwen3',
  name: 'Qwen3',
  classes: ['Qwen3ForCausalLM', 'Qwen3Model'],
  defaults: { ...llamaDefaults, num_key_value_heads: 32, head_dim: 128, max_position_embeddings: 32_768 },
  keys: ['attention_bias', 'sliding_window', 'use_sliding_window', 'max_window_layers', 'layer_types'],
  readOwn: (fields, layers) => ({ ...readBias(fields), ...readUpperWindows(fields, layers) }),
  writeOwn: writeUpperWindows,
  names: llamaNames,
  biases: biasesIfAsked,
  head_norms: true,
  mlp_input: 'mlp_norm',
  gguf: {
    ...{ architecture: 'qwen3', interleaved: false, rope_factors: false },
    refusal: ({ attention_bias }) => (attention_bias ? "llama.cpp's qwen3 has no biases" : undefined),
  },
};
