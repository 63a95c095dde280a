// Command-line flags that change a spec: --set path=value[,value...] and --only axis=value,... as located values.
import type { Problems } from '../../located/diagnostic.ts';
import type { Located, Source, Span } from '../../located/located.ts';
import { parseRange } from '../../located/yaml-source.ts';

/** One --set, before its path is looked up. */
export interface SetFlag {
  path: string;
  pathSpan: Span;
  /** The values, named by their texts. */
  values: readonly { name: string; value: Located }[];
}

/** One `axis=value` of --only. */
export interface OnlyFlag {
  axis: string;
  axisSpan: Span;
  value: string;
  valueSpan: Span;
}

/** A flag's value as a source, so that mistakes in it have a place. */
export function flagSource(name: string, text: string, folder: string): Source {
  return { name, text, folder, flag: true };
}

/** The whole of a flag. */
export function wholeSpan(source: Source): Span {
  return { source, start: 0, end: source.text.length };
}

/** Reads `path=value[,value...]`; the values are YAML, and commas within brackets or quotes do not separate. */
export function parseSetFlag(source: Source, problems: Problems): SetFlag | undefined {
  const equals = source.text.indexOf('=');
  const path = source.text.slice(0, Math.max(0, equals)).trim();
  if (path === '') {
    problems.add(wholeSpan(source), `expected 'path=value' or 'path=value,value...', got '${source.text}'`);
    return undefined;
  }
  const values: { name: string; value: Located }[] = [];
  for (const [start, end] of splitAtCommas(source.text, equals + 1)) {
    const name = source.text.slice(start, end).trim();
    const value = name === '' ? undefined : parseRange(source, start, end, problems);
    if (name === '') problems.add({ source, start, end }, `'${path}' has an empty value (write '' for empty text)`);
    if (value === undefined) return undefined;
    values.push({ name: value.kind === 'scalar' ? `${value.value}` : name, value });
  }
  return { path, pathSpan: { source, start: 0, end: equals }, values };
}

/** The ranges between commas that stand outside of brackets and quotes. */
function splitAtCommas(text: string, from: number): [start: number, end: number][] {
  const ranges: [number, number][] = [];
  let [start, depth, quote] = [from, 0, ''];
  for (let i = from; i < text.length; i++) {
    const character = text[i] as string;
    if (quote !== '') {
      if (character === '\\' && quote === '"') i++;
      else if (character === quote) quote = '';
    } else if ((character === '"' || character === "'") && startsValue(text, i, from)) quote = character;
    else if ('[{'.includes(character)) depth++;
    else if (']}'.includes(character)) depth--;
    else if (character === ',' && depth <= 0) {
      ranges.push([start, i]);
      start = i + 1;
    }
  }
  ranges.push([start, text.length]);
  return ranges;
}

/** A quote opens quoted text only where a YAML value can start: `it's` is plain text. */
function startsValue(text: string, at: number, from: number): boolean {
  const before = text.slice(from, at).trimEnd();
  return before === '' || /[,:[{]$/.test(before);
}

/** Reads `axis=value,axis2=value2`. */
export function parseOnlyFlag(source: Source, problems: Problems): OnlyFlag[] {
  const found: OnlyFlag[] = [];
  let start = 0;
  for (const piece of source.text.split(',')) {
    const end = start + piece.length;
    const equals = piece.indexOf('=');
    if (equals <= 0) problems.add({ source, start, end }, `expected 'axis=value', got '${piece}'`);
    else {
      found.push({
        axis: piece.slice(0, equals).trim(),
        axisSpan: { source, start, end: start + equals },
        value: piece.slice(equals + 1).trim(),
        valueSpan: { source, start: start + equals + 1, end },
      });
    }
    start = end + 1;
  }
  return found;
}
