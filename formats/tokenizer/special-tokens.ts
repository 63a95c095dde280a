// Which token has which id and which are special, settled from the files of a tokenizer that say so, as transformers 5.24 does.
import { dirname, join } from 'node:path';
import { UserError } from '../../util/errors.ts';
import { shown } from '../../util/shown.ts';
import { isRecord, parseStrictJson } from '../text/strict-json.ts';
import type { AddedToken } from './added-tokens.ts';

/** What a tokenizer is told beside its vocabulary. */
export interface SettledTokens {
  /** By id. */
  readonly addedTokens: readonly AddedToken[];
  /** The texts of the tokens with a role; undefined where no file names one. */
  readonly bos: string | undefined;
  readonly eos: string | undefined;
  readonly unk: string | undefined;
  readonly pad: string | undefined;
  /** False where `addedTokens` are those of tokenizer.json. */
  readonly changed: boolean;
  /** What the files disagree about, in sentences. */
  readonly warnings: readonly string[];
}

/** The files, as texts; null for one that is not there. */
export interface TokenFiles {
  readonly tokenizer_json: string;
  readonly tokenizer_config_json: string | null;
  readonly special_tokens_map_json: string | null;
  readonly added_tokens_json: string | null;
}

type Fields = Readonly<Record<string, unknown>>;
type Token = Omit<AddedToken, 'id'>;

const roles = ['bos_token', 'eos_token', 'unk_token', 'sep_token', 'pad_token', 'cls_token', 'mask_token'] as const;
const flags = ['special', 'lstrip', 'rstrip', 'normalized', 'single_word'] as const;
const maxDepth = 32;
const maxId = 2 ** 24;

/**
 * Settles the files. tokenizer.json comes first; `added_tokens_decoder` of tokenizer_config.json adds to it and its flags win; without
 * one special_tokens_map.json (whose roles win) and added_tokens.json are read. A token that the vocabulary has keeps its id, others
 * follow the last id in the order of those that are said. Throws UserError for files of another shape; `source` names tokenizer.json
 * there, and where the others lie.
 */
export function settleTokens(files: TokenFiles, source = 'tokenizer.json'): SettledTokens {
  const at = (name: string) => join(dirname(source), name);
  const config = objectOf(files.tokenizer_config_json, at('tokenizer_config.json'));
  const map = objectOf(files.special_tokens_map_json, at('special_tokens_map.json'));
  const listed = objectOf(files.added_tokens_json, at('added_tokens.json'));
  const hasDecoder = isRecord(config.added_tokens_decoder);
  const named = hasDecoder ? config : { ...config, ...map };
  const tokenizer = new Vocabulary(files.tokenizer_json, `tokenizer '${source}'`);
  const said = hasDecoder
    ? decoderTokens(config.added_tokens_decoder as Fields, at('tokenizer_config.json'))
    : legacyTokens(listed, namedContents(named), at('added_tokens.json'));
  const warnings = hasDecoder ? disagreements(config, map, listed) : [];
  const names = new Set(namedTokens(named).map(({ content }) => content));
  for (const [id, token] of [...said].sort(([a], [b]) => a - b)) {
    const found = tokenizer.add(names.has(token.content) ? { ...token, special: true } : token);
    if (found !== id) warnings.push(otherId(token.content, id, found, hasDecoder));
  }
  for (const token of namedTokens(named)) if (!tokenizer.isAdded(token.content)) tokenizer.add(token);
  const textOf = (role: (typeof roles)[number]) => contentOf(named[role]);
  const [bos, eos, unk, pad] = [textOf('bos_token'), textOf('eos_token'), textOf('unk_token'), textOf('pad_token')];
  return { addedTokens: tokenizer.added(), bos, eos, unk, pad, changed: tokenizer.changed, warnings };
}

/** The text of a tokenizer.json that says of its tokens what was settled; `source` names it in what is refused. */
export function withTokens(
  tokenizerJson: string,
  { addedTokens, changed }: SettledTokens,
  source = 'tokenizer.json',
): string {
  if (!changed) return tokenizerJson;
  const json = parseStrictJson(tokenizerJson, `tokenizer '${source}'`, maxDepth) as Fields;
  return JSON.stringify({ ...json, added_tokens: addedTokens });
}

function otherId(content: string, said: number, found: number, decoder: boolean): string {
  const file = decoder ? 'tokenizer_config.json' : 'added_tokens.json';
  return `${file} gives the token ${shown(content)} the id ${said}, but by the vocabulary it is ${found}, as in transformers: ${found} is taken`;
}

/** Ids of a tokenizer.json, and its added tokens as they grow. */
class Vocabulary {
  changed = false;
  readonly #vocab: ReadonlyMap<string, number>;
  readonly #added = new Map<string, AddedToken>();
  #next: number;

