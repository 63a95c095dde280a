// YAML text to located values: the one place that knows the YAML library.
import type { Node, Pair, ParsedNode, Range } from 'yaml';
import { isAlias, isMap, isScalar, isSeq, parseDocument } from 'yaml';
import type { Problems } from './diagnostic.ts';
import type { Located, LocatedEntry, Scalar, Source, Span } from './located.ts';
import { showValue, sizeOf } from './located.ts';
import { type Slip, whatToType, withSpace } from './yaml-slips.ts';

const deepest = 64;
const mostAliasedValues = 100_000;
/** More brackets than this are open at once in no spec, not even within its texts. */
const hopelesslyDeep = 500;
const openBracket = '['.charCodeAt(0);
const openBrace = '{'.charCodeAt(0);

/** YAML 1.1's key for the entries of another mapping; 1.2 dropped it, and every reader kept it. */
const mergeKey = '<<';

/** What other kinds of YAML than specs allow. */
export interface YamlDialect {
  /** Tags of scalars that are kept, beside those that YAML itself knows: `!function`. */
  tags?: readonly string[];
  /** A key that is given twice has its last value, as Python's reader has it; otherwise it is a mistake. */
  lastKeyWins?: boolean;
  /** Texts may hold control characters; those of specs are shown in terminals, which obey them. */
  controls?: boolean;
}

/** The value of a whole YAML document; undefined when it cannot be read at all (already reported). */
export function parseYaml(source: Source, problems: Problems, dialect: YamlDialect = {}): Located | undefined {
  return parseRange(source, 0, source.text.length, problems, dialect);
}

/** The value that a part of a source holds, such as the value of a flag. */
export function parseRange(
  source: Source,
  start: number,
  end: number,
  problems: Problems,
  dialect: YamlDialect = {},
): Located | undefined {
  const text = source.text.slice(start, end);
  if (isHopelesslyDeep(text)) {
    problems.add({ source, start, end: start + 1 }, `nested more than ${deepest} levels deep`);
    return undefined;
  }
  const document = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    merge: false,
    uniqueKeys: false,
    prettyErrors: false,
    resolveKnownTags: false,
    customTags: (dialect.tags ?? []).map((tag) => ({ tag, resolve: (text: string) => text })),
  });
  const [mistake] = [...document.errors, ...document.warnings];
  if (mistake !== undefined) {
    const [from, to] = mistake.pos;
    const sentence = syntaxMessage({ code: mistake.code, message: mistake.message, text, at: from });
    problems.add({ source, start: start + from, end: start + to }, sentence);
    return undefined;
  }
  const reader = new Reader(source, start, problems, dialect);
  if (document.contents === null) return { kind: 'scalar', span: { source, start, end }, value: null };
  const value = reader.read(document.contents, 0);
  return reader.refused ? undefined : value;
}

/** True for a text that the YAML library would take minutes to refuse. */
function isHopelesslyDeep(text: string): boolean {
  let open = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === openBracket || code === openBrace) open++;
    else if (code === openBracket + 2 || code === openBrace + 2) open--;
    if (open > hopelesslyDeep) return true;
  }
  return /(?:[-?][ \t]+){200}/.test(text);
}

function syntaxMessage(slip: Slip): string {
  const { code, message } = slip;
  if (code === 'MULTIPLE_DOCS') return "expected one YAML document, got a second one after '---'";
  if (code === 'RESOURCE_EXHAUSTION') return `nested more than ${deepest} levels deep`;
  if (code === 'TAG_RESOLVE_FAILED')
    return `YAML tags are not supported: ${message.replace(/^Unresolved tag: (!?)/, (_, own) => own)}${message.includes(': !') ? " (a text that begins with '!' needs quotes)" : ''}`;
  const way = whatToType(slip);
  if (way !== undefined) return `not valid YAML: ${way}`;
  return `not valid YAML: ${message.charAt(0).toLowerCase()}${message.slice(1).replace(/\.$/, '')}`;
}

/** Turns YAML nodes into located values, checking what YAML allows and specs do not. */
class Reader {
  /** True when something was found that has no value, so that nothing more can be said of the document. */
  refused = false;
  readonly #anchors = new Map<string, Located | undefined>();
  #aliased = 0;
  readonly source: Source;
  readonly offset: number;
  readonly problems: Problems;
  readonly dialect: YamlDialect;

  constructor(source: Source, offset: number, problems: Problems, dialect: YamlDialect) {
    this.source = source;
    this.offset = offset;
    this.problems = problems;
    this.dialect = dialect;
  }

