// tokenizer.json as the tokenizer.ggml.* keys of a GGUF file: byte-level BPE ('gpt2') and SentencePiece-like BPE ('llama').
import type { GgufEntry } from '../../formats/tensors/gguf.ts';
import type { Tokenizer } from '../../formats/tokenizer/tokenizer.ts';
import { UserError } from '../../util/errors.ts';
import { isObject } from '../../util/json.ts';
import type { ModelConfig } from '../architecture/model-config.ts';
import type { TokenizerFiles } from '../checkpoint/checkpoint.ts';
import { chatTemplates } from '../checkpoint/companions.ts';
import { hasTokenizer, settleTokenizer } from '../checkpoint/tokenizer-files.ts';
import { pretokenizerOf } from './gguf-pretokenizer.ts';

/** What llama.cpp is told of a tokenizer. */
export interface GgufTokenizer {
  readonly entries: readonly GgufEntry[];
  /** False when llama.cpp has no pre-tokenizer of this pattern and the nearest is named: some texts then split otherwise. */
  readonly exact: boolean;
  /** What the file cannot say, in sentences. */
  readonly warnings: readonly string[];
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
export function ggufTokenizer(files: TokenizerFiles, config: ModelConfig): GgufTokenizer {
  if (!hasTokenizer(files)) {
    throw new UserError("format: gguf needs the model's tokenizer, but the model came without a 'tokenizer.json'");
  }
  const { json: text, tokens: settled, settings, tokenizer } = settleTokenizer(files); // checks what is read below
  const { bosId } = tokenizer;
  const all = JSON.parse(text) as Record<string, unknown>;
  // what another file adds beyond the model's tokens can be in no text of it
  const beyond = settled.changed ? settled.addedTokens.filter(({ id }) => id >= config.vocab_size) : [];
  const isWithin = ({ id }: Record<string, unknown>) => !beyond.some((token) => token.id === id);
  const added = ((all.added_tokens ?? []) as Json['added']).filter(isWithin);
  const json: Json = { all, model: all.model as Record<string, unknown>, added };
  checkSize(json, config);
  const kind = kindOf(json);
  const tokens = tokensOf(json, kind, config.vocab_size);
  const { name: pre, exact } = kind === 'gpt2' ? pretokenizerOf(all.pre_tokenizer) : { name: 'default', exact: true };
  const ends = endsOf(config, tokenizer);
  const templates = chatTemplates(settings, files.companions);
  const special: GgufEntry[] = [
    ...idEntry('bos_token_id', config.bos_token_id ?? bosId ?? null),
    ...endNames.flatMap((name, i) => idEntry(name, ends[i] ?? null)),
    ...idEntry('unknown_token_id', tokenId(json, json.model.unk_token)),
    ...idEntry('padding_token_id', tokenId(json, settled.pad)),
  ];
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
    ...templateEntries(templates),
  ];
  return { entries, exact, warnings: warningsOf(ends, templates, beyond.length) };
}

/** Where llama.cpp looks for tokens that end a text; it takes all of them for that. */
const endNames = ['eos_token_id', 'eot_token_id', 'eom_token_id'] as const;

/** The tokens that end a text, the tokenizer's own first. */
function endsOf({ eos_token_id }: ModelConfig, { eosId }: Pick<Tokenizer, 'eosId'>): number[] {
  const ends = [eos_token_id ?? eosId ?? []].flat();
  return eosId !== undefined && ends.includes(eosId) ? [eosId, ...ends.filter((id) => id !== eosId)] : ends;
}

/** As gguf writes them: the one without a name, then the others by their names and a list of these. */
function templateEntries(templates: ReadonlyMap<string, string>): GgufEntry[] {
  const named = [...templates].filter(([name]) => name !== 'default');
  const plain = templates.get('default');
  const entries = named.map(
    ([name, text]): GgufEntry => [`tokenizer.chat_template.${plainName(name)}`, 'string', text],
  );
  const names = [...new Set(named.map(([name]) => plainName(name)))];
  return [
    ...(entries.length > 0 ? [...entries, ['tokenizer.chat_templates', 'strings', names] as const] : []),
    ...(plain === undefined ? [] : [['tokenizer.chat_template', 'string', plain] as const]),
  ];
}

function plainName(name: string): string {
  return name.replace(/[^A-Za-z0-9]/g, '_');
}

function warningsOf(ends: readonly number[], templates: ReadonlyMap<string, string>, beyond: number): string[] {
  const left = ends.slice(endNames.length);
  return [
    ...(templates.has('default')
      ? []
      : ['the model has no chat template, and so has the GGUF file: llama.cpp talks to it in a template of its own']),
    ...(left.length > 0 ? [`a GGUF file has room for ${endNames.length} end tokens: ${left.join(', ')} left out`] : []),
    ...(beyond > 0
      ? [`${beyond} added ${beyond === 1 ? 'token is' : 'tokens are'} beyond the model's and left out of the GGUF file`]
      : []),
  ];
}

function checkSize({ model, added }: Json, { vocab_size }: ModelConfig): void {
  const ids = [...Object.values(model.vocab as Record<string, number>), ...added.map(({ id }) => id as number)];
  const count = ids.reduce((largest, id) => Math.max(largest, id), -1) + 1;
  if (count > vocab_size) {
    throw new UserError(`the tokenizer has ${count} tokens, expected at most the model's ${vocab_size}`);
  }
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
