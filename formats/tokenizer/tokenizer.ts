// Tokenizers from tokenizer.json, to the token as Python's `tokenizers` runs them; the file is checked before it is trusted.
import { UserError } from '../../util/errors.ts';
import { shown } from '../../util/shown.ts';
import { isRecord, parseStrictJson } from '../text/strict-json.ts';
import type { AddedToken } from './added-tokens.ts';
import { Options } from './options.ts';
import { readPipeline } from './pipeline.ts';

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
  /** What the file asks for and is not done, a sentence each; without a path, since records keep them. */
  readonly warnings: readonly string[];
}

/** The part of tokenizer_config.json that says which tokens begin and end a text; null: none does. */
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
  const added = checkTokenizer(where, json);
  const pipeline = guard(where, () => readPipeline(where, json as Record<string, unknown>, added));
  const special = (key: 'bos_token' | 'eos_token', usual: readonly string[]) => {
    if (config[key] === null) return undefined;
    const name = tokenName(config[key]);
    if (name === undefined) return usual.map(pipeline.idOf).find((id) => id !== undefined);
    const id = pipeline.idOf(name);
    if (id !== undefined) return id;
    throw new UserError(`${where}: the configuration's ${key} '${name}' is not in the vocabulary`);
  };
  return {
    encode: (text, { addSpecialTokens = true } = {}) => guard(where, () => pipeline.encode(text, addSpecialTokens)),
    decode: (ids, { skipSpecialTokens = false } = {}) => guard(where, () => pipeline.decode(ids, skipSpecialTokens)),
    bosId: special('bos_token', BOS_NAMES),
    eosId: special('eos_token', EOS_NAMES),
    vocabSize: pipeline.largestId + 1,
    warnings: warningsOf(json as Record<string, unknown>),
  };
}

/** What the file holds and lamina leaves to its own parameters, as transformers does. */
function warningsOf({ truncation, padding }: Record<string, unknown>): string[] {
  const length = isRecord(truncation) ? ` to ${shown(truncation.max_length)} tokens` : '';
  return [
    ...(isRecord(truncation) ? [`tokenizer.json: its truncation${length} is not applied, 'max_length' is`] : []),
    ...(isRecord(padding) ? [`tokenizer.json: its padding is not applied, texts are as long as they are`] : []),
  ];
}

/** The text of a tokenizer_config.json, null for none; `source` names it in messages. */
export function parseTokenizerConfig(text: string | null, source: string): TokenizerConfig & Record<string, unknown> {
  const json = text === null ? {} : parseStrictJson(text, source, MAX_DEPTH);
  if (!isRecord(json)) throw new UserError(`${source}: expected a JSON object, got ${shown(json)}`);
  return json;
}

/** Checks what is read without looking, and returns the added tokens. */
function checkTokenizer(where: string, json: unknown): AddedToken[] {
  const model = isRecord(json) ? json.model : undefined;
  if (!isRecord(json) || !isRecord(model)) {
    throw new UserError(
      `${where}: expected a tokenizer.json with a 'model' (a tokenizer.model of SentencePiece must be converted first)`,
    );
  }
  if (json.version !== undefined && json.version !== '1.0') {
    throw new UserError(`${where}: expected 'version' to be "1.0", got ${shown(json.version)}`);
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
  return added.map((token) => readAdded(where, token));
}

/** A token's options; what older files leave out is off, but for `normalized`, which special tokens are not and others are. */
function readAdded(where: string, token: Record<string, unknown>): AddedToken {
  const { id, content } = token as { id: number; content: string };
  const options = new Options(`${where}: added token ${shown(content)}`, token);
  const special = options.flag('special', false);
  return {
    id,
    content,
    special,
    lstrip: options.flag('lstrip', false),
    rstrip: options.flag('rstrip', false),
    normalized: options.flag('normalized', !special),
    single_word: options.flag('single_word', false),
  };
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

/** In tokenizer_config.json a token is its text or an object that holds it. */
function tokenName(token: unknown): string | undefined {
  const content = isRecord(token) ? token.content : token;
  return typeof content === 'string' ? content : undefined;
}

/** Texts and patterns from outside may ask for strings or a depth that no JavaScript has. */
function guard<T>(where: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UserError(`${where}: the tokenizer cannot be used: ${error.message}`);
  }
}
