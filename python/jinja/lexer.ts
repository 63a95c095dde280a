// The words of a template, cut as Python's Jinja cuts them, for the parser of @huggingface/jinja, whose own lexer has
// JavaScript's names, escapes and white space.
import { resolveEscapes } from '../escapes.ts';
import { rstrip, spaceClass } from '../text.ts';

export interface Token {
  type: string;
  value: string;
}

const opening = /\{([%{#])[-+]?/g;
const blank = `[${spaceClass}]`;
const comment = new RegExp(`[^]*?(?:-#\\}${blank}*|\\+#\\}|#\\})`, 'y');
const ends: Record<string, RegExp> = {
  '%': new RegExp(`\\+%\\}|-%\\}${blank}*|%\\}`, 'y'),
  '{': new RegExp(`-\\}\\}${blank}*|\\}\\}`, 'y'),
};
const kinds: Record<string, [string, string]> = {
  '%': ['OpenStatement', 'CloseStatement'],
  '{': ['OpenExpression', 'CloseExpression'],
};

const operators: Record<string, string> = {
  ...{ '(': 'OpenParen', ')': 'CloseParen', '[': 'OpenSquareBracket', ']': 'CloseSquareBracket' },
  ...{ '{': 'OpenCurlyBracket', '}': 'CloseCurlyBracket', ',': 'Comma', '.': 'Dot', ':': 'Colon', '|': 'Pipe' },
  ...{ '+': 'AdditiveBinaryOperator', '-': 'AdditiveBinaryOperator', '~': 'AdditiveBinaryOperator', '=': 'Equals' },
  ...Object.fromEntries(['*', '/', '//', '%'].map((sign) => [sign, 'MultiplicativeBinaryOperator'])),
  ...Object.fromEntries(['<', '<=', '>', '>=', '==', '!='].map((sign) => [sign, 'ComparisonBinaryOperator'])),
  '**': 'ExponentiationBinaryOperator',
};
const space = new RegExp(`${blank}+`, 'y');
const number =
  /(?:0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|\d(?:_?\d)*(?:\.\d(?:_?\d)*)?(?:[eE][-+]?\d(?:_?\d)*)?)(?![\p{L}\p{N}_])/uy;
const index = /\d+(?![\p{L}\p{N}_])/uy;
const name = /[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}]*/uy;
const string = /'((?:[^'\\]|\\[\s\S])*)'|"((?:[^"\\]|\\[\s\S])*)"/y;
const sign = /\*\*|\/\/|==|!=|<=|>=|[-+*/%~()[\]{},.:|<>=]/y;

/** The tokens of a template; what Jinja would not read is a SyntaxError. */
export function templateTokens(template: string): Token[] {
  return new Lexer(template.replace(/\r\n?/g, '\n')).all();
}

class Lexer {
  readonly #text: string;
  readonly #tokens: Token[] = [];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  all(): Token[] {
    while (this.#at < this.#text.length) {
      opening.lastIndex = this.#at;
      const open = opening.exec(this.#text);
      const plain = this.#text.slice(this.#at, open?.index);
      const shown = open?.[0].endsWith('-') ? rstrip(plain) : plain;
      if (shown !== '') this.#add('Text', shown);
      if (open === null) break;
      this.#at = open.index + open[0].length;
      this.#inside(open[1] as string);
    }
    return this.#tokens;
  }

  #inside(mark: string): void {
    if (mark === '#') {
      if (this.#take(comment) === undefined) throw new SyntaxError('a comment has no end');
      return;
    }
    const [opened, closed] = kinds[mark] as [string, string];
    this.#add(opened, mark);
    for (let open = 0; ; ) {
      this.#take(space);
      if (open === 0 && this.#take(ends[mark] as RegExp) !== undefined) break;
      if (this.#at >= this.#text.length) throw new SyntaxError('it ends too early');
      this.#word();
      const last = this.#tokens.at(-1)?.type ?? '';
      if (/^Open/.test(last)) open++;
      else if (/^Close/.test(last)) open--;
    }
    this.#add(closed, mark);
  }

  #word(): void {
    const before = this.#tokens.at(-1);
    const digits = this.#take(before?.type === 'Dot' ? index : number);
    const word = digits ? undefined : this.#take(name);
    const quoted = digits || word ? undefined : this.#take(string);
    if (digits) this.#operand('NumericLiteral', numeral(digits[0]));
    else if (word) this.#operand('Identifier', word[0].normalize('NFKC'));
    else if (quoted) this.#operand('StringLiteral', resolveEscapes(quoted[1] ?? (quoted[2] as string)));
    else this.#sign();
  }

  #sign(): void {
    const found = this.#take(sign);
    if (found === undefined) {
      throw new SyntaxError(`unexpected '${String.fromCodePoint(this.#text.codePointAt(this.#at) as number)}'`);
    }
    this.#add(operators[found[0]] as string, found[0]);
  }

  /** Refuses what stands next to another value with nothing between them, which the parser would take for a list. */
  #operand(type: string, value: string): void {
    const before = this.#tokens.at(-1);
    const isFirst =
      before === undefined || (before.type === 'Identifier' ? keywords.has(before.value) : !isValue(before.type));
    const isJoined = type === 'StringLiteral' && before?.type === 'StringLiteral';
    const isTag = this.#tokens.at(-2)?.type === 'OpenStatement';
    if (isFirst || isJoined || isTag || (type === 'Identifier' && keywords.has(value))) this.#add(type, value);
    else throw new SyntaxError(`expected an operator or a comma before '${value}'`);
  }

  #take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found === null) return undefined;
    this.#at = pattern.lastIndex;
    return found;
  }

  #add(type: string, value: string): void {
    this.#tokens.push({ type, value });
  }
}

const keywords = new Set(['and', 'or', 'not', 'in', 'is', 'if', 'else']);

function isValue(type: string): boolean {
  return /Literal$|^Close(?:Paren|SquareBracket|CurlyBracket)$/.test(type);
}

/** The parser tells floats by their point. */
function numeral(written: string): string {
  const digits = written.replaceAll('_', '');
  if (/^0[xob]/i.test(digits)) return String(Number(digits));
  if (/^0\d*[1-9]/.test(digits) && /^\d+$/.test(digits)) throw new SyntaxError(`the number '${written}' begins with 0`);
  return /[eE]/.test(digits) && !digits.includes('.') ? digits.replace(/[eE]/, '.0e') : digits;
}
