// WikiText's pages with their words joined again, as harness 0.4.5 does it, step by step and mistakes included.
import { spaceClass } from '../../python/text.ts';

const space = `[${spaceClass}]*`;

/** A pair of marks with the blanks inside them, which are taken out. */
const around = (open: string, inside: string, close: string) =>
  new RegExp(`${open}${space}(${inside}*?)${space}${close}`, 'gu');

const pairs: readonly [RegExp, string, string][] = [
  [around('\\(', '[^)]', '\\)'), '(', ')'],
  [around('\\[', '[^\\]]', '\\]'), '[', ']'],
  [around('\\{', '[^}]', '\\}'), '{', '}'],
  [around('"', '[^"]', '"'), '"', '"'],
  [around("'", "[^']", "'"), "'", "'"],
];

const before: readonly [string, string][] = [
  [' @-@ ', '-'],
  [' @,@ ', ','],
  [' @.@ ', '.'],
  ...[':', ';', '.', '!', '?', ','].map((mark): [string, string] => [` ${mark} `, `${mark} `]),
];

const after: readonly [string, string][] = [
  ['= = = =', '===='],
  ['= = =', '==='],
  ['= =', '=='],
  [' \u00b0 ', '\u00b0'],
  [' \n', '\n'],
  ['\n ', '\n'],
  [' N ', ' 1 '],
  [" 's", "'s"],
];

/** The text of a page as people write it. */
export function detokenize(page: string): string {
  const contracted = page.replaceAll("s '", "s'").replace(/\/' [0-9]\//g, "/'[0-9]/");
  const spaced = replaceAll(contracted, before);
  const paired = pairs.reduce(
    (text, [pattern, open, close]) => text.replace(pattern, (_, inside: string) => `${open}${inside}${close}`),
    spaced,
  );
  return replaceAll(paired, after);
}

function replaceAll(text: string, replacements: readonly [string, string][]): string {
  return replacements.reduce((whole, [from, to]) => whole.replaceAll(from, to), text);
}
