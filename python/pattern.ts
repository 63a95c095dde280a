// Patterns of Python's `re` translated to JavaScript's (modes `u` and `s`; V8 11.3 loses matches of `[^\n]` in mode `v`).
//
// Translated: `$` and `\Z`, `.` (all but \n), \s \w \d \b and their complements (Unicode in Python), classes, escapes, named groups,
// flags at the start, `i` without dot. Refused with a reason: what JavaScript lacks (atomic groups, possessive repeats, conditions,
// flags within a pattern) and where its groups keep another text than Python's (see `repeat` and `reference`).
import { PatternReader } from './pattern-reader.ts';
import { spaceClass } from './text.ts';

/** What is known of a part of a pattern. */
interface Part {
  source: string;
  /** Fewest and most characters that it matches. */
  least: number;
  most: number;
  /** It has groups that keep text. */
  captures: boolean;
  /** Each of them takes part whenever the part matches. */
  sure: boolean;
  /** A place rather than characters. */
  isPlace?: boolean;
}

const word = '\\p{L}\\p{N}_';
const sets: Record<string, string> = { d: '\\p{Nd}', D: '\\P{Nd}', w: word, s: spaceClass };
/** Sets that no class of JavaScript can hold beside others. */
const complements: Record<string, string> = { W: `[^${word}]`, S: `[^${spaceClass}]` };
const places: Record<string, string> = {
  A: '(?<!.)',
  Z: '(?!.)',
  b: `(?:(?<=[${word}])(?![${word}])|(?<![${word}])(?=[${word}]))`,
  B: `(?:(?<=[${word}])(?=[${word}])|(?<![${word}])(?![${word}])(?:(?=.)|(?<=.)))`, // not in an empty text
};
/** Python takes these four for one letter where case does not count, JavaScript for three. */
const dotlessLetters = 'iI\u0130\u0131';
const unsupported = (what: string) => new SyntaxError(`${what} is not supported`);

/** The pattern as JavaScript has it; what cannot be translated is a SyntaxError with the reason. */
export function translatePattern(pattern: string): { source: string; ignoreCase: boolean } {
  let flags = '';
  let rest = pattern;
  for (let inline = /^\(\?([a-zA-Z]+)\)/.exec(rest); inline !== null; inline = /^\(\?([a-zA-Z]+)\)/.exec(rest)) {
    flags += inline[1];
    rest = rest.slice(inline[0].length);
  }
  if (/[^imsu]/.test(flags)) throw new SyntaxError(`the flags '${flags}' are not supported`);
  return { source: new Translator(rest, flags).whole(), ignoreCase: flags.includes('i') };
}

class Translator {
  readonly #reader: PatternReader;
  readonly #dotAll: boolean;
  readonly #multiline: boolean;
  readonly #ignoreCase: boolean;
  /** Groups by name; the number of all, and those that are closed and took part for certain. */
  readonly #names = new Map<string, number>();
  #groups = 0;
  readonly #certain = new Set<number>();
  #behind = 0;

  constructor(pattern: string, flags: string) {
    this.#reader = new PatternReader(pattern);
    this.#dotAll = flags.includes('s');
    this.#multiline = flags.includes('m');
    this.#ignoreCase = flags.includes('i');
  }