  read(node: ParsedNode, depth: number): Located {
    const span = this.#span(node.range);
    if (isAlias(node)) return this.#alias(node.source, span);
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, undefined);
    const value = this.#value(node, span, depth);
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, value);
    return value;
  }

  #value(node: ParsedNode, span: Span, depth: number): Located {
    if (isScalar(node)) {
      const value = this.#scalar(node.value, span);
      return node.tag?.startsWith('!')
        ? { kind: 'scalar', span, value, tag: node.tag }
        : { kind: 'scalar', span, value };
    }
    if (depth >= deepest) return this.#refuse(span, `nested more than ${deepest} levels deep`);
    if (isSeq(node)) {
      return { kind: 'list', span, items: node.items.map((item) => this.read(item as ParsedNode, depth + 1)) };
    }
    return { kind: 'map', span, entries: this.#entries(isMap(node) ? node.items : [], depth) };
  }

  #scalar(value: unknown, span: Span): Scalar {
    if (typeof value === 'number' && !Number.isFinite(value)) {
      this.#refuse(span, `expected a finite number, got ${value}`);
      return null;
    }
    if (typeof value === 'string' && !value.isWellFormed()) {
      this.#refuse(span, 'text with half of a surrogate pair cannot be kept');
      return null;
    }
    const control = typeof value === 'string' ? this.#controlIn(value) : undefined;
    if (control !== undefined) {
      this.#refuse(
        span,
        `text with control characters cannot be kept: take out ${control}, and save the file as UTF-8`,
      );
      return null;
    }
    const written = this.source.text.slice(span.start, span.end);
    if (typeof value === 'number' && /^[-+]?\d+$/.test(written) && !Number.isSafeInteger(value)) {
      this.problems.add(span, `the integer ${written} is too large to be kept exactly`);
    }
    return value as Scalar;
  }

  /** `U+0007`, the first that is neither tab nor line end. */
  #controlIn(text: string): string | undefined {
    const [found] = (this.dialect.controls !== true && /[^\P{Cc}\t\n\r]/u.exec(text)) || [];
    return found === undefined ? undefined : `U+${found.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
  }

  #entries(pairs: readonly Pair[], depth: number): Map<string, LocatedEntry> {
    const entries = new Map<string, LocatedEntry>();
    for (const pair of pairs) {
      const keyNode = pair.key as ParsedNode;
      const key = this.#span(keyNode.range);
      const name = this.#keyName(keyNode, key);
      const value = this.#pairValue(pair, key, depth);
      if (name === undefined || this.#isRunTogether(pair, name, key)) continue;
      const first = entries.get(name);
      if (first === undefined || this.dialect.lastKeyWins) entries.set(name, { key, value });
      else this.problems.add(key, `key '${name}' is given twice`, [{ span: first.key, message: 'first given here' }]);
    }
    const merge = pairs.some(({ key }) => isScalar(key) && key.type === 'PLAIN' && key.value === mergeKey);
    return merge ? this.#merged(entries) : entries;
  }

  /** True for `{ rank:16 }`, which YAML takes for one key without a value (reported). */
  #isRunTogether(pair: Pair, name: string, key: Span): boolean {
    const meant = pair.value === null && isScalar(pair.key) && pair.key.type === 'PLAIN' ? withSpace(name) : undefined;
    if (meant !== undefined) this.#refuse(key, `a space is missing after the colon, type '${meant}'`);
    return meant !== undefined;
  }

  /** The entries with those that `<<` takes in: own ones win, and of several mappings the first. */
  #merged(entries: Map<string, LocatedEntry>): Map<string, LocatedEntry> {
    const { value } = entries.get(mergeKey) as LocatedEntry;
    const merged = new Map<string, LocatedEntry>();
    for (const item of value.kind === 'list' ? [...value.items].reverse() : [value]) {
      if (item.kind === 'map') for (const [name, entry] of item.entries) merged.set(name, entry);
      else this.problems.add(item.span, "'<<' takes keys in: expected a mapping, or a list of mappings");
    }
    for (const [name, entry] of entries) if (name !== mergeKey) merged.set(name, entry);
    return merged;
  }

  #pairValue(pair: Pair, key: Span, depth: number): Located {
    const node = pair.value as ParsedNode | null;
    return node === null ? { kind: 'scalar', span: key, value: null } : this.read(node, depth + 1);
  }

  #keyName(node: Node, span: Span): string | undefined {
    if (isScalar(node) && node.value !== null) {
      const name = String(node.value);
      if (name !== '__proto__' && name.isWellFormed() && this.#controlIn(name) === undefined) return name;
    }
    const what = isScalar(node) && node.value !== null ? showValue(node.value) : undefined;
    this.problems.add(span, what === undefined ? 'expected a key of plain text' : `${what} cannot be a key`);
    return undefined;
  }

  #alias(name: string, span: Span): Located {
    const anchored = this.#anchors.get(name);
    if (anchored === undefined) {
      return this.#refuse(
        span,
        this.#anchors.has(name)
          ? `alias '${name}' stands for itself`
          : `unknown alias '${name}' (a text that begins with '*' needs quotes)`,
      );
    }
    this.#aliased += sizeOf(anchored);
    return this.#aliased > mostAliasedValues
      ? this.#refuse(span, `aliases stand for more than ${mostAliasedValues} values`)
      : anchored;
  }

  #refuse(span: Span, message: string): Located {
    this.problems.add(span, message);
    this.refused = true;
    return { kind: 'scalar', span, value: null };
  }

  #span(range: Range | null | undefined): Span {
    const [start, end] = range ?? [0, 0];
    return { source: this.source, start: this.offset + start, end: this.offset + end };
  }
}
