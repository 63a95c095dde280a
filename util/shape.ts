// Shapes of JSON that we wrote ourselves and read back, checked without a schema compiler: small, and quick to load.
import { isObject } from './json.ts';
import { shown } from './shown.ts';

/** Says what is wrong with a value that should be a `T`; undefined when nothing is. `at` is the value's place, such as `cells.3.axes`. */
export type Shape<T> = ((value: unknown, at: string) => string | undefined) & { readonly of?: T };

/** What is wrong with `value`, in a sentence that begins with the place; undefined when it has the shape. */
export function misshape<T>(shape: Shape<T>, value: unknown): string | undefined {
  return shape(value, '');
}

export const text: Shape<string> = scalar('text', (value) => typeof value === 'string');
export const number: Shape<number> = scalar('a number', (value) => Number.isFinite(value));
export const index: Shape<number> = scalar('a whole number', (value) => Number.isSafeInteger(value));
export const flag: Shape<boolean> = scalar('true or false', (value) => typeof value === 'boolean');
/** Any JSON. */
export const anything: Shape<never> = () => undefined;

/** One of the given values. */
export function oneOf<T extends string | number>(...values: readonly T[]): Shape<T> {
  return scalar(values.map((value) => `'${value}'`).join(' or '), (value) => values.includes(value as T));
}

export function nullable<T>(shape: Shape<T>): Shape<T | null> {
  return (value, at) => (value === null ? undefined : shape(value, at));
}

/** A key that may be missing. */
export function optional<T>(shape: Shape<T>): Shape<T | undefined> {
  return (value, at) => (value === undefined ? undefined : shape(value, at));
}

export function list<T>(of: Shape<T>): Shape<readonly T[]> {
  return (value, at) => {
    if (!Array.isArray(value)) return expected('a list', value, at);
    return firstOf(value.entries(), (i) => of(value[i], below(at, i)));
  };
}

/** An object with any keys. */
export function mapOf<T>(of: Shape<T>): Shape<Readonly<Record<string, T>>> {
  return (value, at) => {
    if (!isObject(value)) return expected('an object', value, at);
    return firstOf(Object.entries(value), (key) => of(value[key], below(at, key)));
  };
}

/** An object with these keys at least; keys of a later lamina are passed over. */
export function fields<T extends object>(shapes: { readonly [Key in keyof T]-?: Shape<T[Key]> }): Shape<T> {
  return (value, at) => {
    if (!isObject(value)) return expected('an object', value, at);
    return firstOf(Object.entries<Shape<unknown>>(shapes), (key, shape) =>
      shape(Object.hasOwn(value, key) ? value[key] : undefined, below(at, key)),
    );
  };
}

/** The shape that `choose` finds for an object, by a key that says its kind; a text says what was expected there. */
export function chosen<T>(choose: (value: Readonly<Record<string, unknown>>) => Shape<T> | string): Shape<T> {
  return (value, at) => {
    if (!isObject(value)) return expected('an object', value, at);
    const shape = choose(value);
    return typeof shape === 'string' ? `${place(at)}expected ${shape}` : shape(value, at);
  };
}

function scalar(what: string, test: (value: unknown) => boolean) {
  return (value: unknown, at: string) => (test(value) ? undefined : expected(what, value, at));
}

function firstOf<K, V>(
  entries: Iterable<readonly [K, V]>,
  complain: (key: K, value: V) => string | undefined,
): string | undefined {
  for (const [key, value] of entries) {
    const complaint = complain(key, value);
    if (complaint !== undefined) return complaint;
  }
  return undefined;
}

function expected(what: string, value: unknown, at: string): string {
  const got = Array.isArray(value) ? 'a list' : isObject(value) ? 'an object' : shown(value);
  return `${place(at)}expected ${what}, got ${got}`;
}

function place(at: string): string {
  return at === '' ? '' : `'${at}': `;
}

function below(at: string, key: string | number): string {
  return at === '' ? String(key) : `${at}.${key}`;
}
