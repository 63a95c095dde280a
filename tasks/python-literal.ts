// `ast.literal_eval` for what data holds: strings, numbers, None, True, False, lists, tuples and dicts.
import type { Value } from './python-value.ts';

const deepest = 32;
const simpleEscapes: Record<string, string> = {
  n: '\n',
  t: '\t',
  r: '\r',
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
  '\n': '',
};

/** The value that `text` spells, or undefined where Python would raise. */
export function literalValue(text: string): Value | undefined {
  const reader = new LiteralReader(text);
  try {
    return reader.whole();
  } catch (error) {
    if (error instanceof NotALiteral) return undefined;
    throw error;
  }
}

class NotALiteral extends Error {}

class LiteralReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): Value {
    const value = this.#value(0);
    this.#blank();
    if (this.#at < this.#text.length) throw new NotALiteral();
    return value;
  }

  #value(depth: number): Value {
    if (depth > deepest) throw new NotALiteral();
    this.#blank();
    const next = this.#text[this.#at];
    if (next === '[') return this.#items(']', depth);
    if (next === '(') return this.#items(')', depth);
    if (next === '{') return this.#dict(depth);
    if (next === "'" || next === '"') return this.#string();
    return this.#word();
  }

  #items(close: string, depth: number): Value[] {
    const items: Value[] = [];
    this.#at++;
    while (!this.#take(close)) {
      items.push(this.#value(depth + 1));
      if (this.#take(',')) continue;
      if (this.#take(close)) return items;
      throw new NotALiteral();
    }
    return items;
  }

  #dict(depth: number): Value {
    const entries: [string, Value][] = [];
    this.#at++;
    while (!this.#take('}')) {
      const key = this.#value(depth + 1);
      if (typeof key !== 'string' || !this.#take(':')) throw new NotALiteral();
      entries.push([key, this.#value(depth + 1)]);
      if (this.#take(',')) continue;
      if (this.#take('}')) break;
      throw new NotALiteral();
    }
    return Object.fromEntries(entries);
  }

  #string(): string {
    const quote = this.#text[this.#at++];
    let value = '';
    for (;;) {
      const next = this.#text[this.#at++];
      if (next === undefined || next === '\n') throw new NotALiteral();
      if (next === quote) break;
      value += next === '\\' ? this.#escape() : next;
    }
    this.#blank(); // neighbouring strings are one
    const following = this.#text[this.#at];
    return following === "'" || following === '"' ? value + this.#string() : value;
  }

  #escape(): string {
    const next = this.#text[this.#at++];
    if (next === undefined) throw new NotALiteral();
    const digits = { x: 2, u: 4, U: 8 }[next];
    if (digits === undefined) return simpleEscapes[next] ?? `\\${next}`;
    const hex = this.#text.slice(this.#at, this.#at + digits);
    if (!/^[0-9a-fA-F]+$/.test(hex) || hex.length < digits || Number.parseInt(hex, 16) > 0x10ffff) {
      throw new NotALiteral();
    }
    this.#at += digits;
    return String.fromCodePoint(Number.parseInt(hex, 16));
  }

  #word(): Value {
    const [word] =
      /^(?:None|True|False|[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)/.exec(this.#text.slice(this.#at)) ?? [];
    if (word === undefined) throw new NotALiteral();
    this.#at += word.length;
    if (word === 'None') return null;
    return word === 'True' || word === 'False' ? word === 'True' : Number(word);
  }

  #take(character: string): boolean {
    this.#blank();
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #blank(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++;
  }
}
