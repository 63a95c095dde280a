// The sizes and constants of a model, whatever its architecture, and what they say of one layer.
import type { RopeScaling } from './rope-scaling.ts';

/** What a layer's tokens see: all before them, or those within the sliding window. Spelled as in config.json. */
export const layerTypes = ['full_attention', 'sliding_attention'] as const;
export type LayerType = (typeof layerTypes)[number];

/** Names as in Hugging Face's config.json; what is not a Llama's is there only where it says something. */
export interface ModelConfig {
  /** The architecture, by its name in the registry. */
  readonly model_type: string;
  readonly hidden_size: number;
  readonly intermediate_size: number;
  /** MLP width of each layer where they differ, after channel pruning; ours alone, Hugging Face has no such field. */
  readonly intermediate_sizes?: readonly number[];
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads: number;
  readonly head_dim: number;
  readonly vocab_size: number;
  readonly rms_norm_eps: number;
  readonly rope_theta: number;
  readonly rope_scaling: RopeScaling | null;
  readonly tie_word_embeddings: boolean;
  readonly max_position_embeddings: number;
  readonly bos_token_id: number | null;
  readonly eos_token_id: number | number[] | null;
  /** The matrices of attention have biases where the architecture leaves it open. */
  readonly attention_bias?: true;
  /** Tokens that a token of a sliding layer sees, itself among them; there where some layer slides. */
  readonly sliding_window?: number;
  /** Of each layer; there where some layer slides and some does not. */
  readonly layer_types?: readonly LayerType[];
  /** Of each layer 1 where it has RoPE and 0 where it has none; there where some has none. */
  readonly no_rope_layers?: readonly number[];
}

/** What the shapes of a model's tensors follow from. */
export type TensorSizes = Pick<
  ModelConfig,
  | 'model_type'
  | 'hidden_size'
  | 'intermediate_size'
  | 'intermediate_sizes'
  | 'num_hidden_layers'
  | 'num_attention_heads'
  | 'num_key_value_heads'
  | 'head_dim'
  | 'vocab_size'
  | 'tie_word_embeddings'
  | 'attention_bias'
>;

/** The sizes of a model's MLPs. */
export type MlpSizes = Pick<ModelConfig, 'hidden_size' | 'intermediate_size' | 'intermediate_sizes'>;

/** MLP width of layer `layer` (from 1). */
export function mlpWidth(sizes: Pick<MlpSizes, 'intermediate_size' | 'intermediate_sizes'>, layer: number): number {
  return sizes.intermediate_sizes?.[layer - 1] ?? sizes.intermediate_size;
}

/** Tokens that a token of layer `layer` (from 1) sees, itself among them; null where it sees all before it. */
export function windowOf(
  { sliding_window, layer_types }: Pick<ModelConfig, 'sliding_window' | 'layer_types'>,
  layer: number,
): number | null {
  return layer_types?.[layer - 1] === 'full_attention' ? null : (sliding_window ?? null);
}

/** Whether layer `layer` (from 1) turns its queries and keys by their positions. */
export function hasRope({ no_rope_layers }: Pick<ModelConfig, 'no_rope_layers'>, layer: number): boolean {
  return no_rope_layers?.[layer - 1] !== 0;
}
