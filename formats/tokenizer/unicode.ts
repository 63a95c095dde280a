// Classes of characters as the steps of Python's tokenizers have them, whatever Unicode this Node knows.
import { CodePoints } from './code-points.ts';
import { categoryNames, categoryRuns, differences, newCapitals, unknownToNormalization } from './unicode-tables.ts';

/** A general category ('Lu') or a group of them ('L'), undefined for another name. */
export function category(name: string): CodePoints | undefined {
  categories ??= readCategories();
  return categories.get(name);
}

let categories: Map<string, CodePoints> | undefined;

function readCategories(): Map<string, CodePoints> {
  const ranges = new Map<string, CodePoints[]>();
  let at = 0;
  for (const [, letter, length] of categoryRuns.matchAll(/([^0-9a-z])([0-9a-z]*)/g)) {
    const name = categoryNames[letter as string] as string;
    const count = length === '' ? 1 : Number.parseInt(length as string, 36);
    for (const key of [name, name.charAt(0)]) {
      const set = ranges.get(key) ?? [];
      ranges.set(key, set);
      set.push(CodePoints.range(at, at + count - 1));
    }
    at += count;
  }
  return new Map([...ranges].map(([name, sets]) => [name, CodePoints.any(sets)]));
}

function inCategories(...names: string[]): CodePoints {
  return CodePoints.any(names.map((name) => category(name) as CodePoints));
}

/** Made when it is asked for first. */
function lazily(make: () => CodePoints): () => CodePoints {
  let made: CodePoints | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

const unlike = (name: keyof typeof differences, base: () => CodePoints) =>
  lazily(() => base().differing(CodePoints.parse(differences[name])));
const asciiPunctuation = CodePoints.of('!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~');

/** The property White_Space. */
export const whiteSpace = CodePoints.parse('9-d 20 85 a0 1680 2000-200a 2028-2029 202f 205f 3000');
/** Digits and other numbers, as Rust's `is_numeric` has them. */
export const numeric = unlike('numeric', () => inCategories('N'));
/** ASCII's signs and Unicode's punctuation. */
export const punctuation = unlike('punctuation', () => inCategories('P').union(asciiPunctuation));
/** What BERT's normalizer takes out beside U+0000 and U+FFFD. */
export const control = unlike('control', () => inCategories('Cc', 'Cf', 'Co'));
/** What BERT's normalizer takes for an accent. */
export const nonspacing = unlike('nonspacing', () => inCategories('Mn'));
/** What the step StripAccents takes for an accent. */
export const combining = unlike('combining', () => inCategories('M'));

const circled = CodePoints.parse('24b6-24e9 1f130-1f149 1f150-1f169 1f170-1f189');
/** Letters, marks, digits and what joins them, as in a class of a regular expression. */
export const word = lazily(() => inCategories('L', 'M', 'Nl', 'Nd', 'Pc').union(circled));

const mayChange = /[^\p{ASCII}]/u;
const unknown = CodePoints.parse(unknownToNormalization);
const known = lazily(() => unknown.not());

/** `text` in a normal form, but for the characters that Python's tables do not have: those are left and join nothing. */
export function normalForm(text: string, form: 'NFC' | 'NFD' | 'NFKC' | 'NFKD'): string {
  if (!mayChange.test(text)) return text; // ASCII is in every normal form
  knownRun ??= new RegExp(`${known().toPattern()}+`, 'gu');
  return text.replace(knownRun, (run) => run.normalize(form));
}

let knownRun: RegExp | undefined;

const capitals = new Map(
  newCapitals.flatMap(([points, distance]) =>
    CodePoints.parse(points)
      .ranges()
      .flatMap(([first, behind]) => Array.from({ length: behind - first }, (_, i) => [first + i, distance] as const)),
  ),
);

/** Each character in lower case by itself: a final sigma is a sigma. */
export function lowerCase(text: string): string {
  if (!mayChange.test(text)) return text.toLowerCase();
  return text.replace(notSmall, (character) => {
    const point = character.codePointAt(0) as number;
    const distance = capitals.get(point);
    return distance === undefined ? character.toLowerCase() : String.fromCodePoint(point + distance);
  });
}

const notSmall = /[A-Z]|[^\p{ASCII}]/gu;
