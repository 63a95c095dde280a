// Llama: the architecture from which the others are told apart.
import type { Architecture } from './architecture.ts';
import { biasesIfAsked, llamaDefaults, llamaGguf, llamaNames, readBias } from './llama-parts.ts';

export const llama: Architecture = {
  model_type: 'llama',
  name: 'Llama',
  classes: ['LlamaForCausalLM', 'LLaMAForCausalLM', 'LlamaModel'],
  defaults: llamaDefaults,
  keys: ['attention_bias', 'mlp_bias'],
  readOwn: readBias,
  writeOwn: () => ({}),
  names: llamaNames,
  biases: biasesIfAsked,
  head_norms: false,
  mlp_input: 'mlp_norm',
  gguf: llamaGguf,
};
