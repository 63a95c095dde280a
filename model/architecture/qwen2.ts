// Qwen2 and Qwen2.5: a Llama with biases on queries, keys and values, whose upper layers may slide.
import type { Architecture } from './architecture.ts';
import { llamaDefaults, llamaGguf, llamaNames } from './llama-parts.ts';
import { readUpperWindows, writeUpperWindows } from './qwen-windows.ts';

export const qwen2: Architecture = {
  model_type: 'qwen2',
  name: 'Qwen2',
  classes: ['Qwen2ForCausalLM', 'Qwen2Model'],
  defaults: { ...llamaDefaults, num_key_value_heads: 32, max_position_embeddings: 32_768 },
  keys: ['sliding_window', 'use_sliding_window', 'max_window_layers', 'layer_types'],
  readOwn: readUpperWindows,
  writeOwn: writeUpperWindows,
  names: llamaNames,
  biases: () => ['q', 'k', 'v'],
  head_norms: false,
  mlp_input: 'mlp_norm',
  gguf: { ...llamaGguf, architecture: 'qwen2', interleaved: false, rope_factors: false },
};
