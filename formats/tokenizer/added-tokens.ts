// Tokens beside the model's: they are found in a text before anything else is done with it.
import { UserError } from '../../util/errors.ts';
import { shown } from '../../util/shown.ts';
import type { Part } from './part.ts';
import { slice } from './part.ts';
import { Trie } from './trie.ts';
import { whiteSpace, word } from './unicode.ts';

/** A token as tokenizer.json and the files beside it describe it; names as there. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** Left out when special tokens are skipped. */
  readonly special: boolean;
  /** White space before it, or behind it, belongs to it. */
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  /** Looked for in the normalized text, in its own normalized form. */
  readonly normalized: boolean;
  /** Not within a word. */
  readonly single_word: boolean;
}

/** A part of a text with the token that it is, if it is one. */
export interface Found {
  readonly part: Part;
  readonly id: number | undefined;
}

/** The added tokens of one kind (normalized or not), to be found in texts. */
export class TokenFinder {
  readonly #trie = new Trie();
  readonly #tokens: readonly AddedToken[];
  readonly #firsts = new Set<number>();
  readonly #wordAfter: RegExp;
  readonly #wordBefore: RegExp;

  /** `spelling` is what a token looks like in the texts; two that look alike are refused. */
  constructor(where: string, tokens: readonly AddedToken[], spelling: (token: AddedToken) => string) {
    this.#tokens = tokens;
    const seen = new Map<string, AddedToken>();
    tokens.forEach((token, place) => {
      const text = spelling(token);
      const other = seen.get(text);
      if (text === '')
        throw new UserError(
          `${where}: nothing is left of the added token ${shown(token.content)} when it is normalized`,
        );
      if (other !== undefined) {
        throw new UserError(
          `${where}: the added tokens ${shown(other.content)} and ${shown(token.content)} look alike when they are normalized`,
        );
      }
      seen.set(text, token);
      this.#trie.add(text, place);
      this.#firsts.add(text.charCodeAt(0));
    });
    // Rust's \w, which takes the joiners in
    const letter = `(?:${word().toPattern()}|[\\u200c\\u200d])`;
    this.#wordAfter = new RegExp(letter, 'uy');
    this.#wordBefore = new RegExp(`(?<=${letter})`, 'uy');
  }

  /** The text in order, cut where tokens are. Of tokens that begin at one place the longest is taken. */
  find(part: Part): Found[] {
    if (this.#tokens.length === 0) return [{ part, id: undefined }];
    const { text } = part;
    const found: Found[] = [];
    let last = 0;
    for (let at = 0; at < text.length; ) {
      const match = this.#firsts.has(text.charCodeAt(at)) ? this.#longestAt(text, at) : undefined;
      const next = match?.end ?? at + 1;
      if (match !== undefined && !this.#isWithinWord(text, at, match)) {
        const [begin, end] = widened(text, at, match, last);
        if (last < begin) found.push({ part: slice(part, last, begin), id: undefined });
        found.push({ part: slice(part, begin, end), id: match.token.id });
        last = end;
      }
      at = next;
    }
    if (last !== text.length) found.push({ part: slice(part, last, text.length), id: undefined });
    return found;
  }

  #longestAt(text: string, begin: number): Match | undefined {
    let longest: Match | undefined;
    for (let [node, at] = [0, begin]; at < text.length; ) {
      node = this.#trie.step(node, text.charCodeAt(at++));
      if (node < 0) break;
      const place = this.#trie.valueAt(node);
      if (place >= 0) longest = { token: this.#tokens[place] as AddedToken, end: at };
    }
    return longest;
  }

  #isWithinWord(text: string, begin: number, { token, end }: Match): boolean {
    if (!token.single_word) return false;
    this.#wordBefore.lastIndex = begin;
    this.#wordAfter.lastIndex = end;
    return this.#wordBefore.test(text) || this.#wordAfter.test(text);
  }
}

interface Match {
  readonly token: AddedToken;
  readonly end: number;
}

/** From where to where the token reaches with the white space that it takes; what an earlier one took is not taken again. */
function widened(text: string, at: number, { token, end }: Match, last: number): [begin: number, end: number] {
  const isSpace = (place: number) => whiteSpace.has(text.charCodeAt(place));
  let begin = at;
  while (token.lstrip && begin > 0 && isSpace(begin - 1)) begin--;
  if (token.lstrip) begin = Math.max(begin, last);
  let behind = end;
  while (token.rstrip && behind < text.length && isSpace(behind)) behind++;
  return [begin, behind];
}
