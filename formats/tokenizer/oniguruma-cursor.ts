// A place in a regular expression that is being read.

/** What a pattern holds that cannot be said in JavaScript; the message is a noun. */
export class Unreadable extends Error {}

/** Reads a pattern from its beginning. */
export interface Cursor {
  readonly done: boolean;
  readonly place: number;
  /** The next character, which is passed. */
  next(): string;
  sees(text: string): boolean;
  /** True when `text` comes next, which is passed then. */
  take(text: string): boolean;
  /** What `pattern`, which begins with ^, finds next and passes. */
  match(pattern: RegExp): string | undefined;
  /** Up to `length` characters ahead. */
  rest(length: number): string;
  /** What was passed since `place`. */
  since(place: number): string;
}

export function cursorOver(pattern: string): Cursor {
  let place = 0;
  const pass = (text: string) => {
    place += text.length;
    return text;
  };
  return {
    get done() {
      return place >= pattern.length;
    },
    get place() {
      return place;
    },
    next() {
      const point = pattern.codePointAt(place);
      if (point === undefined) throw new Unreadable('an end where more is expected');
      return pass(String.fromCodePoint(point));
    },
    sees: (text) => pattern.startsWith(text, place),
    take: (text) => pattern.startsWith(text, place) && pass(text) === text,
    match(sought) {
      const found = sought.exec(pattern.slice(place, place + longest));
      return found === null ? undefined : pass(found[0]);
    },
    rest: (length) => pattern.slice(place, place + length),
    since: (from) => pattern.slice(from, place),
  };
}

/** No token of a pattern but a comment is longer. */
const longest = 1000;