  constructor(text: string, where: string) {
    const json = looselyParsed(text, where);
    const { model, added_tokens } = isRecord(json) ? json : {};
    this.#vocab = vocabOf(isRecord(model) ? model.vocab : undefined);
    for (const token of Array.isArray(added_tokens) ? added_tokens : []) {
      const { id } = isRecord(token) ? token : {};
      const found = { id: idOf(id, where), ...tokenOf(token, where) };
      this.#added.set(found.content, found);
    }
    const ids = [...this.#vocab.values(), ...[...this.#added.values()].map(({ id }) => id)];
    this.#next = ids.reduce((largest, id) => Math.max(largest, id), -1) + 1;
  }

  /** Adds a token, or changes what is said of it; gives its id. */
  add(token: Token): number {
    const { content } = token;
    const known = this.#added.get(content);
    if (known !== undefined && flags.every((flag) => known[flag] === token[flag])) return known.id;
    const id = known?.id ?? this.#vocab.get(content) ?? this.#next++;
    this.#added.set(content, { id, ...token });
    this.changed = true;
    return id;
  }

  isAdded(content: string): boolean {
    return this.#added.has(content);
  }

  added(): AddedToken[] {
    return [...this.#added.values()].sort((a, b) => a.id - b.id);
  }
}

/** Whoever opens the tokenizer checks the whole text: once is enough for one of many megabytes. */
function looselyParsed(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return parseStrictJson(text, where, maxDepth); // which says what is wrong
  }
}

/** A Unigram vocabulary is a list whose places are the ids; what is no vocabulary is the tokenizer's to refuse. */
function vocabOf(vocab: unknown): Map<string, number> {
  if (Array.isArray(vocab)) return new Map(vocab.map((entry, id) => [String([entry].flat()[0]), id]));
  const entries = Object.entries(isRecord(vocab) ? vocab : {});
  return new Map(entries.filter((entry): entry is [string, number] => Number.isInteger(entry[1])));
}

function decoderTokens(decoder: Fields, file: string): Map<number, Token> {
  const where = `${file}: 'added_tokens_decoder'`;
  const entries = Object.entries(decoder).map(
    ([id, token]) => [idOf(Number(id), where), tokenOf(token, where)] as const,
  );
  return new Map(entries);
}

/** added_tokens.json says texts and ids; special are those that have a role. */
function legacyTokens(listed: Fields, named: ReadonlySet<string>, file: string): Map<number, Token> {
  return new Map(
    Object.entries(listed).map(([content, id]) => {
      const special = named.has(content);
      return [idOf(id, file), plainToken(content, special)];
    }),
  );
}

function plainToken(content: string, special: boolean): Token {
  return { content, special, lstrip: false, rstrip: false, normalized: !special, single_word: false };
}

/** Tokens with a role, those of a model's own (`image_token`) and those without among them. */
function namedTokens(config: Fields): Token[] {
  const own = Object.keys(config).filter(
    (key) => key.endsWith('_token') && !(roles as readonly string[]).includes(key),
  );
  const extra = config.extra_special_tokens ?? config.additional_special_tokens;
  const listed = isRecord(extra) ? Object.values(extra) : Array.isArray(extra) ? extra : [];
  const values = [...[...roles, ...own].map((key) => config[key]), ...listed];
  return values.flatMap((value) => {
    if (typeof value === 'string' && value !== '') return [plainToken(value, true)];
    return isRecord(value) && typeof value.content === 'string'
      ? [{ ...tokenOf(value, 'special tokens'), special: true }]
      : [];
  });
}

function namedContents(config: Fields): Set<string> {
  return new Set(namedTokens(config).map(({ content }) => content));
}

/** What the older files say is not read where tokenizer_config.json has the newer form. */
function disagreements(config: Fields, map: Fields, listed: Fields): string[] {
  const other = Object.keys(map).filter((key) => {
    const [a, b] = [contentOf(map[key]), contentOf(config[key])];
    return a !== undefined && a !== b;
  });
  const found = other.map((key) => {
    const took = contentOf(config[key]);
    return `special_tokens_map.json names ${shown(contentOf(map[key]))} as ${key}, tokenizer_config.json ${took === undefined ? 'none' : shown(took)}: the latter is taken, as in transformers`;
  });
  const decoder = new Map(
    Object.entries(config.added_tokens_decoder as Fields).map(([id, token]) => [contentOf(token), id]),
  );
  const missing = Object.entries(listed).filter(([text, id]) => decoder.get(text) !== String(id));
  if (missing.length === 0) return found;
  const texts = missing.slice(0, 8).map(([text, id]) => `${shown(text)} (${shown(id)})`);
  return [
    ...found,
    `added_tokens.json has ${texts.join(', ')}, 'added_tokens_decoder' of tokenizer_config.json does not: the latter is taken, as in transformers`,
  ];
}

function contentOf(token: unknown): string | undefined {
  const content = isRecord(token) ? token.content : token;
  return typeof content === 'string' ? content : undefined;
}

function tokenOf(token: unknown, where: string): Token {
  const content = isRecord(token) ? token.content : undefined;
  if (!isRecord(token) || typeof content !== 'string' || content === '') {
    throw new UserError(`${where}: expected a token to be an object with its text as 'content', got ${shown(token)}`);
  }
  const flag = (key: (typeof flags)[number], otherwise: boolean) => {
    const value = token[key] ?? otherwise;
    if (typeof value === 'boolean') return value;
    throw new UserError(`${where}: '${key}' of the token ${shown(content)} must be true or false, got ${shown(value)}`);
  };
  const special = flag('special', false);
  return {
    content,
    special,
    lstrip: flag('lstrip', false),
    rstrip: flag('rstrip', false),
    normalized: flag('normalized', !special),
    single_word: flag('single_word', false),
  };
}

function idOf(id: unknown, where: string): number {
  if (Number.isInteger(id) && (id as number) >= 0 && (id as number) < maxId) return id as number;
  throw new UserError(`${where}: expected token ids of 0 to ${maxId - 1}, got ${shown(id)}`);
}

function objectOf(text: string | null, source: string): Fields {
  if (text === null) return {};
  const json = parseStrictJson(text, source, maxDepth);
  if (isRecord(json)) return json;
  throw new UserError(`${source}: expected a JSON object, got ${shown(json)}`);
}
