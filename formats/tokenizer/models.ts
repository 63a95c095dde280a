// The kinds of model that a tokenizer.json may have.
import { readBpe } from './bpe.ts';
import type { TokenModel } from './model.ts';
import type { Options } from './options.ts';
import { readUnigram } from './unigram.ts';
import { readWordLevel } from './word-level.ts';
import { readWordPiece } from './word-piece.ts';

const kinds: Record<string, (model: Options) => TokenModel> = {
  BPE: readBpe,
  Unigram: readUnigram,
  WordLevel: readWordLevel,
  WordPiece: readWordPiece,
};

/** The model; old files do not say which kind it is, but what it holds does. */
export function readModel(model: Options): TokenModel {
  return model.byType(kinds, kindOf(model));
}

function kindOf(model: Options): string {
  if (model.raw('merges') !== undefined) return 'BPE';
  if (Array.isArray(model.raw('vocab'))) return 'Unigram';
  return model.raw('max_input_chars_per_word') === undefined ? 'WordLevel' : 'WordPiece';
}
