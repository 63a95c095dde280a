// Reads a pattern of Python's `re` from left to right, by code points, and the characters that its escapes stand for.

const controls: Record<string, number> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13 };

/** A place in a pattern. */
export class PatternReader {
  readonly #pattern: string;
  #at = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  /** What is not yet read. */
  get rest(): string {
    return this.#pattern.slice(this.#at);
  }

  /** The next UTF-16 unit; '' at the end. */
  peek(): string {
    return this.#pattern[this.#at] ?? '';
  }

  /** The next code point. */
  take(): string {
    const code = this.#pattern.codePointAt(this.#at);
    if (code === undefined) throw new SyntaxError('it ends too early');
    const character = String.fromCodePoint(code);
    this.#at += character.length;
    return character;
  }

  /** Reads on behind `text` where it is next. */
  skip(text: string): boolean {
    if (!this.#pattern.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  /** Reads what `pattern`, which begins with `^`, finds here. */
  match(pattern: RegExp): RegExpExecArray | undefined {
    const found = pattern.exec(this.rest) ?? undefined;
    this.#at += found?.[0].length ?? 0;
    return found;
  }

  /** The text before `end`, which is read too. */
  until(end: string): string {
    const to = this.#pattern.indexOf(end, this.#at);
    if (to < 0) throw new SyntaxError(`a group has no '${end}'`);
    const text = this.#pattern.slice(this.#at, to);
    this.#at = to + 1;
    return text;
  }

  /** The character that an escape stands for; its backslash has been read. */
  escaped(): string {
    const octal = this.match(/^(?:0[0-7]{0,2}|[0-3][0-7]{2})/);
    if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal[0], 8));
    const character = this.take();
    const width = { x: 2, u: 4, U: 8 }[character];
    if (width !== undefined) return this.#coded(character, width);
    const control = controls[character];
    if (control !== undefined) return String.fromCodePoint(control);
    if (/[A-Za-z0-9]/.test(character)) throw new SyntaxError(`bad escape \\${character}`);
    return character;
  }

  #coded(kind: string, width: number): string {
    const digits = this.match(new RegExp(`^[0-9a-fA-F]{${width}}`));
    const code = digits === undefined ? Number.NaN : Number.parseInt(digits[0], 16);
    if (!(code <= 0x10ffff)) throw new SyntaxError(`incomplete escape \\${kind}`);
    return String.fromCodePoint(code);
  }
}
