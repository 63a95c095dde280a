// Where and why a text is not JSON, in our own words: those of JSON.parse differ between releases of Node and mostly name no place.

/** The first thing in a text that JSON does not allow. */
export interface JsonFault {
  /** Where it begins, in UTF-16 units; the text's length where it ends too early. */
  at: number;
  /** What is wrong there: `JSON has no comments`. Empty where the text ends too early. */
  reason: string;
}

/** Where a text begins in its file, for places in messages. */
export interface TextPlace {
  line: number;
  column: number;
}

/**
 * What a text that JSON.parse refuses is instead, to go on after `expected JSON, got `. `start` is where the text begins, when it is a
 * part of a file.
 */
export function jsonFault(text: string, start: TextPlace = { line: 1, column: 1 }): string {
  if (text.trim() === '') return 'nothing';
  if (/^\s*<[!?a-z]/i.test(text)) return "a page of HTML or XML (it begins with '<')";
  const { at, reason } = findJsonFault(text) ?? { at: 0, reason: 'JSON does not allow it' };
  if (reason === '') return 'text that ends too early';
  return `text that is not JSON from ${placeOf(text, at, start)} on (${reason})`;
}

/** The first fault of `text`; undefined for a text that is JSON, exactly when JSON.parse takes it. */
export function findJsonFault(text: string): JsonFault | undefined {
  try {
    new Scanner(text).document();
    return undefined;
  } catch (error) {
    if (error instanceof Found) return error.fault;
    throw error;
  }
}

function placeOf(text: string, at: number, start: TextPlace): string {
  const before = text.slice(0, at).split('\n');
  const column = (before.at(-1) ?? '').length + (before.length === 1 ? start.column : 1);
  const line = start.line + before.length - 1;
  return text.includes('\n') || start.line > 1 ? `line ${line}, column ${column}` : `column ${column}`;
}

/** Thrown at the first fault, within this file alone. */
class Found extends Error {
  readonly fault: JsonFault;

  constructor(at: number, reason: string) {
    super(reason);
    this.fault = { at, reason };
  }
}

