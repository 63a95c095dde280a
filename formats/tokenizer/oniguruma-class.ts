// Character classes of Oniguruma's patterns: nested, negated, intersected with &&.
import { CodePoints } from './code-points.ts';
import { type Cursor, Unreadable } from './oniguruma-cursor.ts';
import { characterEscape, folded, setEscape } from './oniguruma-escapes.ts';
import { category, whiteSpace, word } from './unicode.ts';

const posix: Record<string, () => CodePoints> = {
  digit: () => category('Nd') as CodePoints,
  space: () => whiteSpace,
  word,
  cntrl: () => category('Cc') as CodePoints,
  xdigit: () => CodePoints.parse('30-39 41-46 61-66'),
};

/** Reads a class, behind its '['. */
export class ClassReader {
  readonly #at: Cursor;
  readonly #ignoreCase: boolean;
  readonly #depth: number;

  constructor(at: Cursor, ignoreCase: boolean, depth = 0) {
    if (depth > 20) throw new Unreadable('a class of more than 20 levels');
    this.#at = at;
    this.#ignoreCase = ignoreCase;
    this.#depth = depth;
  }

  read(): CodePoints {
    const negated = this.#at.take('^');
    const parts: CodePoints[] = [];
    do parts.push(this.#union(parts.length === 0));
    while (this.#at.take('&&'));
    if (!this.#at.take(']')) throw new Unreadable("a '[' without its ']'");
    const points = parts.reduce((all, part) => all.and(part));
    const wide = this.#ignoreCase ? folded(points) : points;
    return negated ? wide.not() : wide;
  }

  /** What stands side by side, up to ']' or '&&'. */
  #union(isFirst: boolean): CodePoints {
    const at = this.#at;
    const sets: CodePoints[] = [];
    if (isFirst && at.take(']')) sets.push(CodePoints.of(']'));
    while (!at.done && !at.sees(']') && !at.sees('&&')) sets.push(this.#item());
    if (sets.length === 0) throw new Unreadable('a class of nothing');
    return CodePoints.any(sets);
  }

  #item(): CodePoints {
    const at = this.#at;
    const named = at.match(/^\[:\^?[a-z]+:\]/);
    if (named !== undefined) return posixClass(named);
    if (at.take('[')) return new ClassReader(at, false, this.#depth + 1).read();
    const set = at.sees('\\') ? this.#set() : undefined;
    if (set !== undefined) {
      if (at.match(/^-(?=[^\]])/) !== undefined) throw new Unreadable('a range that begins with a set');
      return set;
    }
    const first = this.#point();
    if (at.match(/^-(?=[^\]])/) === undefined) return CodePoints.range(first);
    if (at.sees('[')) throw new Unreadable('a range that ends with a class');
    const last = this.#point();
    if (last < first) throw new Unreadable('a range that runs backwards');
    return CodePoints.range(first, last);
  }

  #set(): CodePoints | undefined {
    const at = this.#at;
    if (at.match(/^\\(?=[dDsSwWhHpP])/) === undefined) return undefined;
    const set = setEscape(at);
    if (set === undefined) throw new Unreadable(`'\\${at.rest(1)}'`);
    return set.points;
  }

  #point(): number {
    const character = this.#at.take('\\') ? characterEscape(this.#at) : this.#at.next();
    return character.codePointAt(0) as number;
  }
}

function posixClass(text: string): CodePoints {
  const [, not, name] = /^\[:(\^?)([a-z]+):\]$/.exec(text) as unknown as [string, string, string];
  const points = posix[name]?.();
  if (points === undefined) throw new Unreadable(`the class '${text}'`);
  return not === '^' ? points.not() : points;
}
