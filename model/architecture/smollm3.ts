// SmolLM3: a Llama of which some layers, by default every fourth, have no RoPE; those may slide.
import type { Architecture } from './architecture.ts';
import type { Fields } from './config-fields.ts';
import { biasesIfAsked, llamaDefaults, llamaNames, readBias } from './llama-parts.ts';
import { hasRope, type ModelConfig } from './model-config.ts';
import { readWindows, writeWindows } from './sliding-window.ts';

const usualInterval = 4;

export const smollm3: Architecture = {
  model_type: 'smollm3',
  name: 'SmolLM3',
  classes: ['SmolLM3ForCausalLM', 'SmolLM3Model'],
  defaults: {
    ...llamaDefaults,
    num_key_value_heads: 4,
    max_position_embeddings: 32_768,
    rope_theta: 2_000_000,
    tie_word_embeddings: true,
  },
  keys: [
    ...(['attention_bias', 'mlp_bias', 'sliding_window', 'use_sliding_window', 'layer_types'] as const),
    ...(['no_rope_layers', 'no_rope_layer_interval'] as const),
  ],
  readOwn(fields, layers) {
    const rope = readRope(fields, layers);
    const windows = readWindows(fields, layers, { otherwise: null, slides: (layer) => rope[layer - 1] === 0 });
    return { ...readBias(fields), ...windows, ...(rope.includes(0) && { no_rope_layers: rope }) };
  },
  // transformers' own padding token is beyond a smaller vocabulary, and lamina pads with nothing that is seen
  writeOwn: (config) => ({ ...writeWindows(config), no_rope_layers: ropeOfLayers(config), pad_token_id: null }),
  names: llamaNames,
  biases: biasesIfAsked,
  head_norms: false,
  mlp_input: 'mlp_norm',
  gguf: { architecture: 'smollm3', interleaved: true, rope_factors: false, refusal: refusedPattern },
};

/** 1 for each layer that has RoPE, 0 for the others; a longer list is cut, as in transformers. */
function readRope(fields: Fields, layers: number): number[] {
  const interval = fields.integer('no_rope_layer_interval', 1, 2 ** 24, usualInterval);
  if (!fields.has('no_rope_layers')) return Array.from({ length: layers }, (_, i) => Number((i + 1) % interval !== 0));
  const listed = fields.raw('no_rope_layers');
  const length = Array.isArray(listed) ? Math.max(layers, listed.length) : layers;
  return fields.integers('no_rope_layers', length, 0, 1).slice(0, layers);
}

function ropeOfLayers(config: ModelConfig): number[] {
  return Array.from({ length: config.num_hidden_layers }, (_, i) => Number(hasRope(config, i + 1)));
}

/** llama.cpp has every fourth layer without RoPE, and cannot be told otherwise. */
function refusedPattern(config: ModelConfig): string | undefined {
  if (config.attention_bias) return "llama.cpp's smollm3 has no biases";
  const other = ropeOfLayers(config).findIndex((rope, i) => rope !== Number((i + 1) % usualInterval !== 0));
  if (other === -1) return undefined;
  return `llama.cpp's smollm3 has every ${usualInterval}th layer without RoPE and no other, and layer ${other + 1} is not so`;
}
