// What a Hugging Face config.json says about a model, checked before anything is allocated from it, and how it is written again.
import { UserError } from '../../util/errors.ts';
import type { Architecture } from './architecture.ts';
import { type Fields, fieldsOf } from './config-fields.ts';
import { keyWarnings, refuseKeys } from './config-keys.ts';
import { ropeOf } from './config-rope.ts';
import type { ModelConfig } from './model-config.ts';
import { architectureNamed, architectureOf } from './registry.ts';

const largestSize = 2 ** 24;
const mostLayers = 4096;

/**
 * Reads the parsed config.json found at `source`; throws a UserError for what is no model that lamina can run. `warn` is told, in
 * sentences, what is seen and not honoured, and which of two sources of one fact was taken.
 */
export function parseConfig(json: unknown, source: string, warn: (message: string) => void = () => {}): ModelConfig {
  const fields = fieldsOf(json, source);
  const architecture = architectureNamed(fields.raw('model_type'), source);
  fields.equal('hidden_act', 'silu', 'lamina runs MLPs that are gated by SiLU', 'silu');
  fields.equal('mlp_bias', false, "lamina's MLPs have no biases", false);
  refuseKeys(json as Record<string, unknown>, source);
  for (const message of keyWarnings(json as Record<string, unknown>, architecture)) warn(message);
  const config = readConfig(fields, architecture, warn);
  checkDivisions(config, source);
  warnOfFacts(fields, config, warn);
  return config;
}

function readConfig(fields: Fields, architecture: Architecture, warn: (message: string) => void): ModelConfig {
  const { defaults } = architecture;
  const layers = fields.integer('num_hidden_layers', 1, mostLayers);
  const max_position_embeddings = fields.integer(
    'max_position_embeddings',
    1,
    2 ** 31,
    defaults.max_position_embeddings,
  );
  return {
    model_type: architecture.model_type,
    hidden_size: fields.integer('hidden_size', 1, largestSize),
    intermediate_size: fields.integer('intermediate_size', 1, largestSize),
    ...(fields.has('intermediate_sizes') && {
      intermediate_sizes: fields.integers('intermediate_sizes', layers, 1, largestSize),
    }),
    num_hidden_layers: layers,
    ...headsOf(fields, architecture),
    vocab_size: fields.integer('vocab_size', 1, largestSize),
    rms_norm_eps: fields.positive('rms_norm_eps', 1e-6),
    ...ropeOf(fields, { max_position_embeddings, usual_theta: defaults.rope_theta }, warn),
    tie_word_embeddings: fields.boolean('tie_word_embeddings', defaults.tie_word_embeddings),
    max_position_embeddings,
    bos_token_id: fields.tokenIds('bos_token_id')[0] ?? null,
    eos_token_id: oneOrMany(fields.tokenIds('eos_token_id')),
    ...architecture.readOwn(fields, layers),
  };
}

type Heads = Pick<ModelConfig, 'num_attention_heads' | 'num_key_value_heads' | 'head_dim'>;

/** A key with null says the same as in a Llama; what a missing one says, the architecture knows. */
function headsOf(fields: Fields, { defaults }: Architecture): Heads {
  const heads = fields.integer('num_attention_heads', 1, largestSize);
  const hidden = fields.integer('hidden_size', 1, largestSize);
  const missing = (key: keyof Heads) => !fields.keys.includes(key);
  const head_dim = missing('head_dim') ? defaults.head_dim : undefined;
  if (!fields.has('head_dim') && head_dim === undefined && hidden % heads !== 0) {
    throw new UserError(
      `${fields.source}: 'hidden_size' must be a multiple of 'num_attention_heads' (${heads}), got ${hidden}`,
    );
  }
  const groups = missing('num_key_value_heads') ? defaults.num_key_value_heads : undefined;
  return {
    num_attention_heads: heads,
    num_key_value_heads: fields.integer('num_key_value_heads', 1, largestSize, groups ?? heads),
    head_dim: fields.integer('head_dim', 2, largestSize, head_dim ?? hidden / heads),
  };
}

/** The type of the weights in a file, as config.json names it. */
type DtypeName = 'float32' | 'float16' | 'bfloat16';

/** The config.json of a model as its checkpoint keeps it, which `parseConfig` reads again. */
export function configJson(config: ModelConfig): Record<string, unknown> {
  return jsonOf(config, {});
}

/**
 * The config.json of a folder for other programs, with weights of type `dtype`. The type and what is said of RoPE stand there twice: as
 * transformers 5 names them, and as older ones and other programs do, which would silently take a theta of 10000.
 */
export function folderConfigJson(config: ModelConfig, dtype: DtypeName): Record<string, unknown> {
  const { rope_theta, rope_scaling } = config;
  const rope_parameters = { rope_type: 'default', ...rope_scaling, rope_theta };
  return { ...jsonOf(config, { torch_dtype: dtype, dtype }), rope_parameters };
}

function jsonOf(config: ModelConfig, types: Readonly<Record<string, DtypeName>>): Record<string, unknown> {
  const { model_type, rope_scaling, attention_bias, sliding_window, layer_types, no_rope_layers, ...sizes } = config;
  const { classes, keys, writeOwn } = architectureOf(config);
  return {
    architectures: [classes[0]],
    model_type,
    hidden_act: 'silu',
    ...(keys.includes('attention_bias') && { attention_bias: attention_bias === true }),
    ...(keys.includes('mlp_bias') && { mlp_bias: false }),
    ...types,
    ...sizes,
    rope_scaling,
    ...writeOwn(config),
  };
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
