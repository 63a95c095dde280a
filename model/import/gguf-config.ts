// The config of a model in a GGUF file: the keys under its architecture's name, and what its tensors say of it.
import type { GgufReader } from '../../formats/tensors/gguf-reader.ts';
import { UserError } from '../../util/errors.ts';
import { shown } from '../../util/shown.ts';
import { parseConfig } from '../architecture/config.ts';
import { type Fields, fieldsOf } from '../architecture/config-fields.ts';
import type { ModelConfig } from '../architecture/model-config.ts';
import { architectureOfGguf } from '../architecture/registry.ts';
import { ggufScaling, scalingKeys } from './gguf-rope.ts';
import { shortest } from './shortest.ts';

const largestSize = 2 ** 24;
const mostLayers = 4096;

/** Read here or in `ggufScaling`, behind the architecture's name. */
const honoured = [
  ...['vocab_size', 'context_length', 'embedding_length', 'block_count', 'feed_forward_length'],
  ...['attention.head_count', 'attention.head_count_kv', 'attention.key_length', 'attention.value_length'],
  ...['attention.layer_norm_rms_epsilon', 'rope.dimension_count', 'rope.freq_base', ...scalingKeys],
];
/** Without effect on what llama.cpp computes of these architectures. */
const idle = ['expert_used_count', 'tensor_data_layout', 'rope.scaling.finetuned', 'attention.layer_norm_epsilon'];
/** Keys that make another model of it unless they have this value. */
const refused: Readonly<Record<string, readonly [harmless: unknown, why: string]>> = {
  expert_count: [0, 'it is a mixture of experts'],
  'attention.causal': [true, 'tokens would see those after them, which lamina does not compute'],
  'rope.dimension_sections': [undefined, 'lamina has positions of text alone'],
  'attention.scale': [0, 'lamina scales scores by the size of a head'],
  logit_scale: [0, 'lamina does not scale logits'],
  embedding_scale: [0, 'lamina does not scale embeddings'],
  residual_scale: [0, 'lamina does not scale what layers add'],
};

/** Which tokens have a role, by the tokenizer's keys. */
export interface GgufEnds {
  readonly bos: number | null;
  /** All tokens that end a text. */
  readonly ends: readonly number[];
}

/** Reads and checks the config; a UserError names the key. `warn` is told, in sentences, what is seen and not honoured. */
export async function ggufConfig(
  reader: Pick<GgufReader, 'path' | 'metadata' | 'tensors' | 'readFloat32'>,
  { bos, ends }: GgufEnds,
  warn: (message: string) => void,
): Promise<ModelConfig> {
  const { path, metadata, tensors } = reader;
  const source = `GGUF file '${path}'`;
  const fields = fieldsOf(Object.fromEntries(metadata), source);
  const kind = fields.text('general.type') ?? 'model';
  if (kind !== 'model') throw new UserError(`${source}: expected a whole model, got the 'general.type' ${shown(kind)}`);
  const name = fields.text('general.architecture');
  const architecture = architectureOfGguf(name, source);
  const key = (rest: string) => `${name}.${rest}`;
  refuseKeys(fields, key);
  warnOfKeys(fields, key, warn);
  const embedding = tensors.get('token_embd.weight');
  if (embedding === undefined) throw new UserError(`${source}: expected a tensor 'token_embd.weight', got none`);
  const vocab_size = embedding.shape[0] as number;
  warnOfVocabulary(fields, key('vocab_size'), vocab_size, warn);
  const sizes = sizesOf(fields, key);
  const rope_theta = shortest(fields.positive(key('rope.freq_base'), 10000));
  const rope = { head_dim: sizes.head_dim, rope_theta };
  const hasBias = tensors.has('blk.0.attn_q.bias') && architecture.keys.includes('attention_bias');
  const json = {
    model_type: architecture.model_type,
    ...sizes,
    vocab_size,
    rms_norm_eps: shortest(fields.positive(key('attention.layer_norm_rms_epsilon'))),
    rope_theta,
    rope_scaling: await ggufScaling(reader, fields, key, rope),
    tie_word_embeddings: !tensors.has('output.weight'),
    bos_token_id: bos,
    eos_token_id: ends.length === 1 ? ends[0] : ends.length === 0 ? null : ends,
    ...(hasBias && { attention_bias: true }),
  };
  return parseConfig(json, source, warn);
}

