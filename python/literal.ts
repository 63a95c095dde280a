// `ast.literal_eval` for what data holds: strings, numbers, None, True, False, lists, tuples and dicts.
import { resolveEscapes } from './escapes.ts';
import { float, PythonError, Sequence, type Value } from './value.ts';

const deepest = 32;
/** The value that `text` spells, or undefined where Python would raise. */
export function literalValue(text: string): Value | undefined {
  const reader = new LiteralReader(text);
  try {
    return reader.whole();
  } catch (error) {
    if (error instanceof NotALiteral || error instanceof PythonError) return undefined;
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
    if (next === '(') return this.#brackets(depth);
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

  /** A tuple, or a value in brackets. */
  #brackets(depth: number): Value {
    const items = this.#items(')', depth);
    const isOne = items.length === 1 && !/,\s*\)$/.test(this.#text.slice(0, this.#at));
    return isOne ? (items[0] as Value) : Sequence.make('tuple', items);
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
    const written = /^(?:'((?:[^'\\\n]|\\[\s\S])*)'|"((?:[^"\\\n]|\\[\s\S])*)")/.exec(this.#text.slice(this.#at));
    if (written === null) throw new NotALiteral();
    this.#at += written[0].length;
    const value = resolveEscapes(written[1] ?? (written[2] as string));
    this.#blank(); // neighbouring strings are one
    const following = this.#text[this.#at];
    return following === "'" || following === '"' ? value + this.#string() : value;
  }

  #word(): Value {
    const [word] =
      /^(?:None|True|False|[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)/.exec(this.#text.slice(this.#at)) ?? [];
    if (word === undefined) throw new NotALiteral();
    this.#at += word.length;
    if (word === 'None') return null;
    if (word === 'True' || word === 'False') return word === 'True';
    return /[.eE]/.test(word) ? float(Number(word)) : Number(word);
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
