// What lamina does about every key of a config.json: it is honoured, changes no number, is warned about, or is refused.
import { UserError } from '../../util/errors.ts';
import { shown } from '../../util/shown.ts';
import { type Architecture, type OwnKey, ownKeys } from './architecture.ts';

/** A key's value, to what is to be said of it; undefined where nothing is. */
type Say = (value: unknown) => string | undefined;
type SayOf = (value: unknown, architecture: Pick<Architecture, 'keys'>) => string | undefined;

/** Read by `parseConfig`, or by planning (`dtype`); what they mean together is settled there. The last are those of some architectures alone. */
const honoured = [
  ...['model_type', 'hidden_act', 'hidden_size', 'intermediate_size', 'intermediate_sizes'],
  ...['num_hidden_layers', 'num_attention_heads', 'num_key_value_heads', 'head_dim', 'vocab_size', 'rms_norm_eps'],
  ...['rope_theta', 'rope_scaling', 'rope_parameters', 'tie_word_embeddings', 'max_position_embeddings'],
  ...['bos_token_id', 'eos_token_id', 'dtype', 'torch_dtype', 'original_max_position_embeddings'],
  ...ownKeys,
];

/**
 * Known, and without effect on what a model computes: where it came from, how it was initialised, which program runs it how, labels of
 * classifiers. `pretraining_tp` cuts products into parts and adds these up again; the last lines are of generation, for which transformers
 * reads generation_config.json alone.
 */
const idle = [
  ...[
    'architectures',
    '_name_or_path',
    '_model_name_or_path',
    'name_or_path',
    '_commit_hash',
    'transformers_version',
    'tokenizer_class',
    'task_specific_params',
  ],
  ...[
    'initializer_range',
    'use_cache',
    'pretraining_tp',
    'pad_token_id',
    'unk_token_id',
    'sep_token_id',
    'decoder_start_token_id',
  ],
  ...['attn_implementation', '_attn_implementation', '_attn_implementation_autoset', '_attn_implementation_internal'],
  ...[
    '_flash_attn_2_enabled',
    'use_flash_attn',
    'use_flash_attention',
    'gradient_checkpointing',
    'chunk_size_feed_forward',
  ],
  ...[
    'output_attentions',
    'output_hidden_states',
    'output_past',
    'return_dict',
    'use_return_dict',
    'torchscript',
    'use_bfloat16',
  ],
  ...[
    'tf_legacy_loss',
    'tie_encoder_decoder',
    'finetuning_task',
    'problem_type',
    'num_labels',
    'id2label',
    'label2id',
    'prefix',
  ],
  ...[
    'unsloth_version',
    'unsloth_fixed',
    'is_llama_config',
    'max_sequence_length',
    'transformers.js_config',
    'neftune_noise_alpha',
  ],
  ...[
    'max_length',
    'min_length',
    'do_sample',
    'early_stopping',
    'num_beams',
    'num_beam_groups',
    'diversity_penalty',
    'temperature',
  ],
  ...['top_k', 'top_p', 'typical_p', 'repetition_penalty', 'length_penalty', 'no_repeat_ngram_size', 'bad_words_ids'],
  ...[
    'encoder_no_repeat_ngram_size',
    'num_return_sequences',
    'output_scores',
    'return_dict_in_generate',
    'forced_bos_token_id',
  ],
  ...[
    'forced_eos_token_id',
    'remove_invalid_values',
    'exponential_decay_length_penalty',
    'suppress_tokens',
    'begin_suppress_tokens',
  ],
];

const unless =
  (...harmless: readonly unknown[]) =>
  (text: string): Say =>
  (value) =>
    harmless.includes(value) ? undefined : text;
const isEmpty = (value: unknown) => typeof value === 'object' && value !== null && Object.keys(value).length === 0;

/** What would make another model of it than the one that lamina runs; what is said goes on after `'key' is VALUE: `. */
const refused: Readonly<Record<string, Say>> = {
  is_causal: unless(true)('tokens would see those after them, which lamina does not compute'),
  use_mrope: unless(false)('lamina has positions of text alone'),
  is_encoder_decoder: unless(false)('lamina runs decoders only'),
  add_cross_attention: unless(false)('lamina has no cross-attention'),
  cross_attention_hidden_size: () => 'lamina has no cross-attention',
  partial_rotary_factor: unless(1)('lamina turns whole heads'),
  per_layer_config: (value) =>
    isEmpty(value) ? undefined : 'lamina has one kind of layer, with widths in intermediate_sizes',
  pruned_heads: (value) => (isEmpty(value) ? undefined : 'lamina has no pruned heads'),
};

