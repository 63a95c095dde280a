// What a Hugging Face config.json says about a Llama, checked before anything is allocated from it.
import { UserError } from '../../util/errors.ts';
import { type Fields, fieldsOf } from './config-fields.ts';
import { keyWarnings, refuseKeys } from './config-keys.ts';
import { type Llama3Scaling, ropeOf } from './config-rope.ts';

/** The sizes of a Llama's MLPs. */
export type MlpSizes = Pick<ModelConfig, 'hidden_size' | 'intermediate_size' | 'intermediate_sizes'>;

/** The sizes and constants of a Llama; names as in Hugging Face's config.json. */
export interface ModelConfig {
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

/**
 * Reads the parsed config.json found at `source`; throws a UserError for what is no Llama that lamina can run. `warn` is told, in
 * sentences, what is seen and not honoured, and which of two sources of one fact was taken.
 */
export function parseConfig(json: unknown, source: string, warn: (message: string) => void = () => {}): ModelConfig {
  const fields = fieldsOf(json, source);
  refuseOtherModels(fields);
  refuseKeys(json as Record<string, unknown>, source);
  for (const message of keyWarnings(json as Record<string, unknown>)) warn(message);
  const heads = fields.integer('num_attention_heads', 1, largestSize);
  const hidden = fields.integer('hidden_size', 1, largestSize);
  if (!fields.has('head_dim') && hidden % heads !== 0) {
    throw new UserError(
      `${source}: 'hidden_size' must be a multiple of 'num_attention_heads' (${heads}), got ${hidden}`,
    );
  }
  const layers = fields.integer('num_hidden_layers', 1, mostLayers);
  const max_position_embeddings = fields.integer('max_position_embeddings', 1, 2 ** 31, 2048);
  const config: ModelConfig = {
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
    ...ropeOf(fields, max_position_embeddings, warn),
    tie_word_embeddings: fields.boolean('tie_word_embeddings', false),
    max_position_embeddings,
    bos_token_id: fields.tokenIds('bos_token_id')[0] ?? null,
    eos_token_id: oneOrMany(fields.tokenIds('eos_token_id')),
  };
  checkDivisions(config, source);
  warnOfFacts(fields, config, warn);
  return config;
}

/** The config.json that Hugging Face's LlamaForCausalLM reads; `dtype` is the weights' type in the file. */
export function configJson(config: ModelConfig, dtype?: 'float32' | 'float16' | 'bfloat16'): object {
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

/** Facts that the file states twice, or that contradict each other without stopping anything. */
function warnOfFacts(fields: Fields, config: ModelConfig, warn: (message: string) => void): void {
  const [dtype, older] = [fields.text('dtype'), fields.text('torch_dtype')];
  if (dtype !== undefined && older !== undefined && dtype !== older) {
    warn(
      `config.json: 'dtype' is '${dtype}' and 'torch_dtype' '${older}': weights are taken in the type in which they are stored`,
    );
  }
  for (const key of ['bos_token_id', 'eos_token_id'] as const) {
    const beyond = [config[key] ?? []].flat().filter((id) => id >= config.vocab_size);
    if (beyond.length === 0) continue;
    warn(
      `config.json: '${key}' has ${beyond.join(', ')}, but the model has ${config.vocab_size} tokens: no text has it`,
    );
  }
}

function checkDivisions(config: ModelConfig, source: string): void {
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
