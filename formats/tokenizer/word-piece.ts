// WordPiece (Wu et al. 2016) as BERT uses it: the longest known beginning of a word, then of what is left.
import { readVocabulary, type TokenModel, unknownId } from './model.ts';
import type { Options } from './options.ts';

export function readWordPiece(model: Options): TokenModel {
  const vocabulary = readVocabulary(model);
  const unknown = unknownId(model.where, vocabulary, model.text('unk_token', '[UNK]'));
  const prefix = model.text('continuing_subword_prefix', '##');
  const most = model.whole('max_input_chars_per_word', 0, 100);
  return {
    vocabulary,
    encode(text) {
      const characters = Array.from(text);
      if (characters.length > most) return [unknown()];
      const ids: number[] = [];
      for (let start = 0; start < characters.length; ) {
        const found = longest(vocabulary, characters, start, start === 0 ? '' : prefix);
        if (found === undefined) return [unknown()];
        ids.push(found.id);
        start = found.end;
      }
      return ids;
    },
  };
}

function longest(
  vocabulary: ReadonlyMap<string, number>,
  characters: readonly string[],
  start: number,
  prefix: string,
): { id: number; end: number } | undefined {
  for (let end = characters.length; end > start; end--) {
    const id = vocabulary.get(prefix + characters.slice(start, end).join(''));
    if (id !== undefined) return { id, end };
  }
  return undefined;
}
