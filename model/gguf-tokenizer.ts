// tokenizer.json as the tokenizer.ggml.* keys of a GGUF file: byte-level BPE ('gpt2') and SentencePiece-like BPE ('llama').
import type { GgufEntry } from '../formats/gguf.ts';
import { loadTokenizer, parseTokenizerConfig } from '../formats/tokenizer.ts';
import { UserError } from '../util/errors.ts';
import { isObject } from '../util/json.ts';
import type { TokenizerFiles } from './checkpoint.ts';
import type { LlamaConfig } from './config.ts';
import { pretokenizerOf } from './gguf-pretokenizer.ts';

/** What llama.cpp is told of a tokenizer. */
export interface GgufTokenizer {
  readonly entries: readonly GgufEntry[];
  /** False when llama.cpp has no pre-tokenizer of this pattern and the nearest is named: some texts then split otherwise. */
  readonly exact: boolean;
}

/** llama.cpp's kinds of token. */
const types = { normal: 1, unknown: 2, control: 3, user: 4, unused: 5, byte: 6 } as const;

interface Token {
  readonly text: string;
  readonly type: number;
}

interface Json {
  readonly added: readonly Record<string, unknown>[];
  readonly model: Record<string, unknown>;
  readonly all: Record<string, unknown>;
}

/** The keys for the tokenizer of a model of `config`; a UserError for a tokenizer that llama.cpp does not have. */
export function ggufTokenizer(
  { tokenizer_json, tokenizer_config_json }: TokenizerFiles,
  config: LlamaConfig,
): GgufTokenizer {
  if (tokenizer_json === null) {
    throw new UserError("format: gguf needs the model's tokenizer, but the model came without a 'tokenizer.json'");
  }
  const settings = parseTokenizerConfig(tokenizer_config_json, 'tokenizer_config.json');
  const { vocabSize, bosId, eosId } = loadTokenizer(tokenizer_json, 'tokenizer.json', settings); // checks what is read below
  if (vocabSize > config.vocab_size) {
    throw new UserError(`the tokenizer has ${vocabSize} tokens, expected at most the model's ${config.vocab_size}`);
  }
  const all = JSON.parse(tokenizer_json) as Record<string, unknown>;
  const json: Json = {
    all,
    model: all.model as Record<string, unknown>,
    added: (all.added_tokens ?? []) as Json['added'],
  };
  const kind = kindOf(json);
  const tokens = tokensOf(json, kind, config.vocab_size);
  const { name: pre, exact } = kind === 'gpt2' ? pretokenizerOf(all.pre_tokenizer) : { name: 'default', exact: true };
  const [eos] = [config.eos_token_id ?? eosId ?? null].flat();
  const special: GgufEntry[] = [
    ...idEntry('bos_token_id', config.bos_token_id ?? bosId ?? null),
    ...idEntry('eos_token_id', eos ?? null),
    ...idEntry('unknown_token_id', tokenId(json, json.model.unk_token)),
    ...idEntry('padding_token_id', tokenId(json, contentOf(settings.pad_token))),
  ];
  const chat = settings.chat_template;
  const entries: GgufEntry[] = [
    ['tokenizer.ggml.model', 'string', kind],
    ['tokenizer.ggml.pre', 'string', pre],
    ['tokenizer.ggml.tokens', 'strings', tokens.map(({ text }) => text)],
    ...(kind === 'llama' ? [scoresEntry(json, tokens)] : []),
    ['tokenizer.ggml.token_type', 'int32s', tokens.map(({ type }) => type)],
    ...(kind === 'gpt2'
      ? [['tokenizer.ggml.merges', 'strings', mergesOf(json).map((pair) => pair.join(' '))] as const]
      : []),
    ...special,
    ...markEntries(json),
    ...(kind === 'llama' ? [['tokenizer.ggml.add_space_prefix', 'bool', addsSpace(all)] as const] : []),
    ...(typeof chat === 'string' ? [['tokenizer.chat_template', 'string', chat] as const] : []),
  ];
  return { entries, exact };
}

function kindOf({ model, all }: Json): 'gpt2' | 'llama' {
  if (!isObject(model.vocab) || (model.type !== 'BPE' && model.type !== undefined)) {
    throw new UserError(
      `format: gguf has byte-level BPE and SentencePiece-like BPE tokenizers, got '${String(model.type)}'`,
    );
  }
  if (model.byte_fallback === true) return 'llama';
  if (stepsOf(all.pre_tokenizer).some(({ type }) => type === 'ByteLevel')) return 'gpt2';
  throw new UserError(
    'format: gguf needs a BPE tokenizer that covers every byte (ByteLevel or byte_fallback), got neither',
  );
}

