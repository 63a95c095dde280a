// What makes one architecture another than a Llama: data, of which tensors, config.json and other programs' names follow.
import type { Fields } from './config-fields.ts';
import type { ModelConfig } from './model-config.ts';
import type { AttentionRole, LayerRole } from './roles.ts';

/** One architecture; docs/add-an-architecture.md walks through a new one. */
export interface Architecture {
  /** `model_type` in config.json, and its name in the registry. */
  readonly model_type: string;
  /** Its name for people. */
  readonly name: string;
  /** transformers' classes of it that `architectures` may name; the first is the one with an output head, which is written. */
  readonly classes: readonly [string, ...string[]];
  /** What transformers takes where config.json is silent. */
  readonly defaults: ConfigDefaults;
  /** Keys of config.json that mean something here and not in every architecture. */
  readonly keys: readonly OwnKey[];
  /** What those keys say; a UserError for what lamina cannot run. */
  readOwn(fields: Fields, layers: number): OwnConfig;
  /** The same as it is written again. */
  writeOwn(config: ModelConfig): Readonly<Record<string, unknown>>;
  /** Names of a layer's tensors behind `model.layers.N.`. */
  readonly names: Readonly<Record<LayerRole, string>>;
  /** Matrices that have a bias. */
  biases(config: Pick<ModelConfig, 'attention_bias'>): readonly AttentionRole[];
  /** True: each query and key is normed before RoPE (`q_norm`, `k_norm`). */
  readonly head_norms: boolean;
  /** The norm whose output is what the MLP sees, and what SLW learns from. */
  readonly mlp_input: 'mlp_norm';
  readonly gguf: GgufForm;
}

/** Keys that some architectures honour, and transformers ignores in the others. */
export const ownKeys = [
  ...['attention_bias', 'mlp_bias', 'sliding_window', 'use_sliding_window', 'max_window_layers', 'layer_types'],
  ...['no_rope_layers', 'no_rope_layer_interval'],
] as const;
export type OwnKey = (typeof ownKeys)[number];

/** The fields of a config that follow from an architecture's own keys. */
export type OwnConfig = Pick<ModelConfig, 'attention_bias' | 'sliding_window' | 'layer_types' | 'no_rope_layers'>;

/** Of transformers 5.24. */
export interface ConfigDefaults {
  /** undefined: as many as there are heads. */
  readonly num_key_value_heads?: number;
  /** undefined: hidden_size / num_attention_heads. */
  readonly head_dim?: number;
  readonly max_position_embeddings: number;
  readonly rope_theta: number;
  readonly tie_word_embeddings: boolean;
}

/** How llama.cpp knows it. */
export interface GgufForm {
  /** `general.architecture`, with which the names of the keys begin. */
  readonly architecture: string;
  /** True: RoPE turns neighbours there, so that rows of q and k are stored in another order. */
  readonly interleaved: boolean;
  /** True: it divides frequencies by the tensor `rope_freqs.weight`, as Llama 3's scaling needs. */
  readonly rope_factors: boolean;
  /** Why a model of this config cannot be run there, to go on after `format: gguf cannot hold this model: `; undefined where it can. */
  refusal(config: ModelConfig): string | undefined;
}
