// What turns a part of a text into tokens: the `model` of a tokenizer.json.
import { UserError } from '../../util/errors.ts';
import { shown } from '../../util/shown.ts';
import { isRecord } from '../text/strict-json.ts';
import type { Options } from './options.ts';

/** A model's vocabulary and how it is used. */
export interface TokenModel {
  readonly vocabulary: ReadonlyMap<string, number>;
  /** Token ids of a part that is not empty. */
  encode(text: string): readonly number[];
}

/** The vocabulary of a model, token to id; two tokens with one id are refused, since only one could be decoded. */
export function readVocabulary(model: Options): Map<string, number> {
  const vocab = model.raw('vocab');
  if (!isRecord(vocab)) throw model.wrong(`expected 'vocab' to map tokens to ids, got ${shown(vocab)}`);
  const ids = new Map<string, number>();
  for (const token of Object.keys(vocab)) ids.set(token, vocab[token] as number);
  return ids;
}

/** Tokens by id. */
export function tokensById(where: string, vocabulary: ReadonlyMap<string, number>): Map<number, string> {
  const tokens = new Map<number, string>();
  for (const [token, id] of vocabulary) {
    const other = tokens.get(id);
    if (other !== undefined)
      throw new UserError(`${where}: the tokens ${shown(other)} and ${shown(token)} have one id, ${id}`);
    tokens.set(id, token);
  }
  return tokens;
}

/** The id of what stands for unknown text; a UserError where it is asked for and not there. */
export function unknownId(where: string, vocabulary: ReadonlyMap<string, number>, token: string): () => number {
  const id = vocabulary.get(token);
  return () => {
    if (id !== undefined) return id;
    throw new UserError(
      `${where}: no token for a part of the text, and no unknown token to stand for it (${shown(token)} is not in the vocabulary)`,
    );
  };
}
