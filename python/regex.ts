// Python's regular expressions: `findall`, `sub` and `split` with Python's meaning, by JavaScript's engine.
//
// What differs is translated or refused (python-pattern.ts). Sizes are bounded, but a pattern that backtracks without end does so
// here as in Python.
import { UserError } from '../util/errors.ts';
import { translatePattern } from './pattern.ts';

const longestPattern = 4096;

/** A compiled pattern. */
export interface PythonRegex {
  /** `findall`: whole matches, the one group's, or tuples of all groups'; a group that took no part is ''. */
  findall(text: string): (string | string[])[];
  /** `sub` with nothing. */
  remove(text: string): string;
  /** `split` of a pattern without groups. */
  split(text: string): string[];
}

/** Compiles `pattern`; `where` names it in messages. */
export function compileRegex(pattern: string, where: string): PythonRegex {
  if (pattern.length > longestPattern) {
    throw new UserError(`${where}: expected a regular expression of at most ${longestPattern} characters`);
  }
  try {
    return new Compiled(pattern);
  } catch (error) {
    const { message } = error as Error;
    const reason = message.startsWith('Invalid regular expression') ? 'no valid regular expression' : message;
    throw new UserError(`${where}: the regular expression '${pattern}' cannot be used: ${reason}`);
  }
}

interface Match {
  start: number;
  end: number;
  groups: string[];
}

class Compiled implements PythonRegex {
  readonly #search: RegExp;
  /** Matches at its place, and not the empty text. */
  readonly #advance: RegExp;

  constructor(pattern: string) {
    const { source, ignoreCase } = translatePattern(pattern);
    const flags = ignoreCase ? 'isu' : 'su';
    this.#search = new RegExp(source, `g${flags}`);
    this.#advance = new RegExp(`(?=(?<rest>.*))(?:${source})(?!\\k<rest>(?!.))`, `y${flags}`);
    this.#search.exec(''); // one that is too large says so at its first use
    this.#advance.exec('');
  }

  findall(text: string): (string | string[])[] {
    return [...this.#matches(text)].map(({ start, end, groups }) => {
      if (groups.length === 0) return text.slice(start, end);
      return groups.length === 1 ? (groups[0] as string) : groups;
    });
  }

  remove(text: string): string {
    return this.split(text).join('');
  }

  split(text: string): string[] {
    const parts: string[] = [];
    let from = 0;
    for (const { start, end } of this.#matches(text)) {
      parts.push(text.slice(from, start));
      from = end;
    }
    return [...parts, text.slice(from)];
  }

  /** Python's order: where a match was empty, the next one may begin at the same place if it is not. */
  *#matches(text: string): Generator<Match> {
    let at = 0;
    let wasEmpty = false;
    for (;;) {
      const found: Match | null =
        (wasEmpty ? this.#nonEmpty(text, at) : null) ?? this.#next(text, wasEmpty ? at + step(text, at) : at);
      if (found === null) return;
      yield found;
      at = found.end;
      wasEmpty = found.start === found.end;
    }
  }

  #nonEmpty(text: string, at: number): Match | null {
    this.#advance.lastIndex = at;
    const found = this.#advance.exec(text);
    return found && matchOf(found, found.slice(2));
  }

  /** V8 also looks for matches of no width between the halves of a surrogate pair, where no character ends. */
  #next(text: string, from: number): Match | null {
    for (let at = from; at <= text.length; ) {
      this.#search.lastIndex = at;
      const found = this.#search.exec(text);
      if (found === null) return null;
      if (!splitsPair(text, found.index)) return matchOf(found, found.slice(1));
      at = found.index + 1;
    }
    return null;
  }
}

function splitsPair(text: string, at: number): boolean {
  return at > 0 && (text.codePointAt(at - 1) as number) > 0xffff;
}

/** The length of the code point at `at`. */
function step(text: string, at: number): number {
  return (text.codePointAt(at) as number) > 0xffff ? 2 : 1;
}

function matchOf({ 0: whole, index }: RegExpExecArray, groups: (string | undefined)[]): Match {
  return { start: index, end: index + whole.length, groups: groups.map((group) => group ?? '') };
}
