// What begins with a backslash in Oniguruma's patterns, and single characters, with and without regard to case.
import { CodePoints } from './code-points.ts';
import { type Cursor, Unreadable } from './oniguruma-cursor.ts';
import { category, whiteSpace, word } from './unicode.ts';

/** A JavaScript pattern for what follows a backslash outside of a class. */
export function atomEscape(at: Cursor, ignoreCase: boolean): string {
  const edge = at.match(/^[AzZbB]/);
  if (edge !== undefined) return (edges[edge] as () => string)();
  if (at.match(/^w/) !== undefined) return looseWord().toPattern();
  if (at.match(/^W/) !== undefined) return looseWord().not().toPattern();
  const set = setEscape(at);
  if (set === undefined) return literal(characterEscape(at), ignoreCase);
  if (ignoreCase && set.cased) throw new Unreadable(`'\\p{${set.cased}}' where case is ignored`);
  return set.points.toPattern();
}

/** Outside of a class, \w has six more characters. */
function looseWord(): CodePoints {
  return word().union(CodePoints.parse('b2-b3 b9 bc-be'));
}

const edges: Record<string, () => string> = {
  A: () => '(?<![^])',
  z: () => '(?![^])',
  Z: () => '(?=\\n?(?![^]))',
  b: () => boundary(true),
  B: () => boundary(false),
};

function boundary(is: boolean): string {
  const w = looseWord().toPattern();
  const [after, before] = is ? [`(?!${w})`, `(?=${w})`] : [`(?=${w})`, `(?!${w})`];
  return `(?:(?<=${w})${after}|(?<!${w})${before})`;
}

/** A set that a backslash stands for, in a class or outside; `cased` names a property that ignoring case would widen. */
export function setEscape(at: Cursor): { points: CodePoints; cased?: string } | undefined {
  const letter = at.match(/^[dDsSwWhH]/);
  if (letter !== undefined) {
    const points = (shorthands[letter.toLowerCase()] as () => CodePoints)();
    return { points: letter === letter.toLowerCase() ? points : points.not() };
  }
  const property = at.match(/^[pP]\{\^?[A-Za-z_ -]*\}/);
  if (property === undefined) return undefined;
  const [, kind, not, name] = /^(.)\{(\^?)(.*)\}$/.exec(property) as unknown as [string, string, string, string];
  const points = propertyPoints(name);
  const cased = /^(?:lu|ll|lt|.{6,}letter|upper.*|lower.*)$/i.test(name) ? { cased: name } : {};
  return { points: (kind === 'P') === (not === '^') ? points : points.not(), ...cased };
}

const shorthands: Record<string, () => CodePoints> = {
  d: () => category('Nd') as CodePoints,
  s: () => whiteSpace,
  w: word,
  h: () => CodePoints.parse('30-39 41-46 61-66'),
};

const longNames =
  'L Letter,M Mark,N Number,P Punctuation,S Symbol,Z Separator,C Other,Nd DecimalNumber,Zs SpaceSeparator';
const categoryNames = new Map(longNames.split(',').map((pair) => pair.split(' ').reverse() as [string, string]));

function propertyPoints(given: string): CodePoints {
  const name = given.replace(/[ _-]/g, '').toLowerCase();
  const long = [...categoryNames].find(([long]) => long.toLowerCase() === name)?.[1];
  const points = category(long ?? name.charAt(0).toUpperCase() + name.slice(1));
  if (points !== undefined) return points;
  if (name === 'whitespace' || name === 'space') return whiteSpace;
  if (name === 'any') return CodePoints.none.not();
  const property = properties.find((known) => known.toLowerCase() === name);
  if (property === undefined) throw new Unreadable(`the property '${given}'`);
  return fromNode(property);
}

/** Scripts and properties that Node has as Oniguruma does, once characters of newer versions of Unicode are left out. */
const properties = [
  ...['Arabic', 'Armenian', 'Bengali', 'Bopomofo', 'Common', 'Cyrillic', 'Devanagari', 'Ethiopic', 'Georgian', 'Greek'],
  ...[
    'Gujarati',
    'Gurmukhi',
    'Han',
    'Hangul',
    'Hebrew',
    'Hiragana',
    'Inherited',
    'Kannada',
    'Katakana',
    'Khmer',
    'Lao',
  ],
  ...['Latin', 'Malayalam', 'Mongolian', 'Myanmar', 'Oriya', 'Sinhala', 'Tamil', 'Telugu', 'Thai', 'Tibetan', 'Yi'],
  ...['Alphabetic', 'Uppercase', 'Ideographic', 'Emoji'],
];

function fromNode(name: string): CodePoints {
  const known = made.get(name);
  if (known !== undefined) return known;
  const isBinary = /^(?:Alphabetic|Uppercase|Ideographic|Emoji)$/.test(name);
  const pattern = new RegExp(`\\p{${isBinary ? name : `Script=${name}`}}`, 'u');
  const assigned = (category('Cn') as CodePoints).not();
  const points = CodePoints.where((point) => pattern.test(String.fromCodePoint(point))).and(assigned);
  made.set(name, points);
  return points;
}

const made = new Map<string, CodePoints>();

const controls: Record<string, string> = { t: '\t', n: '\n', r: '\r', f: '\f', v: '\v', a: '\x07', e: '\x1b', 0: '\0' };

/** The one character that a backslash stands for. */
export function characterEscape(at: Cursor): string {
  const coded = at.match(/^(?:x\{[0-9A-Fa-f]{1,6}\}|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4})/);
  if (coded !== undefined) {
    const point = Number.parseInt(coded.replace(/[xu{}]/g, ''), 16);
    if (point > 0x10ffff) throw new Unreadable(`the character '\\${coded}'`);
    return String.fromCodePoint(point);
  }
  const name = at.next();
  const character = controls[name];
  if (character !== undefined && !(name === '0' && /^\d/.test(at.rest(1)))) return character;
  if (/[\p{L}\p{N}]/u.test(name)) throw new Unreadable(`'\\${name}'`);
  return name;
}

/** `character` itself, or any that differs in case. */
export function literal(character: string, ignoreCase: boolean): string {
  const point = character.codePointAt(0) as number;
  return ignoreCase ? folded(CodePoints.range(point)).toPattern() : `\\u{${point.toString(16)}}`;
}

const ascii = CodePoints.range(0, 0x7f);

/** `points` with all that differ from them in case; letters beyond ASCII, of which one may stand for several, are refused. */
export function folded(points: CodePoints): CodePoints {
  for (const [first, behind] of points.and(ascii.not()).ranges()) refuseCased(first, behind);
  const letters = [...'abcdefghijklmnopqrstuvwxyz'].filter((letter) =>
    [letter, letter.toUpperCase()].some((one) => points.has(one.charCodeAt(0))),
  );
  // k is also the Kelvin sign, s the long s
  const all = letters.map((letter) => `${letter}${letter.toUpperCase()}${{ k: '\u212a', s: '\u017f' }[letter] ?? ''}`);
  return points.union(CodePoints.of(all.join('')));
}

function refuseCased(first: number, behind: number): void {
  for (let point = first; point < behind; point++) {
    const character = String.fromCodePoint(point);
    const hasCase = character.toLowerCase() !== character.toUpperCase();
    if (!hasCase && /[\p{P}\p{S}\p{Z}\p{Nd}\p{No}]/u.test(character)) continue;
    throw new Unreadable(`'${character}' where case is ignored`);
  }
}
