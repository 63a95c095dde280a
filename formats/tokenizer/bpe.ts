// Byte pair encoding (Sennrich et al. 2016): neighbouring symbols are merged in the order in which the merges were learnt.
import { shown } from '../../util/shown.ts';
import { Merges, mergeAll } from './merges.ts';
import { readVocabulary, type TokenModel, unknownId } from './model.ts';
import type { Options } from './options.ts';

/** A BPE model; merges of what the vocabulary does not have are a UserError. */
export function readBpe(model: Options): TokenModel {
  const dropout = model.raw('dropout');
  if (dropout !== undefined && dropout !== 0) {
    throw model.wrong(`dropout ${shown(dropout)} makes the tokens of a text random; set it to null`);
  }
  const vocabulary = readVocabulary(model);
  const prefix = model.text('continuing_subword_prefix', '');
  const merges = readMerges(model, vocabulary, prefix);
  const ignoreMerges = model.flag('ignore_merges', false);
  const symbolsOf = symbolReader(model, vocabulary, prefix);
  return {
    vocabulary,
    encode(text) {
      const whole = ignoreMerges ? vocabulary.get(text) : undefined;
      return whole === undefined ? mergeAll(symbolsOf(text), merges) : [whole];
    },
  };
}

/** The merges in their order, with the ids that they join and make. */
function readMerges(model: Options, vocabulary: ReadonlyMap<string, number>, prefix: string): Merges {
  const list = model.list('merges');
  const merges = new Merges(list.length);
  for (const merge of list) {
    const pair = halvesOf(merge, model);
    if (pair === undefined) continue;
    const [left, right] = pair;
    const whole = left + (prefix === '' ? right : right.slice(prefix.length));
    const [from, to, made] = [vocabulary.get(left), vocabulary.get(right), vocabulary.get(whole)];
    if (from === undefined || to === undefined || made === undefined) {
      const missing = from === undefined ? left : to === undefined ? right : whole;
      throw model.wrong(
        `the merge of ${shown(left)} and ${shown(right)} needs ${shown(missing)}, which is not in the vocabulary`,
      );
    }
    merges.add(from, to, made);
  }
  return merges;
}

/** A merge is a pair or, in older files, a text with one space; undefined for the first line of a merges.txt. */
function halvesOf(merge: unknown, model: Options): readonly [string, string] | undefined {
  if (typeof merge === 'string' && merge.startsWith('#version')) return undefined;
  const pair = typeof merge === 'string' ? merge.split(' ') : merge;
  if (Array.isArray(pair) && pair.length === 2 && typeof pair[0] === 'string' && typeof pair[1] === 'string') {
    return pair as [string, string];
  }
  throw model.wrong("expected 'merges' to be a list of pairs");
}

/** The ids of a text's characters; what the vocabulary lacks becomes bytes, the unknown token, or nothing. */
function symbolReader(model: Options, vocabulary: ReadonlyMap<string, number>, prefix: string) {
  const suffix = model.text('end_of_word_suffix', '');
  const bytes = model.flag('byte_fallback', false) ? byteIds(vocabulary) : undefined;
  const fuse = model.flag('fuse_unk', false);
  const token = model.text('unk_token', '');
  const unknown = model.raw('unk_token') === undefined ? undefined : unknownId(model.where, vocabulary, token);
  return (text: string): number[] => {
    const ids: number[] = [];
    let waiting: number | undefined; // an unknown token that others may be fused with; bytes go before it
    const release = () => {
      if (waiting !== undefined) ids.push(waiting);
      waiting = undefined;
    };
    let at = 0;
    for (const character of text) {
      const spelled = (at === 0 ? '' : prefix) + character + (at + character.length === text.length ? suffix : '');
      at += character.length;
      const id = vocabulary.get(spelled);
      const inBytes = id === undefined ? bytes?.(spelled) : undefined;
      if (id !== undefined) {
        release();
        ids.push(id);
      } else if (inBytes !== undefined) {
        ids.push(...inBytes);
      } else if (unknown !== undefined) {
        if (!fuse) release();
        waiting = unknown();
      }
    }
    release();
    return ids;
  };
}

/** The ids of a text's bytes, `<0x00>` to `<0xFF>`; undefined unless all of them are in the vocabulary. */
export function byteIds(vocabulary: ReadonlyMap<string, number>): (text: string) => number[] | undefined {
  const ids = Array.from({ length: 256 }, (_, byte) => vocabulary.get(byteToken(byte)));
  return (text) => {
    const found = Array.from(new TextEncoder().encode(text), (byte) => ids[byte]);
    return found.every((id) => id !== undefined) ? found : undefined;
  };
}

function byteToken(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
}
