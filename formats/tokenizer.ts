// Tokenizers from tokenizer.json, run by Hugging Face's own library; the file is checked before it is trusted.
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { UserError } from '../util/errors.ts';
import { shown } from '../util/shown.ts';
import { isRecord, parseStrictJson } from './strict-json.ts';

/** Text to token ids and back. */
export interface Tokenizer {
  /** Token ids of `text`; special tokens (usually a leading BOS) are added unless told otherwise. */
  encode(text: string, options?: { addSpecialTokens?: boolean }): number[];
  /** Text of `ids`; special tokens are spelled out unless they are skipped. */
  decode(ids: readonly number[], options?: { skipSpecialTokens?: boolean }): string;
  readonly bosId: number | undefined;
  readonly eosId: number | undefined;
  /** One more than the largest token id, added tokens included. */
  readonly vocabSize: number;
}

/** The part of tokenizer_config.json that says which tokens begin and end a text. */
export interface TokenizerConfig {
  bos_token?: unknown;
  eos_token?: unknown;
}

/** The usual names, tried in this order when no configuration names the tokens. */
const BOS_NAMES = ['<s>', '<|begin_of_text|>', '<|startoftext|>', '<|bos|>', '<bos>'];
const EOS_NAMES = ['</s>', '<|end_of_text|>', '<|endoftext|>', '<|eos|>', '<eos>'];

const MAX_DEPTH = 32;
const MAX_VOCAB = 2 ** 24;

/** Loads the text of a tokenizer.json; `source` names it in messages. Anything wrong with it is a UserError. */
export function loadTokenizer(tokenizerJson: string, source: string, config: TokenizerConfig = {}): Tokenizer {
  const where = `tokenizer '${source}'`;
  const json = parseStrictJson(tokenizerJson, where, MAX_DEPTH);
  const largestId = checkTokenizer(where, json);
  const inner = construct(where, json as object);
  const special = (key: 'bos_token' | 'eos_token', usual: readonly string[]) => {
    const name = tokenName(config[key]);
    if (name === undefined)
      return usual.map((candidate) => inner.token_to_id(candidate)).find((id) => id !== undefined);
    const id = inner.token_to_id(name);
    if (id === undefined)
      throw new UserError(`${where}: the configuration's ${key} '${name}' is not in the vocabulary`);
    return id;
  };
  return {
    encode: (text, { addSpecialTokens = true } = {}) => encode(inner, where, text, addSpecialTokens),
    decode: (ids, { skipSpecialTokens = false } = {}) => decode(inner, where, ids, skipSpecialTokens),
    bosId: special('bos_token', BOS_NAMES),
    eosId: special('eos_token', EOS_NAMES),
    vocabSize: largestId + 1,
  };
}

/** The text of a tokenizer_config.json, null for none; `source` names it in messages. */
export function parseTokenizerConfig(text: string | null, source: string): TokenizerConfig & Record<string, unknown> {
  const json = text === null ? {} : parseStrictJson(text, source, MAX_DEPTH);
  if (!isRecord(json)) throw new UserError(`${source}: expected a JSON object, got ${shown(json)}`);
  return json;
}

/** Checks what the library would take on trust and returns the largest token id. */
function checkTokenizer(where: string, json: unknown): number {
  const model = isRecord(json) ? json.model : undefined;
  if (!isRecord(json) || !isRecord(model)) {
    throw new UserError(
      `${where}: expected a tokenizer.json with a 'model' (a tokenizer.model of SentencePiece must be converted first)`,
    );
  }
  const added = json.added_tokens ?? [];
  if (!Array.isArray(added) || !added.every((token) => isRecord(token) && isToken(token.content))) {
    throw new UserError(`${where}: expected 'added_tokens' to be a list of tokens`);
  }
  const ids = [...vocabIds(where, model.vocab), ...added.map((token) => token.id as unknown)];
  const bad = ids.findIndex((id) => !Number.isInteger(id) || (id as number) < 0 || (id as number) >= MAX_VOCAB);
  if (bad >= 0) {
    throw new UserError(`${where}: expected token ids of 0 to ${MAX_VOCAB - 1}, got ${shown(ids[bad])}`);
  }
  if (ids.length === 0) throw new UserError(`${where}: the vocabulary is empty`);
  if (model.merges !== undefined && !(Array.isArray(model.merges) && model.merges.every(isMerge))) {
    throw new UserError(`${where}: expected 'merges' to be a list of pairs`);
  }
  return (ids as number[]).reduce((largest, id) => Math.max(largest, id), 0);
}

/** Ids of the model's own tokens; a Unigram vocabulary is a list of [token, score] whose places are the ids. */
function vocabIds(where: string, vocab: unknown): unknown[] {
  if (isRecord(vocab)) return Object.values(vocab);
  const isPair = (entry: unknown) => Array.isArray(entry) && isToken(entry[0]) && typeof entry[1] === 'number';
  if (Array.isArray(vocab) && vocab.every(isPair)) return vocab.map((_, id) => id);
  throw new UserError(`${where}: expected 'model.vocab' to map tokens to ids`);
}

function isToken(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0;
}

function isMerge(merge: unknown): boolean {
  if (Array.isArray(merge)) return merge.length === 2 && merge.every(isToken);
  return typeof merge === 'string' && merge.includes(' ');
}

function construct(where: string, json: object): HuggingFaceTokenizer {
  const defaults = { added_tokens: [], normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null };
  try {
    return new HuggingFaceTokenizer({ ...defaults, ...json }, {});
  } catch (error) {
    throw unusable(where, error);
  }
}

/** In tokenizer_config.json a token is its text or an object that holds it. */
function tokenName(token: unknown): string | undefined {
  const content = isRecord(token) ? token.content : token;
  return typeof content === 'string' ? content : undefined;
}

function encode(inner: HuggingFaceTokenizer, where: string, text: string, addSpecialTokens: boolean): number[] {
  const ids: number[] = guard(where, () => inner.encode(text, { add_special_tokens: addSpecialTokens }).ids);
  if (ids.includes(undefined as unknown as number)) {
    throw new UserError(`${where}: no token for a part of the text, and no unknown token to stand for it`);
  }
  return ids;
}

function decode(inner: HuggingFaceTokenizer, where: string, ids: readonly number[], skip: boolean): string {
  if (ids.length === 0) return ''; // the library refuses an empty list
  const options = { skip_special_tokens: skip, clean_up_tokenization_spaces: false };
  return guard(where, () => inner.decode([...ids], options));
}

/** The library reports a file it cannot use as a plain error, some only on first use. */
function guard<T>(where: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw unusable(where, error);
  }
}

function unusable(where: string, error: unknown): UserError {
  return new UserError(
    `${where}: the tokenizer cannot be used: ${error instanceof Error ? error.message : String(error)}`,
  );
}
