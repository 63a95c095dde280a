// Changing located values: one value deep inside another, and relative paths made absolute.
import { isAbsolute, resolve } from 'node:path';
import { isHubName, parseHubName } from '../hub/name.ts';
import type { Json } from '../util/json.ts';
import { isObject } from '../util/json.ts';
import type { Located, LocatedEntry } from './located.ts';
import { find, showValue, toPlain } from './located.ts';
import { findShipped, isShippedName } from './shipped.ts';

/** `base` with the value at `path` replaced; mappings on the way are made. A string says what stands in the way. */
export function withValueAt(base: Located | undefined, path: readonly string[], value: Located): Located | string {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (base !== undefined && base.kind === 'list') {
    const index = /^\d+$/.test(key) ? Number(key) : base.items.length;
    if (index >= base.items.length) return `'${key}' is not an index of a list of ${base.items.length}`;
    const inner = withValueAt(base.items[index], rest, value);
    return typeof inner === 'string' ? inner : { ...base, items: base.items.with(index, inner) };
  }
  if (base !== undefined && base.kind === 'scalar' && base.value !== null) {
    return `expected a mapping that holds '${key}', got ${showValue(base.value)}`;
  }
  const before: ReadonlyMap<string, LocatedEntry> = base?.kind === 'map' ? base.entries : new Map();
  const inner = withValueAt(before.get(key)?.value, rest, value);
  if (typeof inner === 'string') return inner;
  const entries = new Map(before).set(key, { key: before.get(key)?.key ?? value.span, value: inner });
  return { kind: 'map', span: base?.span ?? value.span, entries };
}

type Schema = Record<string, unknown>;

/** Where a schema says `format: path` in a value. */
export function pathsIn(schema: unknown, value: Json): string[][] {
  if (!isObject(schema) || !speaksOfPaths(schema)) return [];
  if (typeof value === 'string') return schema.format === 'path' || branches(schema).some(isPathSchema) ? [[]] : [];
  const found = branches(schema).flatMap((branch) => pathsIn(branch, value));
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) found.push(...below(String(i), schema.items, item));
  } else if (isObject(value)) {
    for (const key of keysWithPaths(schema, value)) {
      found.push(...below(key, schemaOfKey(schema, key), value[key] as Json));
    }
  }
  return found;
}

const pathSpeakers = new WeakMap<object, boolean>();

/** True for a schema of which some part says `format: path`. Asked for each stage of a grid, so that it is found out once. */
function speaksOfPaths(schema: Schema): boolean {
  let speaks = pathSpeakers.get(schema);
  if (speaks === undefined) {
    const { properties = {}, patternProperties = {}, additionalProperties, items } = schema;
    const parts = [properties, patternProperties].flatMap((each) => Object.values(each as object) as unknown[]);
    const all = [...branches(schema), ...parts, additionalProperties, items].filter(isObject);
    speaks = isPathSchema(schema) || all.some(speaksOfPaths);
    pathSpeakers.set(schema, speaks);
  }
  return speaks;
}

/** The keys of a value under which its schema may say so, in the value's order. */
function keysWithPaths({ properties, patternProperties, additionalProperties }: Schema, value: object): string[] {
  const keys = Object.keys(value);
  if (isObject(patternProperties) || isObject(additionalProperties) || !isObject(properties)) return keys;
  return keys.filter(
    (key) => Object.hasOwn(properties, key) && isObject(properties[key]) && speaksOfPaths(properties[key]),
  );
}

function below(key: string, schema: unknown, value: Json): string[][] {
  return pathsIn(schema, value).map((path) => [key, ...path]);
}

function branches(schema: Record<string, unknown>): unknown[] {
  return ['anyOf', 'oneOf', 'allOf'].flatMap((word) =>
    Array.isArray(schema[word]) ? (schema[word] as unknown[]) : [],
  );
}

function isPathSchema(schema: unknown): boolean {
  return isObject(schema) && schema.format === 'path';
}

function schemaOfKey(schema: Record<string, unknown>, key: string): unknown {
  const { properties, patternProperties, additionalProperties } = schema;
  if (isObject(properties) && Object.hasOwn(properties, key)) return properties[key];
  if (isObject(patternProperties)) {
    const match = Object.entries(patternProperties).find(([pattern]) => new RegExp(pattern, 'u').test(key));
    if (match !== undefined) return match[1];
  }
  return additionalProperties;
}

/** True for a name that no file of this machine can have, such as `hf://meta-llama/Llama-3.2-3B`. */
function isRemote(path: string): boolean {
  return isHubName(path) || /^[a-z][a-z0-9+.-]+:\/\//i.test(path);
}

/** What is wrong with a path that is a name; undefined for files of this machine and for good names on the hub. */
export function nameComplaint(path: string): string | undefined {
  if (isShippedName(path)) return wrongShipped(path);
  if (!isRemote(path)) return undefined;
  if (!isHubName(path)) return `expected a path or a name on the hub (hf://org/name), got '${path}'`;
  const name = parseHubName(path);
  return typeof name === 'string' ? name : undefined;
}

function wrongShipped(name: string): string | undefined {
  const found = findShipped(name, 'path');
  return 'wrong' in found ? `'${name}' ${found.wrong}` : undefined;
}

/** Relative paths and names of what comes with lamina made absolute, the former from the folder of the file in which each is written. */
export function withAbsolutePaths(schema: unknown, tree: Located): Located {
  if (!isObject(schema) || !speaksOfPaths(schema)) return tree;
  let result = tree;
  for (const path of pathsIn(schema, toPlain(tree))) {
    const node = find(result, path);
    if (node?.kind !== 'scalar' || typeof node.value !== 'string' || node.value === '') continue;
    if (isRemote(node.value) || isAbsolute(node.value)) continue;
    const value = absolutePath(node.value, node.span.source.folder);
    const changed = withValueAt(result, path, { ...node, value });
    if (typeof changed !== 'string') result = changed;
  }
  return result;
}

/** A name that lamina does not ship stays as it is: it is reported where the stage takes it. */
function absolutePath(text: string, folder: string): string {
  if (!isShippedName(text)) return resolve(folder, text);
  const found = findShipped(text, 'path');
  return 'path' in found ? found.path : text;
}
