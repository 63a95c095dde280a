// Text as Python sees it: code points, Python's white space, and the methods of `str` that templates and metrics call.
import { PythonError } from './value.ts';

/** What `str.isspace` and `str.strip` take for white space: JavaScript's set less U+FEFF, with U+001C-1F and U+0085. */
const space = '\\t\\n\\v\\f\\r\\x1c-\\x1f \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
/** The same as the inside of a character class, for `\s` of Python's `re`. */
export const spaceClass = space;

const leading = new RegExp(`^[${space}]+`);
const trailing = new RegExp(`[${space}]+$`);
const run = new RegExp(`[${space}]+`);
const runs = new RegExp(`[${space}]+`, 'g');

/** `len(re.split(r'\\s+', text))`: pieces between runs of white space, an empty one at either end counted too. */
export function piecesBetweenSpace(text: string): number {
  let runsSeen = 0;
  for (const _ of text.matchAll(runs)) runsSeen++;
  return runsSeen + 1;
}

/** `str.lstrip`: of white space, or of any of the characters `of`. */
export function lstrip(text: string, of?: string | null): string {
  if (of === undefined || of === null) return text.replace(leading, '');
  const characters = [...text];
  const start = characters.findIndex((character) => !of.includes(character));
  return start < 0 ? '' : characters.slice(start).join('');
}

/** `str.rstrip`. */
export function rstrip(text: string, of?: string | null): string {
  if (of === undefined || of === null) return trimEnd(text);
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
export function strip(text: string, of?: string | null): string {
  return lstrip(rstrip(text, of), of);
}

/** `str.split`: by a separator, or by runs of white space; at most `most` cuts where it is not negative. */
export function split(text: string, separator?: string | null, most = -1): string[] {
  if (separator === undefined || separator === null) return splitWhite(text, most);
  if (separator === '') throw new PythonError('empty separator');
  const parts = text.split(separator);
  if (most < 0 || parts.length <= most + 1) return parts;
  return [...parts.slice(0, most), parts.slice(most).join(separator)];
}

function splitWhite(text: string, most: number): string[] {
  const parts: string[] = [];
  let rest = lstrip(text);
  while (rest !== '') {
    const gap = parts.length === most ? null : run.exec(rest);
    if (gap === null) return [...parts, rest];
    parts.push(rest.slice(0, gap.index));
    rest = rest.slice(gap.index + gap[0].length);
  }
  return parts;
}

/** `str.replace`: the first `most` of them where it is not negative; an empty text stands between all characters. */
export function replace(text: string, from: string, to: string, most = -1): string {
  const parts = from === '' ? ['', ...text, ''] : text.split(from);
  if (most < 0 || parts.length <= most + 1) return parts.join(to);
  return [parts.slice(0, most + 1).join(to), ...parts.slice(most + 1)].join(from);
}

/** Where `part` begins at or after `from`, in code points; -1 where it does not. */
export function find(text: string, part: string, from = 0): number {
  const characters = [...text];
  const start = from < 0 ? Math.max(0, from + characters.length) : from;
  if (start > characters.length) return -1;
  const rest = characters.slice(start).join('');
  const at = rest.indexOf(part);
  return at < 0 ? -1 : start + codePoints(rest.slice(0, at));
}

/** `str.count`: how often `part` is in the text, without overlaps. */
export function count(text: string, part: string): number {
  return part === '' ? codePoints(text) + 1 : text.split(part).length - 1;
}

/** `str.capitalize`. */
export function capitalize(text: string): string {
  const [first] = text;
  return first === undefined ? '' : titlecase(first) + text.toLowerCase().slice(first.toLowerCase().length);
}

const digraphs = [...'ǄǅǆǇǈǉǊǋǌǱǲǳ'];
/** Characters whose form at the start of a title is neither their capital nor its first letter. */
const titleForms: Record<string, string> = {
  ...Object.fromEntries(digraphs.map((form, i) => [form, digraphs[i - (i % 3) + 1] as string])),
  ...{ '\u1fb7': '\u1fbc\u0342', '\u1fc7': '\u1fcc\u0342', '\u1ff7': '\u1ffc\u0342' },
};
const iotaBelow = '\u0345';

/** The form of a text's first character in `capitalize`: of what is several letters in capitals, only the first is one. */
function titlecase(character: string): string {
  if (Object.hasOwn(titleForms, character)) return titleForms[character] as string;
  if (/[\u10d0-\u10ff]/.test(character)) return character; // Georgian has capitals for whole words only
  const parts = character.normalize('NFD');
  if (parts.includes(iotaBelow)) return (parts.slice(0, 1).toUpperCase() + parts.slice(1)).normalize('NFC');
  const [first = '', ...rest] = character.toUpperCase();
  return first + (first === 'ʼ' ? rest.join('') : rest.join('').toLowerCase());
}

/** `len` of a string: code points. */
export function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** `str.isdigit`, which also holds for superscripts and digits of other scripts. */
export function isDigit(text: string): boolean {
  return /^[\p{Nd}\u00b2\u00b3\u00b9\u1369-\u1371\u19da\u2070\u2074-\u2079\u2080-\u2089\u2460-\u2468\u2474-\u247c\u2488-\u2490\u24ea\u24f5-\u24fd\u24ff\u2776-\u277e\u2780-\u2788\u278a-\u2792\u{10a40}-\u{10a43}\u{10e60}-\u{10e68}\u{11052}-\u{1105a}\u{1f100}-\u{1f10a}]+$/u.test(
    text,
  );
}