const words = ['true', 'false', 'null'];
/** What other languages write, and what JSON has for it. */
const foreign: Readonly<Record<string, string>> = {
  True: 'true',
  TRUE: 'true',
  False: 'false',
  FALSE: 'false',
  None: 'null',
  NULL: 'null',
  nil: 'null',
  undefined: 'null',
};
const escapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\b': '\\b', '\f': '\\f' };
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const numberLike = /[+-]?[\w.]+(?:(?<=[eE])[+-]\w*)?/y;
const halfNumber = /^-?(?:(?:0|[1-9]\d*)(?:\.|(?:\.\d+)?[eE][+-]?))?$/;
const word = /[\p{L}\p{N}_$]+/uy;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
const plainText = /[^"\\\u0000-\u001f]*/y;
const character = /./suy;
const invisible = /[\p{Z}\p{Cc}\p{Cf}\ufffe\uffff]/u;

/** Reads a text once, without recursion: whatever nests too deeply is others' to judge. */
class Scanner {
  readonly #text: string;
  #at = 0;
  /** The brackets that are open. */
  readonly #open: ('{' | '[')[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  document(): void {
    this.#value();
    while (this.#open.length > 0) this.#afterValue();
    this.#space();
    if (this.#at < this.#text.length) this.#fail(this.#odd() ?? 'there is more text after the value');
  }

  /** A value, or the beginning of one that holds others: up to its first value within. */
  #value(): void {
    for (;;) {
      this.#space();
      const first = this.#text[this.#at];
      if (first !== '{' && first !== '[') {
        this.#scalar(first);
        return;
      }
      this.#at++;
      if (this.#closes(first)) return;
      this.#open.push(first);
      if (first === '{') this.#key();
    }
  }

  /** What may follow a value within an array or an object. */
  #afterValue(): void {
    const open = this.#open.at(-1) as '{' | '[';
    if (this.#closes(open)) {
      this.#open.pop();
      return;
    }
    const next = this.#peek();
    if (next !== ',')
      this.#fail(this.#odd() ?? missing(next, open, `a comma is missing before it, or '${closing(open)}'`));
    const comma = this.#at++;
    const after = this.#peek();
    if (after === '}' || after === ']') this.#fail(`this comma is one too many before '${after}'`, comma);
    if (open === '{') this.#key();
    this.#value();
  }

  #key(): void {
    const next = this.#peek();
    if (next !== '"') this.#fail(this.#odd() ?? missing(next, '{', 'a key in double quotes is expected'));
    this.#string();
    const colon = this.#peek();
    if (colon !== ':') this.#fail(this.#odd() ?? "':' is missing between the key and its value");
    this.#at++;
  }

  #scalar(first: string | undefined): void {
    if (first === undefined) this.#end();
    else if (first === '"') this.#string();
    else if (first === '-' || isDigit(first)) this.#number();
    else this.#word();
  }

  #word(): void {
    const text = this.#match(word);
    const isLast = text !== '' && this.#at + text.length === this.#text.length;
    if (words.includes(text)) this.#at += text.length;
    else if (isLast && words.some((each) => each.startsWith(text))) this.#end();
    else this.#fail(this.#odd() ?? oddValue(text, this.#match(numberLike), this.#match(character)));
  }

  #number(): void {
    const whole = this.#match(numberLike) || '-';
    const end = this.#at + whole.length;
    if (this.#match(number) !== whole) {
      if (end === this.#text.length && halfNumber.test(whole)) this.#end();
      this.#fail(/^-[A-Z]/i.test(whole) ? noValue(whole) : noNumber(whole));
    }
    this.#at = end;
  }

  #string(): void {
    this.#at++;
    for (;;) {
      this.#at += this.#match(plainText).length;
      const next = this.#text[this.#at];
      if (next === undefined) this.#end();
      if (next === '"') {
        this.#at++;
        return;
      }
      if (next !== '\\') this.#fail(controlReason(next));
      this.#escape();
    }
  }

  #escape(): void {
    const next = this.#text[this.#at + 1];
    if (next === undefined) this.#end();
    const digits =
      next === 'u' ? /^[0-9a-fA-F]{0,4}/.exec(this.#text.slice(this.#at + 2, this.#at + 6))?.[0] : undefined;
    if (digits === undefined && !'"\\/bfnrt'.includes(next)) this.#fail(`'\\${shown(next)}' is no escape of JSON`);
    if (digits !== undefined && digits.length < 4) {
      if (this.#at + 2 + digits.length === this.#text.length) this.#end();
      this.#fail(`'\\u' is followed by fewer than four hexadecimal digits`);
    }
    this.#at += 2 + (digits?.length ?? 0);
  }

  /** Goes behind the bracket that closes `open`, if it is next. */
  #closes(open: '{' | '['): boolean {
    if (this.#peek() !== closing(open)) return false;
    this.#at++;
    return true;
  }

  /** The next character that is no space; the text must not end before it. */
  #peek(): string {
    this.#space();
    return this.#text[this.#at] ?? this.#end();
  }

  #space(): void {
    while (' \n\r\t'.includes(this.#text[this.#at] ?? '-')) this.#at++;
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#text)?.[0] ?? '';
  }

  /** What is never JSON, wherever it stands between values. */
  #odd(): string | undefined {
    const first = this.#match(character);
    if (/^(?:#|\/[/*])/.test(this.#text.slice(this.#at, this.#at + 2))) return 'JSON has no comments';
    if (first === "'" || first === '`') return `JSON has texts in double quotes only, not in ${first}`;
    if ('\u201c\u201d\u2018\u2019\u00ab\u00bb'.includes(first))
      return `${shown(first)} is a typographic quote, JSON has '"' only`;
    if (invisible.test(first)) return `an invisible character ${codeOf(first)}`;
    return undefined;
  }

  #fail(reason: string, at = this.#at): never {
    throw new Found(at, reason);
  }

  #end(): never {
    throw new Found(this.#text.length, '');
  }
}

function closing(open: '{' | '['): '}' | ']' {
  return open === '{' ? '}' : ']';
}

function missing(next: string, open: '{' | '[', otherwise: string): string {
  return next === '}' || next === ']' ? `'${next}' where '${closing(open)}' would close what is open` : otherwise;
}

function oddValue(text: string, numeric: string, first: string): string {
  const json = Object.hasOwn(foreign, text) ? foreign[text] : undefined;
  if (json !== undefined) return `'${text}' is '${json}' in JSON`;
  if (/^[+.]/.test(numeric)) return noNumber(numeric);
  if (text !== '') return noValue(text);
  return `a value is expected here, not '${shown(first)}'`;
}

function noNumber(text: string): string {
  return `'${shorten(text)}' is no number of JSON`;
}

function noValue(text: string): string {
  return `JSON has no value '${shorten(text)}'`;
}

function controlReason(character: string): string {
  const name = Object.hasOwn(escapes, character) ? escapes[character] : undefined;
  const what = character === '\n' || character === '\r' ? 'a line break' : `the control character ${codeOf(character)}`;
  return `${what} within a text, where JSON writes ${name ?? codeOf(character).replace('U+', '\\u').toLowerCase()}`;
}

function isDigit(character: string): boolean {
  return character >= '0' && character <= '9';
}

function shorten(text: string): string {
  return text.length > 30 ? `${text.slice(0, 30)}...` : text;
}

/** A character as a message shows it. */
function shown(character: string): string {
  return invisible.test(character) && character !== ' ' ? codeOf(character) : character;
}

function codeOf(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}
