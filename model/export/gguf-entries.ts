// The keys of a GGUF file that say what the model is, under its architecture's name in llama.cpp.
import type { GgufEntry } from '../../formats/tensors/gguf.ts';
import type { GgufType } from '../../formats/tensors/gguf-types.ts';
import type { ModelConfig } from '../architecture/model-config.ts';
import { architectureOf } from '../architecture/registry.ts';
import type { RopeScaling, YarnScaling } from '../architecture/rope-scaling.ts';

/** ggml's number of each file type. */
const fileTypes: Record<GgufType, number> = { F32: 0, F16: 1, Q4_0: 2, Q8_0: 7, BF16: 32 };

/** All of them but the tokenizer's; `name` is the model's name for people. */
export function modelEntries(config: ModelConfig, { type, name }: { type: GgufType; name: string }): GgufEntry[] {
  const { architecture } = architectureOf(config).gguf;
  const sizes: GgufEntry[] = [
    ['vocab_size', 'uint32', config.vocab_size],
    ['context_length', 'uint32', contextOf(config)],
    ['embedding_length', 'uint32', config.hidden_size],
    ['block_count', 'uint32', config.num_hidden_layers],
    ['feed_forward_length', 'uint32', config.intermediate_size],
    ['rope.dimension_count', 'uint32', config.head_dim],
    ['rope.freq_base', 'float32', config.rope_theta],
    ['attention.head_count', 'uint32', config.num_attention_heads],
    ['attention.head_count_kv', 'uint32', config.num_key_value_heads],
    ['attention.key_length', 'uint32', config.head_dim],
    ['attention.value_length', 'uint32', config.head_dim],
    ['attention.layer_norm_rms_epsilon', 'float32', config.rms_norm_eps],
    ...scalingEntries(config.rope_scaling),
  ];
  return [
    ['general.architecture', 'string', architecture],
    ['general.name', 'string', name],
    ['general.file_type', 'uint32', fileTypes[type]],
    ['general.quantization_version', 'uint32', 2],
    ...sizes.map(([key, ...rest]) => [`${architecture}.${key}`, ...rest] as GgufEntry),
  ];
}

/** The tokens up to which llama.cpp, where no layer of these architectures slides, computes this very model. */
export function contextOf({ max_position_embeddings, sliding_window }: ModelConfig): number {
  return Math.min(max_position_embeddings, sliding_window ?? max_position_embeddings);
}

/** Llama 3's scaling is a tensor there, and what is scaled beyond the context alone has no effect within it. */
function scalingEntries(scaling: RopeScaling | null): GgufEntry[] {
  if (scaling?.rope_type !== 'linear' && scaling?.rope_type !== 'yarn') return [];
  return [
    ['rope.scaling.type', 'string', scaling.rope_type],
    ['rope.scaling.factor', 'float32', scaling.factor],
    ...(scaling.rope_type === 'yarn' ? yarnEntries(scaling) : []),
  ];
}

/** llama.cpp multiplies with 0.1 ln(factor) + 1 of its own accord. */
function yarnEntries(scaling: YarnScaling): GgufEntry[] {
  const { factor, original_max_position_embeddings, attention_factor, beta_fast, beta_slow } = scaling;
  const own = factor <= 1 ? 1 : 0.1 * Math.log(factor) + 1;
  return [
    ['rope.scaling.original_context_length', 'uint32', original_max_position_embeddings],
    ...(attention_factor === own ? [] : [['rope.scaling.attn_factor', 'float32', attention_factor / own] as const]),
    ['rope.scaling.yarn_beta_fast', 'float32', beta_fast],
    ['rope.scaling.yarn_beta_slow', 'float32', beta_slow],
  ];
}
