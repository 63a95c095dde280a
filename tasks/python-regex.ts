// Python's regular expressions, translated to JavaScript's: `findall`, `sub` and `split` with Python's meaning.
//
// What differs and is translated: `$` and `\Z`, `.` (all but \n), \s \w \d \b (Unicode in Python), inline flags at the
// start, named groups, escapes that JavaScript's `u` mode refuses. Sizes are bounded, but a pattern that backtracks without end
// does so here as in Python.
import { UserError } from '../util/errors.ts';
import { spaceClass } from './python-text.ts';

const longestPattern = 4096;
const word = '\\p{L}\\p{N}_\\p{Mn}\\p{Mc}';
const classes: Record<string, string> = { s: spaceClass, d: '\\p{Nd}', w: '\\p{L}\\p{N}_' };
const controls: Record<string, string> = { a: '\\x07', n: '\\n', r: '\\r', t: '\\t', f: '\\f', v: '\\v', '0': '\\0' };

/** A compiled pattern. */
export interface PythonRegex {
  /** `findall`: whole matches, the one group's, or tuples of all groups'; a group that took no part is ''. */
  findall(text: string): (string | string[])[];
  /** `sub` with a literal replacement. */
  remove(text: string): string;
  /** `split` of a pattern without groups. */
  split(text: string): string[];
}

/** Compiles `pattern`; `where` names it in messages. */
export function compileRegex(pattern: string, where: string): PythonRegex {
  const regex = translate(pattern, where);
  return {
    findall: (text) => [...text.matchAll(regex)].map(found),
    remove: (text) => text.replace(regex, ''),
    split: (text) => text.split(regex),
  };
}

function found(match: RegExpMatchArray): string | string[] {
  const groups = match.slice(1).map((group) => group ?? '');
  return groups.length === 0 ? match[0] : groups.length === 1 ? (groups[0] as string) : groups;
}

function translate(pattern: string, where: string): RegExp {
  if (pattern.length > longestPattern) {
    throw new UserError(`${where}: expected a regular expression of at most ${longestPattern} characters`);
  }
  const inline = /^\(\?([aiLmsux]+)\)/.exec(pattern);
  const flags = inline?.[1] ?? '';
  if (/[Lxa]/.test(flags)) throw unsupported(where, pattern, `the flags '${flags}' are not supported`);
  try {
    const source = new Translator(pattern.slice(inline?.[0].length ?? 0), flags).translate();
    return new RegExp(source, `gu${flags.includes('i') ? 'i' : ''}`);
  } catch (error) {
    throw unsupported(where, pattern, (error as Error).message);
  }
}

function unsupported(where: string, pattern: string, reason: string): UserError {
  return new UserError(`${where}: the regular expression '${pattern}' cannot be used: ${reason}`);
}

class Translator {
  readonly #pattern: string;
  readonly #dotAll: boolean;
  readonly #multiline: boolean;
  #at = 0;

  constructor(pattern: string, flags: string) {
    this.#pattern = pattern;
    this.#dotAll = flags.includes('s');
    this.#multiline = flags.includes('m');
  }

  translate(): string {
    let source = '';
    while (this.#at < this.#pattern.length) source += this.#next();
    return source;
  }

  #next(): string {
    const character = this.#take();
    if (character === '\\') return this.#escape();
    if (character === '[') return this.#class();
    if (character === '.') return this.#dotAll ? '[^]' : '[^\\n]';
    if (character === '^') return this.#multiline ? '(?<![^\\n])' : '(?<![^])';
    if (character === '$') return this.#multiline ? '(?![^\\n])' : '(?=\\n?(?![^]))';
    if (character === '(') return this.#open();
    if (character === '{') return this.#brace();
    return character === '}' || character === ']' || character === '/' ? `\\${character}` : character;
  }

  #open(): string {
    const rest = this.#pattern.slice(this.#at);
    const named = /^\?P<(\w+)>/.exec(rest);
    const back = /^\?P=(\w+)\)/.exec(rest);
    const comment = /^\?#[^)]*\)/.exec(rest);
    const [skipped] = named ?? back ?? comment ?? [''];
    this.#at += skipped.length;
    if (named !== null) return `(?<${named[1]}>`;
    if (back !== null) return `\\k<${back[1]}>`;
    return comment === null ? '(' : '';
  }

  /** A brace that is no count is itself in Python. */
  #brace(): string {
    const count = /^(\d*)(,?)(\d*)\}/.exec(this.#pattern.slice(this.#at));
    if (count === null || (count[1] === '' && count[3] === '')) return '\\{';
    this.#at += count[0].length;
    return `{${count[1] === '' ? '0' : count[1]}${count[2]}${count[3]}}`;
  }

  #escape(): string {
    const character = this.#take();
    if (character === 'A') return '(?<![^])';
    if (character === 'Z') return '(?![^])';
    if (character === 'b') return `(?:(?<=[${word}])(?![${word}])|(?<![${word}])(?=[${word}]))`;
    if (character === 'B') return `(?:(?<=[${word}])(?=[${word}])|(?<![${word}])(?![${word}]))`;
    if (/[1-9]/.test(character)) return `\\${character}`;
    const known = classes[character.toLowerCase()];
    if (known !== undefined) return character === character.toLowerCase() ? `[${known}]` : `[^${known}]`;
    return this.#character(character, literal);
  }

  /** An escaped character that means one character, within a class or without. */
  #character(character: string, literal: (character: string) => string): string {
    if (Object.hasOwn(controls, character)) return controls[character] as string;
    if (character === 'x' || character === 'u') {
      const digits = this.#pattern.slice(this.#at, this.#at + (character === 'x' ? 2 : 4));
      this.#at += digits.length;
      return `\\u{${digits}}`;
    }
    if (/[A-Za-z]/.test(character)) throw new SyntaxError(`bad escape \\${character}`);
    return literal(character);
  }

  #class(): string {
    let source = '[';
    if (this.#peek() === '^') source += this.#take();
    let first = true;
    for (;;) {
      const character = this.#take();
      if (character === ']' && !first) return `${source}]`;
      first = false;
      source += character === '\\' ? this.#classEscape() : character === '-' ? this.#dash() : classLiteral(character);
    }
  }

  #classEscape(): string {
    const character = this.#take();
    if (character === 'b') return '\\x08';
    const known = classes[character];
    if (known !== undefined) return known;
    if (character === 'D') return '\\P{Nd}';
    if (character === 'S') return '\\S';
    if (character === 'W') throw new SyntaxError('\\W within a class is not supported');
    return this.#character(character, classLiteral);
  }

  /** A dash first or last in its class, or after a set such as \w, is a dash. */
  #dash(): string {
    const before = this.#pattern.slice(0, this.#at - 1);
    const isEdge = /(?:\[\^?|\\[sSdDwW])$/.test(before) || this.#peek() === ']';
    return isEdge ? '\\-' : '-';
  }

  #peek(): string | undefined {
    return this.#pattern[this.#at];
  }

  /** The next code point. */
  #take(): string {
    const code = this.#pattern.codePointAt(this.#at);
    if (code === undefined) throw new SyntaxError('it ends too early');
    const character = String.fromCodePoint(code);
    this.#at += character.length;
    return character;
  }
}

function literal(character: string): string {
  return /[\\^$.*+?()[\]{}|/]/.test(character) ? `\\${character}` : character;
}

function classLiteral(character: string): string {
  return character === '-' ? '\\-' : literal(character);
}