  whole(): string {
    const part = this.#alternatives();
    if (this.#reader.rest !== '') throw new SyntaxError("a ')' too many");
    return part.source;
  }

  #alternatives(): Part {
    const before = new Set(this.#certain);
    const branches = [this.#sequence()];
    while (this.#reader.skip('|')) {
      this.#restore(before);
      branches.push(this.#sequence());
    }
    if (branches.length === 1) return branches[0] as Part;
    this.#restore(before);
    const captures = branches.some((branch) => branch.captures);
    return {
      source: branches.map(({ source }) => source).join('|'),
      least: Math.min(...branches.map(({ least }) => least)),
      most: Math.max(...branches.map(({ most }) => most)),
      captures,
      sure: !captures,
    };
  }

  #restore(certain: ReadonlySet<number>): void {
    this.#certain.clear();
    for (const group of certain) this.#certain.add(group);
  }

  #sequence(): Part {
    const whole: Part = { source: '', least: 0, most: 0, captures: false, sure: true };
    while (this.#reader.rest !== '' && !/[|)]/.test(this.#reader.peek())) {
      const before = new Set(this.#certain);
      const part = this.#repeat(this.#atom(), before);
      whole.source += part.source;
      whole.least += part.least;
      whole.most += part.most;
      whole.captures ||= part.captures;
      whole.sure &&= part.sure;
    }
    return whole;
  }

  /**
   * A part as often as the pattern says. JavaScript forgets at each turn what groups kept at the turn before, Python does not;
   * and the two leave a turn that may be empty at other places.
   */
  #repeat(part: Part, before: ReadonlySet<number>): Part {
    const count = this.#count();
    if (count === undefined) return part;
    const { written, least, most } = count;
    if (part.isPlace || part.source === '') throw new SyntaxError(`nothing to repeat before '${written}'`);
    if (this.#reader.peek() === '+') throw unsupported('a possessive repeat');
    const lazy = this.#reader.skip('?') ? '?' : '';
    if (/^(?:[*+?]|\{\d*,?\d*\})/.test(this.#reader.rest)) throw new SyntaxError('multiple repeat');
    if (part.least === 0) throw unsupported('a repeat of what may be empty');
    if (part.captures && most > 1 && (!part.sure || this.#behind > 0)) {
      throw unsupported('a repeat of groups that may be left out');
    }
    if (least === 0) this.#restore(before);
    return {
      source: part.source + written + lazy,
      least: part.least * least,
      most: most === 0 ? 0 : part.most * most,
      captures: part.captures,
      sure: part.sure && (least > 0 || !part.captures),
    };
  }

  /** The count that stands here; a brace that is none is itself. */
  #count(): { written: string; least: number; most: number } | undefined {
    const [sign] = this.#reader.match(/^[*+?]/) ?? [];
    if (sign !== undefined) {
      return { written: sign, least: sign === '+' ? 1 : 0, most: sign === '?' ? 1 : Number.POSITIVE_INFINITY };
    }
    const braces = this.#reader.match(/^\{(?!\})(\d*)(,?)(\d*)\}/);
    if (braces === undefined) return undefined;
    const [, low = '', comma = '', high = ''] = braces;
    const least = Number(low);
    const most = comma === '' ? least : high === '' ? Number.POSITIVE_INFINITY : Number(high);
    if (most < least) throw new SyntaxError('a repeat whose most is below its least');
    return { written: `{${least}${comma}${high}}`, least, most };
  }

  #atom(): Part {
    const count = this.#count();
    if (count !== undefined) throw new SyntaxError(`nothing to repeat before '${count.written}'`);
    const character = this.#reader.take();
    if (character === '(') return this.#open();
    if (character === '[') return one(this.#class());
    if (character === '\\') return this.#escape();
    if (character === '.') return one(this.#dotAll ? '.' : '[^\\n]');
    if (character === '^') return place(this.#multiline ? '(?<![^\\n])' : places.A);
    if (character === '$') return place(this.#multiline ? '(?![^\\n])' : '(?=\\n?(?!.))');
    return one(this.#literal(character));
  }

  #open(): Part {
    if (!this.#reader.skip('?')) return this.#group();
    if (this.#reader.skip('P<')) return this.#group(this.#reader.until('>'));
    if (this.#reader.skip('P=')) return this.#reference(this.#groupNamed(this.#reader.until(')')));
    if (this.#reader.skip('#')) {
      this.#reader.until(')');
      return { source: '', least: 0, most: 0, captures: false, sure: true };
    }
    if (this.#reader.skip(':')) return this.#close('(?:', this.#alternatives());
    for (const start of ['=', '!', '<=', '<!']) if (this.#reader.skip(start)) return this.#look(start);
    if (this.#reader.peek() === '>') throw unsupported('an atomic group (?>...)');
    if (this.#reader.peek() === '(') throw unsupported('a condition (?(...)...)');
    throw unsupported(`the group '(?${this.#reader.peek()}'`);
  }

  #group(name?: string): Part {
    const number = ++this.#groups;
    if (name !== undefined) {
      if (!/^[\p{L}_][\p{L}\p{N}_]*$/u.test(name) || this.#names.has(name))
        throw new SyntaxError(`bad group name '${name}'`);
      this.#names.set(name, number);
    }
    const part = this.#close(`(?<g${number}>`, this.#alternatives());
    this.#certain.add(number);
    return { ...part, captures: true };
  }

  #look(start: string): Part {
    const [isBehind, isNot] = [start.startsWith('<'), start.endsWith('!')];
    const before = new Set(this.#certain);
    if (isBehind) this.#behind++;
    const inner = this.#alternatives();
    if (isBehind) this.#behind--;
    if (isBehind && inner.least !== inner.most) throw new SyntaxError('look-behind requires a fixed width');
    if (isNot && inner.captures) throw unsupported('a group within a negative look');
    if (isNot) this.#restore(before);
    return { ...this.#close(`(?${start}`, inner), least: 0, most: 0, isPlace: true };
  }

  #close(start: string, inner: Part): Part {
    if (!this.#reader.skip(')')) throw new SyntaxError("a '(' has no ')'");
    return { ...inner, source: `${start}${inner.source})` };
  }

  #groupNamed(name: string): number {
    const number = this.#names.get(name);
    if (number === undefined) throw new SyntaxError(`unknown group name '${name}'`);
    return number;
  }

  /** A group that took no part matches nothing in Python and the empty text in JavaScript, which looks behind from the right. */
  #reference(number: number): Part {
    if (number > this.#groups) throw new SyntaxError(`there is no group ${number}`);
    if (!this.#certain.has(number) || this.#behind > 0)
      throw unsupported('a reference to a group that may be left out');
    return { source: `\\k<g${number}>`, least: 0, most: Number.POSITIVE_INFINITY, captures: false, sure: true };
  }

  #escape(): Part {
    const [known = ''] = this.#reader.match(/^[AZbBdDwWsS]/) ?? [];
    if (Object.hasOwn(places, known)) return place(places[known]);
    if (Object.hasOwn(sets, known)) return one(`[${sets[known]}]`);
    if (Object.hasOwn(complements, known)) return one(complements[known] as string);
    const number = this.#reader.match(/^(?![0-3]?[0-7]{3})[1-9]\d?/);
    return number === undefined ? one(this.#literal(this.#reader.escaped())) : this.#reference(Number(number[0]));
  }

  #class(): string {
    const isNegated = this.#reader.skip('^');
    const alone: string[] = [];
    let body = '';
    for (let isFirst = true; isFirst || this.#reader.peek() !== ']'; isFirst = false) {
      const [, name] = this.#reader.match(/^\\([WS])/) ?? [];
      if (name === undefined) body += this.#classItem();
      else alone.push(complements[name] as string);
      if (name !== undefined && /^-[^\]]/.test(this.#reader.rest)) throw new SyntaxError('bad character range');
    }
    this.#reader.skip(']');
    if (this.#ignoreCase && body !== '') body = withDotless(body);
    if (alone.length === 0) return `[${isNegated ? '^' : ''}${body}]`;
    const any = [...(body === '' ? [] : [`[${body}]`]), ...alone].join('|');
    return isNegated ? `(?:(?!${any}).)` : `(?:${any})`;
  }

  /** A character, a set, or a range of characters. */
  #classItem(): string {
    const low = this.#classCharacter();
    if (!/^-[^\]]/.test(this.#reader.rest)) return low.source;
    this.#reader.skip('-');
    const high = this.#classCharacter();
    if (low.code === undefined || high.code === undefined || high.code < low.code)
      throw new SyntaxError('bad character range');
    return `${low.source}-${high.source}`;
  }

  #classCharacter(): { source: string; code?: number } {
    const [, set] = this.#reader.match(/^\\([dDws])/) ?? [];
    if (set !== undefined) return { source: sets[set] as string };
    const character = this.#reader.skip('\\') ? this.#reader.escaped() : this.#reader.take();
    const code = character.codePointAt(0) as number;
    return { source: coded(code), code };
  }

  #literal(character: string): string {
    if (this.#ignoreCase && dotlessLetters.includes(character)) return `[${dotlessLetters}]`;
    return coded(character.codePointAt(0) as number);
  }
}

function one(source: string): Part {
  return { source, least: 1, most: 1, captures: false, sure: true };
}

function place(source: string | undefined): Part {
  return { source: source as string, least: 0, most: 0, captures: false, sure: true, isPlace: true };
}

/** Letters and digits as they are; everything else by its code, since most signs mean something somewhere. */
function coded(code: number): string {
  const character = String.fromCodePoint(code);
  return /[A-Za-z0-9]/.test(character) ? character : `\\u{${code.toString(16)}}`;
}

function withDotless(body: string): string {
  return new RegExp(`[${body}]`, 'iu').test(dotlessLetters) ? body + dotlessLetters : body;
}
