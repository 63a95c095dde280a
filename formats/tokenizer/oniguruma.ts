// Regular expressions of tokenizer.json, which are Oniguruma's, as JavaScript's; what cannot be said there is refused.
import { ClassReader } from './oniguruma-class.ts';
import { type Cursor, cursorOver, Unreadable } from './oniguruma-cursor.ts';
import { atomEscape, literal } from './oniguruma-escapes.ts';

/** The same pattern for a RegExp with flag `u`; throws `Unreadable` with what it is that cannot be read. */
export function toJavaScript(pattern: string): string {
  const reader = new PatternReader(cursorOver(pattern));
  return reader.whole();
}

/** A translated part; `endless` when it may repeat without bound. */
interface Part {
  readonly source: string;
  readonly endless: boolean;
}

const textStart = '(?<![^])';
const textEnd = '(?![^])';
const anchors: ReadonlyMap<string, string> = new Map([
  ['.', '[^\\n]'],
  ['^', `(?:${textStart}|(?<=\\n)(?=[^]))`], // of any line
  ['$', `(?:${textEnd}|(?=\\n))`],
]);

class PatternReader {
  readonly #at: Cursor;
  #ignoreCase = false;
  #lookingBehind = false;
  #atomics = 0;

  constructor(at: Cursor) {
    this.#at = at;
  }

  whole(): string {
    const { source } = this.#alternatives();
    if (!this.#at.done) throw new Unreadable("a ')' that closes nothing");
    return source;
  }

  #alternatives(): Part {
    const parts = [this.#sequence()];
    while (this.#at.take('|')) parts.push(this.#sequence());
    return joined(parts, '|');
  }

  #sequence(): Part {
    const parts: Part[] = [];
    let last = '';
    while (!this.#at.done && !this.#at.sees('|') && !this.#at.sees(')')) {
      const from = this.#at.place;
      parts.push(this.#quantified());
      if (this.#ignoreCase) last = refuseFolds(last, this.#at.since(from));
    }
    return joined(parts, '');
  }

  #quantified(): Part {
    const part = this.#atom();
    const bounds = this.#at.match(/^(?:[*+?]|\{(?:\d+,?\d*|,\d+)\})/);
    if (bounds === undefined) return part;
    const exact = /^\{\d+\}$/.test(bounds);
    const endless = /^(?:[*+]|\{\d+,\})$/.test(bounds);
    if (endless && part.endless) throw new Unreadable(`'${bounds}' after what repeats without end itself`);
    const source = `${part.source}${bounds.replace('{,', '{0,')}`;
    const repeated = { source, endless: endless || part.endless };
    if (this.#at.take('?')) return { ...repeated, source: exact ? `(?:${source})?` : `${source}?` };
    if (!this.#at.take('+')) return this.#once(repeated);
    // behind {n,m} it is one more repetition, behind the others it says that nothing is given back
    const again = { source: `(?:${source})+`, endless: true };
    return this.#once(bounds.startsWith('{') ? again : this.#atomic(repeated));
  }

  /** `part`, unless another quantifier follows. */
  #once(part: Part): Part {
    const more = this.#at.match(/^[*+?]/);
    if (more === undefined) return part;
    throw new Unreadable(`'${more}' after a quantifier`);
  }

  #atom(): Part {
    const at = this.#at;
    if (at.take('(')) return this.#group();
    if (at.take('[')) return simple(new ClassReader(at, this.#ignoreCase).read().toPattern());
    if (at.take('\\')) return simple(atomEscape(at, this.#ignoreCase));
    const character = at.next();
    if ('*+?'.includes(character)) throw new Unreadable(`'${character}' that repeats nothing`);
    return simple(anchors.get(character) ?? literal(character, this.#ignoreCase));
  }

  #group(): Part {
    const at = this.#at;
    if (at.match(/^\?#[^)]*/) !== undefined) return this.#closed(simple(''));
    if (at.take('?>')) return this.#atomic(this.#closed(this.#scoped()));
    const look = at.match(/^\?<?[=!]/);
    if (look !== undefined) return this.#lookaround(look);
    const options = at.match(/^\?[a-z]*(?:-[a-z]*)?[:)]/);
    if (options !== undefined) return this.#withOptions(options);
    if (at.sees('?') && at.match(/^\?<[A-Za-z_]\w*>/) === undefined) {
      throw new Unreadable(`a group that begins with '(${at.rest(3)}'`);
    }
    return grouped(this.#closed(this.#scoped()));
  }

  #lookaround(look: string): Part {
    const before = this.#lookingBehind;
    this.#lookingBehind ||= look.includes('<');
    const { source, endless } = this.#closed(this.#scoped());
    this.#lookingBehind = before;
    return { source: `(${look}${source})`, endless };
  }

  /** `(?i:...)`, or `(?i)`, which holds to the end of the group around it. */
  #withOptions(options: string): Part {
    const [, on = '', off = '', close] = /^\?([a-z]*)(?:-([a-z]*))?([:)])$/.exec(options) as RegExpExecArray;
    if (/[^i]/.test(on + off)) throw new Unreadable(`the option '${(on + off).replaceAll('i', '')}'`);
    const before = this.#ignoreCase;
    if (on !== '') this.#ignoreCase = true;
    if (off !== '') this.#ignoreCase = false;
    const inner = close === ':' ? this.#closed(this.#alternatives()) : this.#alternatives();
    this.#ignoreCase = before;
    return grouped(inner);
  }

  /** Alternatives in which `(?i)` ends with them. */
  #scoped(): Part {
    const before = this.#ignoreCase;
    const part = this.#alternatives();
    this.#ignoreCase = before;
    return part;
  }

  #closed(part: Part): Part {
    if (!this.#at.take(')')) throw new Unreadable("a '(' without its ')'");
    return part;
  }

  /** What is matched once and not given back, by a look-ahead and a reference to it. */
  #atomic({ source }: Part): Part {
    if (this.#lookingBehind) throw new Unreadable('an atomic group in a look-behind');
    const name = `atom${this.#atomics++}`;
    return { source: `(?:(?=(?<${name}>${source}))\\k<${name}>)`, endless: false };
  }
}

/** Letters that stand for a single one where case is ignored: (?i:ss) is also ß. Returns the letters that go on from here. */
function refuseFolds(before: string, part: string): string {
  const letters = part.replace(/\(\?#[^)]*|\\./g, '').replace(/[^a-z]/gi, '');
  const found = /f[fil]|s[st]/i.exec(before + letters);
  if (found !== null) throw new Unreadable(`'${found[0]}' where case is ignored`);
  return letters === '' && part.startsWith('(') ? before : letters;
}

function simple(source: string): Part {
  return { source, endless: false };
}

function grouped({ source, endless }: Part): Part {
  return { source: `(?:${source})`, endless };
}

function joined(parts: readonly Part[], by: string): Part {
  return { source: parts.map(({ source }) => source).join(by), endless: parts.some(({ endless }) => endless) };
}
