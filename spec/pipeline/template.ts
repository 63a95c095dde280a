// Interpolations: the `${name.key}` in a text, and where each stands.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the dollar signs are the interpolations of specs
import type { Located, LocatedScalar, Span } from '../../located/located.ts';

/** A part of a text: literal text, or a reference to a parameter and a path into its value. */
export type TemplatePart =
  | { kind: 'text'; text: string }
  | { kind: 'reference'; path: readonly string[]; span: Span }
  | { kind: 'mistake'; message: string; span: Span };

const reference = /^\s*[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z0-9_][A-Za-z0-9_-]*)*\s*$/;
const parsed = new WeakMap<LocatedScalar, readonly TemplatePart[]>();

/** The parts of a text; undefined when nothing in it is interpolated or escaped. */
export function parseTemplate(scalar: LocatedScalar): readonly TemplatePart[] | undefined {
  if (typeof scalar.value !== 'string' || !scalar.value.includes('${')) return undefined;
  let parts = parsed.get(scalar);
  if (parts === undefined) {
    parts = split(scalar.value, scalar);
    parsed.set(scalar, parts);
  }
  return parts;
}

function split(text: string, scalar: LocatedScalar): TemplatePart[] {
  const parts: TemplatePart[] = [];
  const add = (literal: string) => literal !== '' && parts.push({ kind: 'text', text: literal });
  let from = 0;
  for (let at = text.indexOf('${'); at >= 0; at = text.indexOf('${', from)) {
    if (at > from && text[at - 1] === '$') {
      add(`${text.slice(from, at - 1)}\${`);
      from = at + 2;
      continue;
    }
    add(text.slice(from, at));
    const end = text.indexOf('}', at);
    if (end < 0) {
      const message = "'${' without '}' (write '$${' for the characters themselves)";
      parts.push({ kind: 'mistake', message, span: partSpan(scalar, at, text.length) });
      return parts;
    }
    parts.push(readReference(text.slice(at + 2, end), partSpan(scalar, at, end + 1)));
    from = end + 1;
  }
  add(text.slice(from));
  return parts;
}

function readReference(inside: string, span: Span): TemplatePart {
  if (reference.test(inside)) return { kind: 'reference', path: inside.trim().split('.'), span };
  return {
    kind: 'mistake',
    message: `'\${${inside}}' does not name a parameter, expected '\${name}' or '\${name.key}'`,
    span,
  };
}

/** The range of a part of a text; the whole text when quoting or folding hides where the part stands. */
function partSpan({ span, value }: LocatedScalar, start: number, end: number): Span {
  const { source } = span;
  for (const shift of [0, 1]) {
    const at = span.start + shift;
    if (source.text.startsWith(value as string, at) && at + (value as string).length <= span.end) {
      return { source, start: at + start, end: at + end };
    }
  }
  return span;
}

/** All references in a value, at any depth. */
export function referencesIn(tree: Located): { path: readonly string[]; span: Span }[] {
  const found: { path: readonly string[]; span: Span }[] = [];
  const seen = new Set<Located>();
  const walk = (node: Located) => {
    if (node.kind !== 'scalar') {
      if (seen.has(node)) return;
      seen.add(node);
    }
    if (node.kind === 'scalar') {
      for (const part of parseTemplate(node) ?? []) if (part.kind === 'reference') found.push(part);
    } else if (node.kind === 'list') node.items.forEach(walk);
    else for (const entry of node.entries.values()) walk(entry.value);
  };
  walk(tree);
  return found;
}
