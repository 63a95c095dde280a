// What a Hugging Face config.json says about a Llama, checked before anything is allocated from it.
import { UserError } from '../util/errors.ts';
import { type Fields, fieldsOf } from './config-fields.ts';

/** RoPE scaling of Llama 3.1 and later (`rope_type: llama3`). */
export interface Llama3Scaling {
  readonly factor: number;
  readonly low_freq_factor: number;
  readonly high_freq_factor: number;
  readonly original_max_position_embeddings: number;
}

/** The sizes of a Llama's MLPs. */
export type MlpSizes = Pick<LlamaConfig, 'hidden_size' | 'intermediate_size' | 'intermediate_sizes'>;

/** The sizes and constants of a Llama; names as in Hugging Face's config.json. */
export interface LlamaConfig {
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
  readonly rope_scaling: Llama3Scaling | null;
  readonly tie_word_embeddings: boolean;
  readonly max_position_embeddings: number;
  readonly bos_token_id: number | null;
  readonly eos_token_id: number | number[] | null;
}

const largestSize = 2 ** 24;
const mostLayers = 4096;

/** Reads the parsed config.json found at `source`; throws a UserError for what is no Llama that lamina can run. */
export function parseLlamaConfig(json: unknown, source: string): LlamaConfig {
  const fields = fieldsOf(json, source);
  refuseOtherModels(fields);
  const heads = fields.integer('num_attention_heads', 1, largestSize);
  const hidden = fields.integer('hidden_size', 1, largestSize);
  if (!fields.has('head_dim') && hidden % heads !== 0) {
    throw new UserError(
      `${source}: 'hidden_size' must be a multiple of 'num_attention_heads' (${heads}), got ${hidden}`,
    );
  }
  const layers = fields.integer('num_hidden_layers', 1, mostLayers);
  const config: LlamaConfig = {
    hidden_size: hidden,
    intermediate_size: fields.integer('intermediate_size', 1, largestSize),
    ...(fields.has('intermediate_sizes') && {
      intermediate_sizes: fields.integers('intermediate_sizes', layers, 1, largestSize),
    }),
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: fields.integer('num_key_value_heads', 1, largestSize, heads),
    head_dim: fields.integer('head_dim', 2, largestSize, hidden / heads),
    vocab_size: fields.integer('vocab_size', 1, largestSize),
    rms_norm_eps: fields.positive('rms_norm_eps', 1e-6),
    ...ropeOf(fields),
    tie_word_embeddings: fields.boolean('tie_word_embeddings', false),
    max_position_embeddings: fields.integer('max_position_embeddings', 1, 2 ** 31, 2048),
    bos_token_id: fields.tokenIds('bos_token_id')[0] ?? null,
    eos_token_id: oneOrMany(fields.tokenIds('eos_token_id')),
  };
  checkDivisions(config, source);
  return config;
}

/** The config.json that Hugging Face's LlamaForCausalLM reads; `dtype` is the weights' type in the file. */
export function llamaConfigJson(config: LlamaConfig, dtype?: 'float32' | 'float16' | 'bfloat16'): object {
  const { rope_scaling, ...sizes } = config;
  return {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_act: 'silu',
    attention_bias: false,
    mlp_bias: false,
    ...(dtype && { torch_dtype: dtype }),
    ...sizes,
    rope_scaling: rope_scaling && { rope_type: 'llama3', ...rope_scaling },
  };
}

/** MLP width of layer `layer` (from 1). */
export function mlpWidth(sizes: Pick<MlpSizes, 'intermediate_size' | 'intermediate_sizes'>, layer: number): number {
  return sizes.intermediate_sizes?.[layer - 1] ?? sizes.intermediate_size;
}

function refuseOtherModels(fields: Fields): void {
  fields.equal('model_type', 'llama');
  fields.equal('hidden_act', 'silu', 'silu');
  fields.equal('attention_bias', false, false);
  fields.equal('mlp_bias', false, false);
}

/** Newer configs keep the RoPE settings under `rope_parameters`, older ones at the top and under `rope_scaling`. */
function ropeOf(fields: Fields): Pick<LlamaConfig, 'rope_theta' | 'rope_scaling'> {
  const parameters = fields.object('rope_parameters');
  const scaling = parameters ?? fields.object('rope_scaling');
  const theta = (parameters?.has('rope_theta') ? parameters : fields).positive('rope_theta', 10000);
  return { rope_theta: theta, rope_scaling: scaling ? scalingOf(scaling) : null };
}

function scalingOf(scaling: Fields): Llama3Scaling | null {
  const type = scaling.has('rope_type') ? 'rope_type' : 'type';
  if (!scaling.has(type)) return null;
  if (scaling.oneOf(type, ['default', 'llama3']) === 'default') return null;
  const low = scaling.positive('low_freq_factor');
  const high = scaling.positive('high_freq_factor');
  if (high <= low) {
    throw new UserError(
      `${scaling.source}: 'high_freq_factor' must be greater than 'low_freq_factor' (${low}), got ${high}`,
    );
  }
  return {
    factor: scaling.positive('factor'),
    low_freq_factor: low,
    high_freq_factor: high,
    original_max_position_embeddings: scaling.integer('original_max_position_embeddings', 1, 2 ** 31),
  };
}

function checkDivisions(config: LlamaConfig, source: string): void {
  const { num_attention_heads: heads, num_key_value_heads: groups, head_dim } = config;
  if (heads % groups !== 0) {
    throw new UserError(
      `${source}: 'num_attention_heads' must be a multiple of 'num_key_value_heads' (${groups}), got ${heads}`,
    );
  }
  if (head_dim % 2 !== 0) throw new UserError(`${source}: 'head_dim' must be even for RoPE, got ${head_dim}`);
}

function oneOrMany(ids: number[]): number | number[] | null {
  return ids.length > 1 ? ids : (ids[0] ?? null);
}
