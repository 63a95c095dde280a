// Typed access to the fields of a parsed JSON object that came from outside; every mismatch is a UserError.
import { UserError } from '../../util/errors.ts';

/** The fields of one JSON object; a reader given a default returns it where the field is absent or null. */
export interface Fields {
  readonly source: string;
  /** The keys, those with null among them. */
  readonly keys: readonly string[];
  has(key: string): boolean;
  integer(key: string, minimum: number, maximum: number, otherwise?: number): number;
  /** A list of `length` whole numbers. */
  integers(key: string, length: number, minimum: number, maximum: number): number[];
  positive(key: string, otherwise?: number): number;
  boolean(key: string, otherwise: boolean): boolean;
  oneOf(key: string, allowed: readonly string[]): string;
  /** A UserError, which says `why`, unless the value (or `otherwise`, where there is none) is `expected`. */
  equal(key: string, expected: string | boolean, why: string, otherwise?: string | boolean): void;
  /** The value at a key as it is. */
  raw(key: string): unknown;
  /** The text at a key; undefined where there is none. */
  text(key: string): string | undefined;
  object(key: string): Fields | null;
  /** A token id, or a list of them; [] when absent. */
  tokenIds(key: string): number[];
}

/** Wraps the JSON value `json` that was read from `source` (a file name, for messages). */
export function fieldsOf(json: unknown, source: string): Fields {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new UserError(`${source}: expected a JSON object, got ${show(json)}`);
  }
  const value = (key: string): unknown =>
    Object.hasOwn(json, key) ? (json as Record<string, unknown>)[key] : undefined;
  const has = (key: string) => value(key) !== undefined && value(key) !== null;
  const fail = (key: string, expected: string): never => {
    throw new UserError(`${source}: '${key}' must be ${expected}, got ${has(key) ? show(value(key)) : 'nothing'}`);
  };
  return {
    source,
    keys: Object.keys(json),
    has,
    integer(key, minimum, maximum, otherwise) {
      const found = has(key) ? value(key) : otherwise;
      const good = Number.isInteger(found) && (found as number) >= minimum && (found as number) <= maximum;
      return good ? (found as number) : fail(key, `a whole number from ${minimum} to ${maximum}`);
    },
    integers(key, length, minimum, maximum) {
      const found = value(key);
      const inside = (n: unknown) => Number.isInteger(n) && (n as number) >= minimum && (n as number) <= maximum;
      const good = Array.isArray(found) && found.length === length && found.every(inside);
      return good ? found : fail(key, `a list of ${length} whole numbers from ${minimum} to ${maximum}`);
    },
    positive(key, otherwise) {
      const found = has(key) ? value(key) : otherwise;
      const good = typeof found === 'number' && Number.isFinite(found) && found > 0;
      return good ? found : fail(key, 'a number greater than 0');
    },
    boolean(key, otherwise) {
      const found = has(key) ? value(key) : otherwise;
      return typeof found === 'boolean' ? found : fail(key, 'true or false');
    },
    oneOf(key, allowed) {
      const found = value(key);
      return typeof found === 'string' && allowed.includes(found) ? found : fail(key, allowed.map(show).join(' or '));
    },
    equal(key, expected, why, otherwise) {
      if ((has(key) ? value(key) : otherwise) !== expected) fail(key, `${show(expected)} (${why})`);
    },
    raw: value,
    text(key) {
      const found = value(key);
      return typeof found === 'string' ? found : undefined;
    },
    object(key) {
      return has(key) ? fieldsOf(value(key), `${source}: '${key}'`) : null;
    },
    tokenIds(key) {
      if (!has(key)) return [];
      const ids = [value(key)].flat();
      const good = ids.every((id) => Number.isInteger(id) && (id as number) >= 0);
      return good ? (ids as number[]) : fail(key, 'a token id or a list of token ids');
    },
  };
}

function show(value: unknown): string {
  if (typeof value === 'string') return `'${value.slice(0, 60)}'`;
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  return String(value);
}
