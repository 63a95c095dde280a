// Trains a byte-level BPE tokenizer and writes it as a Hugging Face tokenizer.json object.
import { byteLetters } from '../../formats/tokenizer/byte-letters.ts';

/** Letters, one digit, other signs (each with one leading space if any), then white space; every byte falls in one piece. */
const splitPattern = String.raw` ?\p{L}+| ?\p{N}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;

export interface BpeTrainingOptions {
  /** Entries in all: special and added tokens, the 256 bytes, merges. Fewer if the texts run out of pairs. */
  vocab_size: number;
  /** First ids, in order; the first one is put before every encoded text (the BOS token). */
  special_tokens: string[];
  /** Next ids: matched whole in any text as special tokens are, but kept when special tokens are skipped. */
  added_tokens?: string[] | undefined;
}

/** A tokenizer.json, as Hugging Face's `tokenizers` reads it. */
export interface TokenizerJson {
  version: '1.0';
  truncation: null;
  padding: null;
  added_tokens: AddedToken[];
  normalizer: null;
  pre_tokenizer: object;
  post_processor: object;
  decoder: object;
  model: { type: 'BPE'; vocab: Record<string, number>; merges: [string, string][] } & Record<string, unknown>;
}

interface AddedToken {
  id: number;
  content: string;
  single_word: false;
  lstrip: false;
  rstrip: false;
  normalized: false;
  special: boolean;
}

/** A distinct piece of the texts: its symbols (ids) and how often it occurs. */
interface Word {
  symbols: number[];
  count: number;
}

/**
 * A tokenizer trained on `texts` by byte pair encoding (Sennrich et al. 2016) over bytes (Radford et al. 2019): merges the most
 * frequent neighbouring pair until `vocab_size` is reached or no pair occurs twice; ties go to the lower ids, as in Hugging Face's
 * trainer, so equal texts give equal bytes. Throws a RangeError when `vocab_size` has no room for the bytes and the given tokens.
 */
export function trainByteLevelBpe(texts: Iterable<string>, options: BpeTrainingOptions): TokenizerJson {
  const given = [...options.special_tokens, ...(options.added_tokens ?? [])];
  const base = given.length + 256;
  if (options.vocab_size < base) {
    throw new RangeError(
      `vocab_size must be at least ${base} (${given.length} tokens and 256 bytes), got ${options.vocab_size}`,
    );
  }
  const letters = byteLetters();
  const symbols = [...given, ...[...letters].sort()];
  const merges = learnMerges(countWords(texts, given, symbols, letters), symbols, options.vocab_size);
  return tokenizerJson(options.special_tokens, given, symbols, merges);
}

/** The distinct pieces of `texts` outside the given tokens, as byte symbols, in order of first appearance. */
function countWords(texts: Iterable<string>, given: string[], symbols: string[], letters: string[]): Word[] {
  const counts = new Map<string, number>();
  const pattern = new RegExp(splitPattern, 'gu');
  const outside = given.length > 0 ? new RegExp(given.map(escapeForRegExp).join('|'), 'u') : undefined;
  for (const text of texts) {
    for (const part of outside ? text.split(outside) : [text]) {
      for (const [piece] of part.matchAll(pattern)) counts.set(piece, (counts.get(piece) ?? 0) + 1);
    }
  }
  const encoder = new TextEncoder();
  const ids = letters.map((letter) => symbols.indexOf(letter, given.length));
  const toIds = (piece: string) => Array.from(encoder.encode(piece), (byte) => ids[byte] as number);
  return [...counts].map(([piece, count]) => ({ symbols: toIds(piece), count }));
}

function escapeForRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

/** Appends one symbol per merge to `symbols` until there are `size`; returns the merged pairs in order. */
function learnMerges(words: Word[], symbols: string[], size: number): [string, string][] {
  const pairs = new PairCounts();
  for (const [index, word] of words.entries()) pairs.addWord(word, index, 1);
  const ids = new Map(symbols.map((symbol, id) => [symbol, id]));
  const merges: [string, string][] = [];
  while (symbols.length < size) {
    const best = pairs.mostFrequent();
    if (!best) break;
    const [left, right] = best;
    const halves: [string, string] = [symbols[left] as string, symbols[right] as string];
    const merged = idOf(halves.join(''), symbols, ids);
    merges.push(halves);
    for (const index of pairs.wordsWith(left, right)) {
      const word = words[index] as Word;
      pairs.addWord(word, index, -1);
      word.symbols = mergePair(word.symbols, left, right, merged);
      pairs.addWord(word, index, 1);
    }
  }
  return merges;
}

/** The id of `symbol`, new unless other halves have made it already. */
function idOf(symbol: string, symbols: string[], ids: Map<string, number>): number {
  const known = ids.get(symbol);
  if (known !== undefined) return known;
  ids.set(symbol, symbols.length);
  return symbols.push(symbol) - 1;
}

function mergePair(symbols: number[], left: number, right: number, merged: number): number[] {
  const out: number[] = [];
  for (let i = 0; i < symbols.length; i++) {
    const isPair = symbols[i] === left && symbols[i + 1] === right;
    out.push(isPair ? merged : (symbols[i] as number));
    if (isPair) i++;
  }
  return out;
}

/** How often each pair of neighbours occurs, and in which words; kept up to date word by word. */
class PairCounts {
  readonly #counts = new Map<number, number>();
  readonly #words = new Map<number, Set<number>>();

  /** Adds (`sign` 1) or takes back (-1) the pairs of one word. */
  addWord(word: Word, index: number, sign: 1 | -1): void {
    for (let i = 0; i + 1 < word.symbols.length; i++) {
      const key = pairKey(word.symbols[i] as number, word.symbols[i + 1] as number);
      const count = (this.#counts.get(key) ?? 0) + sign * word.count;
      if (count > 0) this.#counts.set(key, count);
      else this.#counts.delete(key);
      this.#note(key, index, sign);
    }
  }

  /** The pair that occurs most often, at least twice; the lowest ids among equals. */
  mostFrequent(): [number, number] | undefined {
    let bestKey = -1;
    let bestCount = 1;
    for (const [key, count] of this.#counts) {
      if (count < bestCount || (count === bestCount && (bestKey === -1 || key > bestKey))) continue;
      [bestKey, bestCount] = [key, count];
    }
    return bestKey === -1 ? undefined : [Math.floor(bestKey / idLimit), bestKey % idLimit];
  }

  /** The words that hold the pair now, in ascending order. */
  wordsWith(left: number, right: number): number[] {
    return [...(this.#words.get(pairKey(left, right)) ?? [])].sort((a, b) => a - b);
  }

  #note(key: number, index: number, sign: 1 | -1): void {
    const words = this.#words.get(key) ?? new Set();
    if (sign === 1) this.#words.set(key, words.add(index));
    else words.delete(index);
  }
}

const idLimit = 2 ** 26;

function pairKey(left: number, right: number): number {
  return left * idLimit + right;
}

function tokenizerJson(
  special: string[],
  given: string[],
  symbols: string[],
  merges: [string, string][],
): TokenizerJson {
  const bos = special[0];
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: given.map((content, id) => addedToken(id, content, id < special.length)),
    normalizer: null,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: splitPattern }, behavior: 'Isolated', invert: false },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
      ],
    },
    post_processor: bos === undefined ? byteLevelPart() : bosProcessor(bos),
    decoder: byteLevelPart(),
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(symbols.map((symbol, id) => [symbol, id])),
      merges,
    },
  };
}

function addedToken(id: number, content: string, special: boolean): AddedToken {
  return { id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special };
}

function byteLevelPart(): object {
  return { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false };
}

/** Puts the BOS token (id 0) before one text, and before the first of two. */
function bosProcessor(bos: string): object {
  const start = { SpecialToken: { id: bos, type_id: 0 } };
  const first = { Sequence: { id: 'A', type_id: 0 } };
  return {
    type: 'TemplateProcessing',
    single: [start, first],
    pair: [start, first, { Sequence: { id: 'B', type_id: 1 } }],
    special_tokens: { [bos]: { id: bos, ids: [0], tokens: [bos] } },
  };
}
