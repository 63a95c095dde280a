// Values of a spec that know where they were written: every message and every plan parameter points back to its line.
import type { Origin } from '../contract/plan.ts';
import type { Json } from '../util/json.ts';

/** A text that values come from: a spec file, or a command-line flag. */
export interface Source {
  /** As shown to people: a path, or `--set`. */
  name: string;
  text: string;
  /** The folder that relative paths in it start from. */
  folder: string;
  /** True for a flag; its places have line 0. */
  flag: boolean;
}

/** A range of a source, in UTF-16 units. */
export interface Span {
  source: Source;
  start: number;
  end: number;
}

export type Scalar = string | number | boolean | null;
export type Located = LocatedScalar | LocatedList | LocatedMap;

export interface LocatedScalar {
  kind: 'scalar';
  span: Span;
  value: Scalar;
  /** A tag of its own that the dialect keeps, such as `!function`. */
  tag?: string;
}

export interface LocatedList {
  kind: 'list';
  span: Span;
  items: readonly Located[];
}

export interface LocatedMap {
  kind: 'map';
  span: Span;
  entries: ReadonlyMap<string, LocatedEntry>;
}

export interface LocatedEntry {
  key: Span;
  value: Located;
}

const places = new WeakMap<Span, Origin>();
const lineStarts = new WeakMap<Source, number[]>();

/** Line and column of a span's start, from 1; line 0 for a flag. */
export function place(span: Span): Origin {
  let origin = places.get(span);
  if (origin === undefined) {
    origin = findPlace(span);
    places.set(span, origin);
  }
  return origin;
}

function findPlace({ source, start }: Span): Origin {
  if (source.flag) return { file: source.name, line: 0, column: start + 1 };
  const starts = startsOf(source);
  let [low, high] = [0, starts.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] as number) <= start) low = middle;
    else high = middle - 1;
  }
  return { file: source.name, line: low + 1, column: start - (starts[low] as number) + 1 };
}

function startsOf(source: Source): number[] {
  let starts = lineStarts.get(source);
  if (starts === undefined) {
    starts = [0];
    for (let i = source.text.indexOf('\n'); i >= 0; i = source.text.indexOf('\n', i + 1)) starts.push(i + 1);
    lineStarts.set(source, starts);
  }
  return starts;
}

/** The text of the line on which a span starts. */
export function lineText(span: Span): string {
  if (span.source.flag) return span.source.text;
  const starts = startsOf(span.source);
  const { line } = place(span);
  return span.source.text.slice(starts[line - 1], starts[line]).replace(/\r?\n$/, '');
}

/** The value at a path of keys and list indexes. */
export function find(tree: Located | undefined, path: readonly string[]): Located | undefined {
  let at = tree;
  for (const key of path) at = at === undefined ? undefined : child(at, key);
  return at;
}

/** The value under a key or a list index. */
export function child(tree: Located, key: string): Located | undefined {
  if (tree.kind === 'map') return tree.entries.get(key)?.value;
  if (tree.kind === 'list' && /^\d+$/.test(key)) return tree.items[Number(key)];
  return undefined;
}

/** The span of the value at a path, or of its nearest parent that exists. */
export function valueSpan(tree: Located, path: readonly string[]): Span {
  let at = tree;
  for (const key of path) {
    const next = child(at, key);
    if (next === undefined) break;
    at = next;
  }
  return at.span;
}

/** The span of the last key of a path; of the value when it is not in a mapping. */
export function keySpan(tree: Located, path: readonly string[]): Span {
  const parent = find(tree, path.slice(0, -1));
  const entry = parent?.kind === 'map' ? parent.entries.get(path.at(-1) ?? '') : undefined;
  return entry?.key ?? valueSpan(tree, path);
}

/** The keys of the mapping at a path, with their entries; nothing when there is no mapping. */
export function entriesAt(tree: Located | undefined, path: readonly string[]): ReadonlyMap<string, LocatedEntry> {
  const at = find(tree, path);
  return at?.kind === 'map' ? at.entries : new Map();
}

/** The plain JSON value. */
export function toPlain(tree: Located): Json {
  if (tree.kind === 'scalar') return tree.value;
  if (tree.kind === 'list') return tree.items.map(toPlain);
  const plain: Record<string, Json> = {};
  for (const [key, entry] of tree.entries) plain[key] = toPlain(entry.value);
  return plain;
}

const sizes = new WeakMap<Located, number>();

/** How many values a tree holds when its shared parts are counted each time that they occur. */
export function sizeOf(tree: Located): number {
  if (tree.kind === 'scalar') return 1;
  let size = sizes.get(tree);
  if (size === undefined) {
    size = 1;
    if (tree.kind === 'list') for (const item of tree.items) size += sizeOf(item);
    else for (const entry of tree.entries.values()) size += sizeOf(entry.value);
    sizes.set(tree, size);
  }
  return size;
}

/** A JSON pointer (RFC 6901) one key deeper. */
export function pointerTo(pointer: string, key: string | number): string {
  return `${pointer}/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** Where each value below `tree` was written, by JSON pointer. */
export function originsOf(tree: LocatedMap): Record<string, Origin> {
  const origins: Record<string, Origin> = {};
  const walk = (node: Located, pointer: string) => {
    if (pointer !== '') origins[pointer] = place(node.span);
    if (node.kind === 'map') for (const [key, entry] of node.entries) walk(entry.value, pointerTo(pointer, key));
    if (node.kind === 'list') for (const [i, item] of node.items.entries()) walk(item, pointerTo(pointer, i));
  };
  walk(tree, '');
  return origins;
}

/** How a message shows a value: `'abc'`, `3`, `a list`. */
export function showValue(value: unknown): string {
  if (typeof value === 'string') return `'${value.length > 60 ? `${value.slice(0, 57)}...` : value}'`;
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'a mapping' : String(value);
}
