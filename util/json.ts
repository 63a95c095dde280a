// JSON as a data type, and its one canonical text (RFC 8785), over which every cache key is taken.

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** True for a JSON object (not null, not an array). */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The canonical text of a JSON value (RFC 8785): keys sorted by UTF-16 code units, no white space, numbers as
 * ECMAScript prints them. Throws on what JSON cannot hold: NaN, infinities, undefined, functions, lone surrogates.
 */
export function canonicalJson(value: Json): string {
  if (typeof value === 'string') return canonicalString(value);
  if (typeof value === 'number') return canonicalNumber(value);
  if (value === null || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return canonicalList(value);
  if (!isObject(value)) throw new TypeError(`canonical JSON cannot hold a value of type '${typeof value}'`);
  let text = '';
  for (const key of Object.keys(value).sort()) {
    text += `${text === '' ? '' : ','}${canonicalString(key)}:${canonicalJson(value[key] as Json)}`;
  }
  return `{${text}}`;
}

/** The same value with the members of its objects in the order of canonical JSON. */
export function sortedMembers<T extends Json>(value: T): T {
  if (Array.isArray(value)) return value.map(sortedMembers) as unknown as T;
  if (!isObject(value)) return value;
  const names = Object.keys(value).sort();
  return Object.fromEntries(names.map((name) => [name, sortedMembers(value[name] as Json)])) as T;
}

function canonicalList(values: readonly Json[]): string {
  let text = '';
  for (let i = 0; i < values.length; i++) text += `${i === 0 ? '' : ','}${canonicalJson(values[i] as Json)}`;
  return `[${text}]`;
}

function canonicalNumber(value: number): string {
  if (!Number.isFinite(value)) throw new TypeError(`canonical JSON cannot hold the number ${value}`);
  return JSON.stringify(value);
}

/** Characters that stand for themselves between quotes: most texts have no others. */
const plain = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

function canonicalString(value: string): string {
  if (plain.test(value)) return `"${value}"`;
  if (!value.isWellFormed()) throw new TypeError('canonical JSON cannot hold a string with a lone surrogate');
  return JSON.stringify(value);
}
