// Tokens become text while they come: a part is given out only when later tokens cannot change it any more.
import type { Tokenizer } from '../../formats/tokenizer/tokenizer.ts';

/** What this file needs of a tokenizer. */
export type TextTokenizer = Pick<Tokenizer, 'encode' | 'decode'>;

/** The text of tokens, part by part. */
export interface TextStream {
  /** The text that `id` completes; '' while it may be a part of a character. */
  push(id: number): string;
}

/** What stands for bytes that are no character, or not yet. */
const broken = '\ufffd';

/**
 * Decodes a window that begins at an earlier seam, because a token's text depends on its neighbours (white space, bytes of one
 * character), and gives out what the window has grown by.
 */
export function createTextStream(tokenizer: Pick<TextTokenizer, 'decode'>): TextStream {
  const ids: number[] = [];
  const text = (from: number, to?: number) => tokenizer.decode(ids.slice(from, to), { skipSpecialTokens: true });
  let [start, given] = [0, 0]; // the window's first token, and the first whose text was not given out
  return {
    push(id) {
      ids.push(id);
      const part = text(start).slice(text(start, given).length);
      if (part === '' || part.endsWith(broken)) return '';
      [start, given] = [given, ids.length];
      return part;
    },
  };
}

/** Ends a text at its stops, as lm-evaluation-harness does. */
export interface Stopper {
  /** True when a stop stands in the text of the last tokens; asked after each token. */
  reached(ids: readonly number[]): boolean;
  /** `text` before the first of each stop, one stop after the other. */
  cut(text: string): string;
  /** How much of `text` is certain: what stands before a stop, and before what may become one. */
  settled(text: string): number;
}

/** Two tokens more than a stop has, since it may be cut into other tokens in a text (lm_eval 0.4.5, MultiTokenEOSCriteria). */
const margin = 2;

/** The stopper of `stops`; empty ones are left out, as in the harness. */
export function createStopper(tokenizer: TextTokenizer, stops: readonly string[]): Stopper {
  const wanted = stops
    .filter((stop) => stop !== '')
    .map((stop) => ({ stop, tokens: tokenizer.encode(stop, { addSpecialTokens: false }).length + margin }));
  return {
    reached: (ids) => wanted.some(({ stop, tokens }) => tokenizer.decode(ids.slice(-tokens)).includes(stop)),
    cut: (text) => wanted.reduce((left, { stop }) => left.split(stop, 1)[0] as string, text),
    settled: (text) => Math.min(text.length, ...wanted.map(({ stop }) => before(text, stop))),
  };
}

/** Where `stop` begins in `text`, or may begin at its end once more text comes. */
function before(text: string, stop: string): number {
  const whole = text.indexOf(stop);
  if (whole >= 0) return whole;
  const most = Math.min(text.length, stop.length - 1);
  for (let length = most; length > 0; length--) if (stop.startsWith(text.slice(-length))) return text.length - length;
  return text.length;
}