/** Every row of the embedding has a token: ids that the tokenizer leaves out are filled with names that no text has. */
function tokensOf({ model, added }: Json, kind: 'gpt2' | 'llama', vocab_size: number): Token[] {
  const tokens: Token[] = Array.from({ length: vocab_size }, (_, id) => ({ text: `[PAD${id}]`, type: types.unused }));
  for (const [text, id] of Object.entries(model.vocab as Record<string, number>)) {
    const isByte = kind === 'llama' && /^<0x[0-9A-F]{2}>$/.test(text);
    const type = text === model.unk_token ? types.unknown : isByte ? types.byte : types.normal;
    tokens[id] = { text, type };
  }
  for (const { id, content, special } of added) {
    const type = content === model.unk_token ? types.unknown : special === true ? types.control : types.user;
    tokens[id as number] = { text: content as string, type };
  }
  return tokens;
}

/**
 * SentencePiece merges the pair with the highest score first. The scores are not in tokenizer.json, but their order is that of
 * the merges, and the order is all that counts.
 */
function scoresEntry(json: Json, tokens: readonly Token[]): GgufEntry {
  const ranks = new Map<string, number>();
  for (const pair of mergesOf(json)) {
    const piece = pair.join('');
    if (!ranks.has(piece)) ranks.set(piece, ranks.size);
  }
  const score = ({ text, type }: Token) => (type === types.normal ? 0 - (ranks.get(text) ?? ranks.size) : 0);
  return ['tokenizer.ggml.scores', 'float32s', tokens.map(score)];
}

/** Merges as pairs; older files have them as texts with a space. */
function mergesOf({ model }: Json): [string, string][] {
  return ((model.merges ?? []) as (string | [string, string])[]).map((merge) => {
    if (typeof merge !== 'string') return merge;
    const space = merge.indexOf(' ', 1);
    return [merge.slice(0, space), merge.slice(space + 1)];
  });
}

/** Whether the post-processor puts BOS before a text and EOS behind it. */
function markEntries({ all }: Json): GgufEntry[] {
  const templates = processorsOf(all.post_processor).find(({ type }) => type === 'TemplateProcessing');
  const single = Array.isArray(templates?.single) ? templates.single : [];
  const isSpecial = (part: unknown) => isObject(part) && 'SpecialToken' in part;
  return [
    ['tokenizer.ggml.add_bos_token', 'bool', isSpecial(single[0])],
    ['tokenizer.ggml.add_eos_token', 'bool', single.length > 1 && isSpecial(single.at(-1))],
  ];
}

/** True when a text is given a space in front, as SentencePiece does. */
function addsSpace({ normalizer, pre_tokenizer }: Record<string, unknown>): boolean {
  const prepends = stepsOf(normalizer).some(({ type }) => type === 'Prepend');
  const metaspace = stepsOf(pre_tokenizer).find(({ type }) => type === 'Metaspace');
  return (
    prepends ||
    (metaspace !== undefined && metaspace.prepend_scheme !== 'never' && metaspace.add_prefix_space !== false)
  );
}

/** The steps of a normalizer or pre-tokenizer: itself, or those of a sequence. */
function stepsOf(step: unknown): Record<string, unknown>[] {
  if (!isObject(step)) return [];
  const inner = step.type === 'Sequence' ? (step.normalizers ?? step.pretokenizers) : [step];
  return Array.isArray(inner) ? inner.filter(isObject) : [];
}

function processorsOf(step: unknown): Record<string, unknown>[] {
  if (!isObject(step)) return [];
  const inner = step.type === 'Sequence' ? step.processors : [step];
  return Array.isArray(inner) ? inner.filter(isObject) : [];
}

function idEntry(name: string, id: number | null): GgufEntry[] {
  return id === null ? [] : [[`tokenizer.ggml.${name}`, 'uint32', id]];
}

function tokenId({ model, added }: Json, text: unknown): number | null {
  if (typeof text !== 'string') return null;
  const found = added.find(({ content }) => content === text)?.id ?? (model.vocab as Record<string, number>)[text];
  return typeof found === 'number' ? found : null;
}

function contentOf(token: unknown): unknown {
  return isObject(token) ? token.content : token;
}
