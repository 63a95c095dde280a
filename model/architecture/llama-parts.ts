// What most architectures have in common with Llama, so that each file says its own alone.
import type { ConfigDefaults, GgufForm } from './architecture.ts';
import type { Fields } from './config-fields.ts';
import type { ModelConfig } from './model-config.ts';
import type { LayerRole } from './roles.ts';

/** Hugging Face's names of a layer's tensors. */
export const llamaNames: Readonly<Record<LayerRole, string>> = {
  attention_norm: 'input_layernorm.weight',
  q: 'self_attn.q_proj.weight',
  k: 'self_attn.k_proj.weight',
  v: 'self_attn.v_proj.weight',
  o: 'self_attn.o_proj.weight',
  q_bias: 'self_attn.q_proj.bias',
  k_bias: 'self_attn.k_proj.bias',
  v_bias: 'self_attn.v_proj.bias',
  o_bias: 'self_attn.o_proj.bias',
  q_norm: 'self_attn.q_norm.weight',
  k_norm: 'self_attn.k_norm.weight',
  mlp_norm: 'post_attention_layernorm.weight', // before the MLP, whatever its name says
  gate: 'mlp.gate_proj.weight',
  up: 'mlp.up_proj.weight',
  down: 'mlp.down_proj.weight',
};

/** Llama's defaults. */
export const llamaDefaults: ConfigDefaults = {
  max_position_embeddings: 2048,
  rope_theta: 10000,
  tie_word_embeddings: false,
};

/** `attention_bias`, where the architecture leaves biases open. */
export function readBias(fields: Fields): Pick<ModelConfig, 'attention_bias'> {
  return fields.boolean('attention_bias', false) ? { attention_bias: true } : {};
}

/** Biases on all four matrices, or on none. */
export function biasesIfAsked({ attention_bias }: Pick<ModelConfig, 'attention_bias'>) {
  return attention_bias ? (['q', 'k', 'v', 'o'] as const) : [];
}

/** llama.cpp's own Llama, which holds every config. */
export const llamaGguf: GgufForm = {
  architecture: 'llama',
  interleaved: true,
  rope_factors: true,
  refusal: () => undefined,
};