const dropout: Say = (value) => (value === 0 ? undefined : 'lamina trains without dropout');

/** Keys of other architectures, by what is said of them; transformers reads past them, whatever they say. */
const idleOwn: Readonly<Record<OwnKey, SayOf>> = {
  attention_bias: unless(false)('which matrices have biases does not depend on it'),
  mlp_bias: unless(false)('there are none'),
  sliding_window: () => 'every token sees all before it',
  use_sliding_window: (value, { keys }) => {
    if (value === false) return undefined;
    return keys.includes('sliding_window') ? "'sliding_window' alone counts" : 'every token sees all before it';
  },
  max_window_layers: () => undefined, // files of models without windows have it too
  layer_types: (value) =>
    Array.isArray(value) && value.every((type) => type === 'full_attention')
      ? undefined
      : 'every layer has full attention',
  no_rope_layers: () => 'every layer has RoPE',
  no_rope_layer_interval: () => 'every layer has RoPE',
};

/** What no architecture here computes in transformers either, and what only training would do. */
const warned: Readonly<Record<string, Say>> = {
  attention_dropout: dropout,
  hidden_dropout: dropout,
  resid_pdrop: dropout,
  embd_pdrop: dropout,
  attn_pdrop: dropout,
};

/** Keys that quantising programs write; which one, and how many bits, is said where the folder is refused. */
export const quantizationKeys = ['quantization_config', 'compression_config', 'quantization'] as const;

/** Every key that is known, by what is done about it; docs/models.md lists them. */
export const configKeys = {
  honoured,
  idle,
  refused: Object.keys(refused),
  warned: ['rope_interleaved', 'auto_map', ...Object.keys(warned)],
  quantized: quantizationKeys,
} as const;

/** Throws UserError for a key that makes another model of it; `source` begins the message. A key with null says nothing. */
export function refuseKeys(json: Readonly<Record<string, unknown>>, source: string): void {
  for (const [key, say] of Object.entries(refused)) {
    const value = found(json, key);
    const why = value === undefined ? undefined : say(value);
    if (why !== undefined) throw new UserError(`${source}: '${key}' is ${shown(value)}: ${why}`);
  }
}

/** What is to be said of keys that are seen and not honoured, each a sentence. */
export function keyWarnings(json: Readonly<Record<string, unknown>>, architecture: Architecture): string[] {
  const { name } = architecture;
  const saying = (key: string, say: SayOf, between: string) => {
    const value = found(json, key);
    const text = value === undefined ? undefined : say(value, architecture);
    return text === undefined ? [] : [`config.json: '${key}' is ${shown(value)}: ${between}${text}`];
  };
  const idle = ownKeys.filter((key) => !architecture.keys.includes(key));
  return [
    ...idle.flatMap((key) => saying(key, idleOwn[key], `it has no effect, as in transformers' ${name}: `)),
    ...saying('rope_interleaved', interleaved, `it has no effect, as in transformers' ${name}: `),
    ...saying('auto_map', () => `the model is computed as a plain ${name}`, foreignCode),
    ...Object.entries(warned).flatMap(([key, say]) => saying(key, say, '')),
    ...classWarning(json, architecture),
    ...unknownWarning(json),
  ];
}

const interleaved: Say = unless(false)('the two halves of a head are turned');
const foreignCode = 'it names code of its own, which lamina does not run: ';

const known: ReadonlySet<string> = new Set(Object.values(configKeys).flat());

function found(json: Readonly<Record<string, unknown>>, key: string): unknown {
  const value = Object.hasOwn(json, key) ? json[key] : undefined;
  return value === null ? undefined : value;
}

function classWarning({ architectures }: Readonly<Record<string, unknown>>, { classes }: Architecture): string[] {
  const names = [architectures ?? classes[0]].flat();
  if (names.every((name) => classes.includes(name as string))) return [];
  return [`config.json: 'architectures' is ${shown(architectures)}: the model is computed as ${classes[0]}`];
}

const mostNamed = 8;

function unknownWarning(json: Readonly<Record<string, unknown>>): string[] {
  const strange = Object.keys(json).filter((key) => !known.has(key) && found(json, key) !== undefined);
  if (strange.length === 0) return [];
  const named = strange
    .slice(0, mostNamed)
    .map((key) => `${shown(key).slice(0, 60)}: ${shown(json[key]).slice(0, 60)}`);
  const more = strange.length > mostNamed ? ` and ${strange.length - mostNamed} more` : '';
  return [
    `config.json has keys that lamina does not know (${named.join(', ')}${more}): where one of them changes what the model computes, its numbers are not those of this model`,
  ];
}
