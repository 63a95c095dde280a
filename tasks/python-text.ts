// Text as Python sees it: code points, Python's white space, its `strip`, `split` and `isdigit`.

/** What `str.isspace` and `str.strip` take for white space: JavaScript's set less U+FEFF, with U+001C-1F and U+0085. */
const space = '\\t\\n\\v\\f\\r\\x1c-\\x1f \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
/** The same as the inside of a character class, for `\s` of Python's `re`. */
export const spaceClass = space;

const leading = new RegExp(`^[${space}]+`);
const trailing = new RegExp(`[${space}]+$`);
const run = new RegExp(`[${space}]+`);

/** `str.lstrip`: of white space, or of any of the characters `of`. */
export function lstrip(text: string, of?: string): string {
  if (of === undefined) return text.replace(leading, '');
  const characters = [...text];
  const start = characters.findIndex((character) => !of.includes(character));
  return start < 0 ? '' : characters.slice(start).join('');
}

/** `str.rstrip`. */
export function rstrip(text: string, of?: string): string {
  if (of === undefined) return trimEnd(text);
  const characters = [...text];
  const end = characters.findLastIndex((character) => !of.includes(character));
  return characters.slice(0, end + 1).join('');
}

/** A loop rather than a regular expression, which would take quadratic time on a long run inside the text. */
function trimEnd(text: string): string {
  let end = text.length;
  while (end > 0 && trailing.test(text[end - 1] as string)) end--;
  return text.slice(0, end);
}

/** `str.strip`. */
export function strip(text: string, of?: string): string {
  return lstrip(rstrip(text, of), of);
}

/** `str.split`: by a separator, or by runs of white space; at most `most` cuts where it is not negative. */
export function split(text: string, separator?: string | null, most = -1): string[] {
  if (separator === undefined || separator === null) return splitWhite(text, most);
  if (separator === '') throw new RangeError('empty separator');
  const parts = text.split(separator);
  if (most < 0 || parts.length <= most + 1) return parts;
  return [...parts.slice(0, most), parts.slice(most).join(separator)];
}

function splitWhite(text: string, most: number): string[] {
  const parts: string[] = [];
  let rest = lstrip(text);
  while (rest !== '') {
    const gap = run.exec(rest);
    if (gap === null || (most >= 0 && parts.length === most)) return [...parts, gap === null ? rest : rstrip(rest)];
    parts.push(rest.slice(0, gap.index));
    rest = rest.slice(gap.index + gap[0].length);
  }
  return parts;
}

/** `len` of a string: code points. */
export function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** `str.isdigit`, which also holds for superscripts and digits of other scripts. */
export function isDigit(text: string): boolean {
  return /^[\p{Nd}\u00b2\u00b3\u00b9\u1369-\u1371\u19da\u2070\u2074-\u2079\u2080-\u2089\u2460-\u2468\u2474-\u247c\u2488-\u2490\u24ea\u24f5-\u24fd\u24ff\u2776-\u277e\u2780-\u2788\u278a-\u2792]+$/u.test(
    text,
  );
}