function sizesOf(fields: Fields, key: (rest: string) => string) {
  const size = (rest: string, otherwise?: number) => fields.integer(key(rest), 1, largestSize, otherwise);
  const layers = fields.integer(key('block_count'), 1, mostLayers);
  const hidden_size = size('embedding_length');
  const heads = sameEverywhere(fields, key('attention.head_count'), layers);
  const head_dim = size('attention.key_length', hidden_size / heads);
  for (const rest of ['attention.value_length', 'rope.dimension_count']) {
    if (size(rest, head_dim) === head_dim) continue;
    throw new UserError(
      `${fields.source}: '${key(rest)}' must be the size of a head (${head_dim}), got ${fields.raw(key(rest))}`,
    );
  }
  const groups = key('attention.head_count_kv');
  return {
    hidden_size,
    ...widthsOf(fields, key('feed_forward_length'), layers),
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: fields.has(groups) ? sameEverywhere(fields, groups, layers) : heads,
    head_dim,
    max_position_embeddings: fields.integer(key('context_length'), 1, 2 ** 31),
  };
}

/** A number, or a list of it for each layer: lamina has the same in all of them. */
function sameEverywhere(fields: Fields, key: string, layers: number): number {
  if (!Array.isArray(fields.raw(key))) return fields.integer(key, 1, largestSize);
  const [first = 1, ...others] = fields.integers(key, layers, 1, largestSize);
  const other = others.find((value) => value !== first);
  if (other === undefined) return first;
  throw new UserError(`${fields.source}: '${key}' must be the same in all layers, got ${first} and ${other}`);
}

/** MLPs may differ in width. */
function widthsOf(fields: Fields, key: string, layers: number) {
  if (!Array.isArray(fields.raw(key))) return { intermediate_size: fields.integer(key, 1, largestSize) };
  const intermediate_sizes = fields.integers(key, layers, 1, largestSize);
  const intermediate_size = Math.max(...intermediate_sizes);
  const isSame = intermediate_sizes.every((width) => width === intermediate_size);
  return { intermediate_size, ...(!isSame && { intermediate_sizes }) };
}

function refuseKeys(fields: Fields, key: (rest: string) => string): void {
  for (const [rest, [harmless, why]] of Object.entries(refused)) {
    const value = fields.raw(key(rest));
    if (value === undefined || value === harmless) continue;
    throw new UserError(`${fields.source}: '${key(rest)}' is ${shown(value)}: ${why}`);
  }
}

const mostNamed = 8;

function warnOfKeys(fields: Fields, key: (rest: string) => string, warn: (message: string) => void): void {
  const known = new Set([...honoured, ...idle, ...Object.keys(refused), 'attention.sliding_window'].map(key));
  if (fields.has(key('attention.sliding_window'))) {
    warn(`the GGUF file has '${key('attention.sliding_window')}': every token sees all before it, as in llama.cpp`);
  }
  const strange = fields.keys.filter((name) => name.startsWith(key('')) && !known.has(name));
  if (strange.length === 0) return;
  const named = strange.slice(0, mostNamed).map((name) => `${shown(name)}: ${shown(fields.raw(name)).slice(0, 60)}`);
  const more = strange.length > mostNamed ? ` and ${strange.length - mostNamed} more` : '';
  warn(
    `the GGUF file has keys that lamina does not know (${named.join(', ')}${more}): where one of them changes what the model computes, its numbers are not those of this model`,
  );
}

function warnOfVocabulary(fields: Fields, key: string, vocab_size: number, warn: (message: string) => void): void {
  const said = fields.raw(key);
  if (said === undefined || said === vocab_size) return;
  warn(`the GGUF file has a '${key}' of ${shown(said)}, but embeddings of ${vocab_size} tokens: the latter is taken`);
}
