// A vocabulary of whole words.
import { readVocabulary, type TokenModel, unknownId } from './model.ts';
import type { Options } from './options.ts';

export function readWordLevel(model: Options): TokenModel {
  const vocabulary = readVocabulary(model);
  const unknown = unknownId(model.where, vocabulary, model.text('unk_token', '<unk>'));
  return { vocabulary, encode: (text) => [vocabulary.get(text) ?? unknown()] };
}
